//! The gradient to the weights.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::tile::{OfGradient, OfSource, Pixels, lower_weights};
use super::{IN, OUT, POINTS, TILES, stride};
use crate::kernel::Level;
use crate::kernel::level::{Kernel, Tiled};
use crate::kernel::pack::{Block, blocks};
use crate::kernel::simd::{MOST_LANES, Simd};
use crate::kernel::slot::{OfTwo, Single, Slot};
use crate::kernel::span::{span, span_mut};
use crate::precision::Precision;

/// Numbers that are kept transformed at a time.
const KEPT: usize = 1 << 22;

/// Gradient to weights `[out, in, 3, 3]`, stride 1: `x` is what the convolution read, `gradient` that to its result.
///
/// Tiles are summed in their order: the result does not depend on the number of threads.
pub(crate) fn winograd_weight_gradient(
    level: Level,
    precision: Precision,
    x: Pixels<'_>,
    gradient: Pixels<'_>,
) -> Vec<f32> {
    match precision {
        Precision::F32 => summed::<Plain>(level, x, gradient),
        Precision::Bf16 => summed::<Paired>(level, x, gradient),
    }
}

/// How transformed tiles are kept: each by itself, or two neighbours in the slots of one.
trait Keep {
    /// What the first and the second of them are written as; products are those of either.
    type First: Slot;
    type Second: Slot;
    /// Tiles in a slot.
    const TILES: usize;
}

struct Plain;

impl Keep for Plain {
    type First = Single;
    type Second = Single;
    const TILES: usize = 1;
}

struct Paired;

impl Keep for Paired {
    type First = OfTwo<false>;
    type Second = OfTwo<true>;
    const TILES: usize = 2;
}

fn summed<K: Keep>(level: Level, x: Pixels<'_>, gradient: Pixels<'_>) -> Vec<f32> {
    let ([.., input], [batch, height, width, output]) = (x.size, gradient.size);
    x.check();
    gradient.check();
    let [down, across] = [height, width].map(|side| side.div_ceil(OUT));
    let tiles = batch * down * across;
    let place = |tile: usize| [tile / across / down, tile / across % down * OUT, tile % across * OUT];
    // Both sides of `TILES` slots in one buffer, as many buffers as are kept.
    let [near, far] = [x.padded(level.lanes()), gradient.padded(level.lanes())].map(|c| POINTS * stride(c));
    let group = TILES * K::TILES;
    let groups = (KEPT / (near + far).max(1)).clamp(1, tiles.div_ceil(group).max(1));
    let mut kept = vec![0.0; groups * (near + far)];
    let blocks = blocks(output, level);
    let lanes = |block: &Block| block.vectors * level.lanes();
    let mut sums: Vec<_> = blocks.iter().map(|block| vec![0.0; POINTS * input * lanes(block)]).collect();
    for start in (0..tiles).step_by(groups * group) {
        let count = (tiles - start).min(groups * group);
        let filled = kept.par_chunks_mut(near + far).take(count.div_ceil(group)).enumerate();
        filled.for_each(|(at, buffer)| {
            let (near, far) = buffer.split_at_mut(near);
            let first = start + at * group;
            let tiles = first..(first + group).min(start + count);
            // SAFETY: a level exists only where it is available; pixels were checked, and the buffers have room
            // for `TILES` tiles of theirs.
            unsafe {
                level.run(Enter { x, gradient, tiles, place: &place, near, far, keep: PhantomData::<K> })
            }
        });
        let points = blocks.iter().zip(&mut sums).flat_map(|(block, sums)| {
            let size = (input * lanes(block)).max(1);
            sums.chunks_mut(size).enumerate().map(move |(point, sums)| (*block, point, sums))
        });
        points.collect::<Vec<_>>().into_par_iter().for_each(|(block, point, sums)| {
            for (at, buffer) in kept.chunks(near + far).take(count.div_ceil(group)).enumerate() {
                let (near, far) = buffer.split_at(near);
                let slots = group.min(count - at * group).div_ceil(K::TILES);
                let sizes = [x.padded(level.lanes()), gradient.padded(level.lanes())];
                // SAFETY: as above; `sums` has room for all channels and the lanes of the block.
                unsafe {
                    let keep = PhantomData::<K>;
                    let job = Multiply { near, far, sizes, point, slots, block, sums, keep };
                    level.tile(block.vectors, job);
                }
            }
        });
    }
    let mut weights = vec![0.0; output * input * 9];
    for (block, sums) in blocks.iter().zip(&sums) {
        // SAFETY: as above.
        unsafe {
            level.run(Leave { input, block: *block, sums, weights: &mut weights, keep: PhantomData::<K> })
        }
    }
    weights
}

/// Tiles whose points are computed.
struct Enter<'a, P, K> {
    x: Pixels<'a>,
    gradient: Pixels<'a>,
    tiles: std::ops::Range<usize>,
    /// Image, first line and first column of a tile's results.
    place: &'a P,
    /// `[point][slot][channel]` of `x`, and of `gradient`.
    near: &'a mut [f32],
    far: &'a mut [f32],
    keep: PhantomData<K>,
}

/// Where no pixel is, so that a second tile which is not there becomes zeros.
const NOWHERE: [usize; 3] = [0, usize::MAX / 2, 0];

impl<P: Fn(usize) -> [usize; 3], K: Keep> Kernel for Enter<'_, P, K> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, gradient, tiles, place, near, far, .. } = self;
        let [near_size, far_size] = [&x, &gradient].map(|pixels| pixels.padded(S::LANES));
        for (at, tile) in tiles.clone().step_by(K::TILES).enumerate() {
            let (near, far) = (&mut near[at * near_size..], &mut far[at * far_size..]);
            // SAFETY: passed on from the caller.
            unsafe {
                x.points::<S, OfSource, K::First, IN>(place(tile), near);
                gradient.points::<S, OfGradient, K::First, OUT>(place(tile), far);
                if K::TILES == 2 {
                    let next = if tile + 1 < tiles.end { place(tile + 1) } else { NOWHERE };
                    x.points::<S, OfSource, K::Second, IN>(next, near);
                    gradient.points::<S, OfGradient, K::Second, OUT>(next, far);
                }
            }
        }
    }
}

/// Sums over tiles of products of `x` and gradient at one point.
struct Multiply<'a, K> {
    near: &'a [f32],
    far: &'a [f32],
    /// Channels of a tile in `near` and `far`.
    sizes: [usize; 2],
    point: usize,
    slots: usize,
    /// Channels of the gradient.
    block: Block,
    /// `[channel][lane]`.
    sums: &'a mut [f32],
    keep: PhantomData<K>,
}

impl<K: Keep> Tiled for Multiply<'_, K> {
    #[inline(always)]
    unsafe fn run<S: Simd, const MR: usize, const NV: usize>(self) {
        let Self { near, far, sizes, point, slots, block, sums, .. } = self;
        let [near_size, far_size] = sizes;
        let lanes = NV * S::LANES;
        let channels = sums.len() / lanes;
        for first in (0..channels).step_by(MR) {
            let rows = MR.min(channels - first);
            // SAFETY: channels and lanes are inside the buffers, which hold whole vectors of channels; the rows of a
            // register tile beyond the last channel read what follows, inside the buffer because of its end.
            unsafe {
                let near = span(near, point * stride(near_size) + first, (slots - 1) * near_size + MR);
                let far = span(far, point * stride(far_size) + block.start, (slots - 1) * far_size + lanes);
                let mut total = [[S::splat(0.0); NV]; MR];
                for slot in 0..slots {
                    let mut gradient = [S::splat(0.0); NV];
                    for j in 0..NV {
                        gradient[j] = S::load(far.add(slot * far_size + j * S::LANES));
                    }
                    for i in 0..MR {
                        let value = S::splat(*near.add(slot * near_size + i));
                        for j in 0..NV {
                            total[i][j] = K::First::mul_add::<S>(value, gradient[j], total[i][j]);
                        }
                    }
                }
                for i in 0..MR {
                    if i < rows {
                        for j in 0..NV {
                            let sum = span_mut(sums, (first + i) * lanes + j * S::LANES, S::LANES);
                            S::store(sum, S::add(S::load(sum), total[i][j]));
                        }
                    }
                }
            }
        }
    }
}

/// Sums that are transformed to weights.
struct Leave<'a, K> {
    input: usize,
    block: Block,
    /// `[point][channel][lane]`.
    sums: &'a [f32],
    /// `[out, in, 3, 3]`.
    weights: &'a mut [f32],
    keep: PhantomData<K>,
}

impl<K: Keep> Kernel for Leave<'_, K> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { input, block, sums, weights, .. } = self;
        let lanes = block.vectors * S::LANES;
        for (channel, j) in (0..input).flat_map(|channel| (0..block.vectors).map(move |j| (channel, j))) {
            let mut taps = [[0.0f32; MOST_LANES]; 9];
            // SAFETY: `sums` has all points of all channels and lanes; a row of `taps` has room for a vector.
            unsafe {
                let mut down = [[S::splat(0.0); 3]; IN];
                for x in 0..IN {
                    let mut column = [S::splat(0.0); IN];
                    for y in 0..IN {
                        let at = ((y * IN + x) * input + channel) * lanes + j * S::LANES;
                        column[y] = S::load(span(sums, at, S::LANES));
                    }
                    down[x] = lower_weights::<S, K::First>(column);
                }
                for y in 0..3 {
                    let line = [down[0][y], down[1][y], down[2][y], down[3][y], down[4][y], down[5][y]];
                    let line = lower_weights::<S, K::First>(line);
                    for x in 0..3 {
                        S::store(span_mut(&mut taps[y * 3 + x], 0, S::LANES), line[x]);
                    }
                }
            }
            let first = j * S::LANES;
            for lane in 0..S::LANES.min(block.width - first) {
                let out = block.start + first + lane;
                let weights = &mut weights[(out * input + channel) * 9..][..9];
                weights.iter_mut().zip(&taps).for_each(|(weight, tap)| *weight = tap[lane]);
            }
        }
    }
}
