//! The gradient to the weights.

use std::cell::Cell;
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

/// Tasks that sum tiles, at most, and tiles that are worth sums of their own. What each sums is added in order, so the tasks must
/// not depend on the number of threads.
const TASKS: usize = 8;
const WORTH: usize = 64;
/// Sums that fit into the second cache beside transformed tiles.
const FEW: usize = 3 << 18;
/// Numbers of the transformed tiles that stay in that cache.
const NEAR: usize = 1 << 17;
/// Tiles of which sums are read and written for at least so many products.
const LEAST: usize = 12;
/// Numbers that are kept transformed at a time where sums are many.
const MOST: usize = 1 << 22;

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
trait Keep: Sync {
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
    let ([.., input], output) = (x.size, gradient.size[3]);
    x.check();
    gradient.check();
    let blocks = blocks(output, level);
    let job = Job::<K> { level, x, gradient, blocks: &blocks, keep: PhantomData };
    let parts = match POINTS * input * output <= FEW {
        true => job.by_tiles(),
        false => vec![job.by_points()],
    };
    let mut weights = vec![0.0; output * input * 9];
    let size = (level.lanes() * input * 9).max(1);
    let vectors =
        blocks.iter().enumerate().flat_map(|(at, block)| (0..block.vectors).map(move |j| (at, *block, j)));
    let vectors: Vec<_> = vectors.zip(weights.chunks_mut(size)).collect();
    vectors.into_par_iter().for_each(|((at, block, vector), weights)| {
        let sums: Vec<&[f32]> = parts.iter().map(|part| &part[at][..]).collect();
        // SAFETY: a level exists only where it is available.
        unsafe { level.run(Leave { input, block, vector, sums: &sums, weights, keep: PhantomData::<K> }) }
    });
    weights
}

/// What is summed: of every block, `[point][channel][lane]`.
type Sums = Vec<Vec<f32>>;

struct Job<'a, K> {
    level: Level,
    x: Pixels<'a>,
    gradient: Pixels<'a>,
    blocks: &'a [Block],
    keep: PhantomData<K>,
}

thread_local! {
    /// Transformed tiles, of `x` and of the gradient, kept for the next time.
    static KEPT: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

impl<K: Keep> Job<'_, K> {
    /// Every task transforms and sums some of the tiles, while they are in the cache.
    fn by_tiles(&self) -> Vec<Sums> {
        let tiles = self.tiles();
        let [near, far] = self.sizes();
        let channels: usize = self.padded().iter().sum();
        let group = (NEAR / (POINTS * channels).max(1)).clamp(LEAST, TILES) * K::TILES;
        let tasks = (tiles / WORTH).clamp(1, TASKS);
        let chunk = tiles.div_ceil(tasks).next_multiple_of(K::TILES).max(1);
        let starts: Vec<_> = (0..tiles).step_by(chunk).collect();
        starts
            .into_par_iter()
            .map(|start| {
                let mut sums = self.zeros();
                with_kept(near + far, |buffer| {
                    for first in (start..tiles.min(start + chunk)).step_by(group) {
                        let count = group.min(tiles - first);
                        self.enter(first, count, buffer);
                        for (block, sums) in self.blocks.iter().zip(&mut sums) {
                            for (point, sums) in self.by_point(block, sums) {
                                self.multiply(count, buffer, *block, point, sums);
                            }
                        }
                    }
                });
                sums
            })
            .collect()
    }

    /// Many channels have more sums than the cache holds: every task sums one point of all tiles.
    fn by_points(&self) -> Sums {
        let (tiles, group) = (self.tiles(), TILES * K::TILES);
        let [near, far] = self.sizes();
        let groups = (MOST / (near + far).max(1)).clamp(1, tiles.div_ceil(group).max(1));
        let mut sums = self.zeros();
        with_kept(groups * (near + far), |kept| {
            for start in (0..tiles).step_by(groups * group) {
                let parts = (start..tiles.min(start + groups * group)).step_by(group);
                let parts: Vec<_> = parts.map(|first| (first, group.min(tiles - first))).collect();
                let buffers = kept.par_chunks_mut(near + far).zip(&parts);
                buffers.for_each(|(buffer, (first, count))| self.enter(*first, *count, buffer));
                let points = self.blocks.iter().zip(&mut sums);
                let points = points.flat_map(|(block, sums)| {
                    self.by_point(block, sums).map(move |(point, sums)| (*block, point, sums))
                });
                points.collect::<Vec<_>>().into_par_iter().for_each(|(block, point, sums)| {
                    for (buffer, (_, count)) in kept.chunks(near + far).zip(&parts) {
                        self.multiply(*count, buffer, block, point, sums);
                    }
                });
            }
        });
        sums
    }

    fn tiles(&self) -> usize {
        let [batch, down, across] = self.places();
        batch * down * across
    }

    /// Images, and tiles down and across each.
    fn places(&self) -> [usize; 3] {
        let [batch, height, width, _] = self.gradient.size;
        [batch, height.div_ceil(OUT), width.div_ceil(OUT)]
    }

    /// Channels of a tile of `x` and of the gradient, whole vectors.
    fn padded(&self) -> [usize; 2] {
        [&self.x, &self.gradient].map(|pixels| pixels.padded(self.level.lanes()))
    }

    /// Room for `TILES` slots of both.
    fn sizes(&self) -> [usize; 2] {
        self.padded().map(|channels| POINTS * stride(channels))
    }

    fn zeros(&self) -> Sums {
        self.blocks.iter().map(|block| vec![0.0; POINTS * self.x.size[3] * self.lanes(block)]).collect()
    }

    fn lanes(&self, block: &Block) -> usize {
        block.vectors * self.level.lanes()
    }

    /// The sums of every point.
    fn by_point<'a>(
        &self,
        block: &Block,
        sums: &'a mut [f32],
    ) -> impl Iterator<Item = (usize, &'a mut [f32])> {
        sums.chunks_mut((self.x.size[3] * self.lanes(block)).max(1)).enumerate()
    }

    /// Transforms `count` tiles, at most as many as the buffer has room for.
    fn enter(&self, first: usize, count: usize, buffer: &mut [f32]) {
        let [_, down, across] = self.places();
        let place = |tile: usize| [tile / across / down, tile / across % down * OUT, tile % across * OUT];
        let (near, far) = buffer.split_at_mut(self.sizes()[0]);
        let (tiles, Self { level, x, gradient, keep, .. }) = (first..first + count, self);
        // SAFETY: a level exists only where it is available; pixels were checked, and the buffer has room.
        unsafe {
            level.run(Enter { x: *x, gradient: *gradient, tiles, place: &place, near, far, keep: *keep })
        }
    }

    /// Adds the products of `count` tiles at one point.
    fn multiply(&self, count: usize, buffer: &[f32], block: Block, point: usize, sums: &mut [f32]) {
        let (near, far) = buffer.split_at(self.sizes()[0]);
        let (sizes, slots) = (self.padded(), count.div_ceil(K::TILES));
        // SAFETY: as above; `sums` has room for all channels and the lanes of the block.
        unsafe {
            let kernel = Multiply { near, far, sizes, point, slots, block, sums, keep: self.keep };
            self.level.tile(block.vectors, kernel);
        }
    }
}

/// Calls `use_it` with `length` numbers of any value.
fn with_kept(length: usize, use_it: impl FnOnce(&mut [f32])) {
    let mut kept = KEPT.take();
    if kept.len() < length {
        kept.resize(length, 0.0);
    }
    use_it(&mut kept[..length]);
    KEPT.set(kept);
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

/// Sums of one vector of results that are transformed to weights.
struct Leave<'a, K> {
    input: usize,
    block: Block,
    /// Which of the block's.
    vector: usize,
    /// Of every task, `[point][channel][lane]` of the block.
    sums: &'a [&'a [f32]],
    /// `[out, in, 3, 3]`, of the results in the vector.
    weights: &'a mut [f32],
    keep: PhantomData<K>,
}

impl<K: Keep> Kernel for Leave<'_, K> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { input, block, vector, sums, weights, .. } = self;
        let lanes = block.vectors * S::LANES;
        for channel in 0..input {
            let mut taps = [[0.0f32; MOST_LANES]; 9];
            // SAFETY: `sums` have all points of all channels and lanes; a row of `taps` has room for a vector.
            unsafe {
                let mut down = [[S::splat(0.0); 3]; IN];
                for x in 0..IN {
                    let mut column = [S::splat(0.0); IN];
                    for y in 0..IN {
                        let at = ((y * IN + x) * input + channel) * lanes + vector * S::LANES;
                        for sums in sums {
                            column[y] = S::add(column[y], S::load(span(sums, at, S::LANES)));
                        }
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
            for (lane, weights) in weights.chunks_mut(input * 9).enumerate() {
                let weights = &mut weights[channel * 9..][..9];
                weights.iter_mut().zip(&taps).for_each(|(weight, tap)| *weight = tap[lane]);
            }
        }
    }
}
