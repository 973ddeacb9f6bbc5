//! Transformed weights.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::tile::lift_weights;
use super::{IN, POINTS};
use crate::kernel::Level;
use crate::kernel::bf16::pair;
use crate::kernel::level::Kernel;
use crate::kernel::pack::{Block, Packed};
use crate::kernel::simd::Simd;
use crate::kernel::slot::{Pair, Single, Slot};
use crate::kernel::span::{span, span_mut};
use crate::precision::Precision;

/// Transformed weights, `[block][point][slot][lane]`, lanes beyond the last channel zero. A slot is for one channel or two,
/// by the precision.
#[derive(Debug)]
pub(crate) struct Transformed {
    pub(super) level: Level,
    pub(super) precision: Precision,
    pub(super) channels: usize,
    pub(super) results: usize,
    pub(super) parts: Vec<(Block, Vec<f32>)>,
}

impl Transformed {
    /// Weights `[out, in, 3, 3]` for the forward pass.
    pub(crate) fn forward(
        level: Level,
        precision: Precision,
        weight: &[f32],
        [out, input]: [usize; 2],
    ) -> Self {
        Self::new(&Packed::forward(level, Precision::F32, weight, [out, input, 9]), precision, false)
    }

    /// The same for the gradient to the input: channels change places, and the kernel is turned around.
    pub(crate) fn gradient(
        level: Level,
        precision: Precision,
        weight: &[f32],
        [out, input]: [usize; 2],
    ) -> Self {
        Self::new(&Packed::gradient(level, Precision::F32, weight, [out, input, 9]), precision, true)
    }

    /// How many slots they are.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|(_, points)| points.len()).sum()
    }

    fn new(packed: &Packed, precision: Precision, turned: bool) -> Self {
        let Packed { level, channels, results, .. } = *packed;
        let part = |(block, taps): (Block, &[f32])| {
            let lanes = block.vectors * level.lanes();
            let sizes = [channels, lanes];
            let points = match precision {
                Precision::F32 => transformed::<Single>(level, taps, turned, sizes),
                Precision::Bf16 => paired(&transformed::<Pair>(level, taps, turned, sizes), sizes),
            };
            (block, points)
        };
        let parts: Vec<_> = packed.parts().collect();
        Self { level, precision, channels, results, parts: parts.into_par_iter().map(part).collect() }
    }
}

/// The points of `taps`, `[tap][channel][lane]`: `[point][channel][lane]`, those that slots of `P` need.
fn transformed<P: Slot>(level: Level, taps: &[f32], turned: bool, [channels, lanes]: [usize; 2]) -> Vec<f32> {
    let length = POINTS * channels * lanes;
    let mut points = Vec::with_capacity(length);
    let room = &mut points.spare_capacity_mut()[..length];
    let transform = Transform { taps, turned, points: room, slots: PhantomData::<P> };
    // SAFETY: a level exists only where it is available; `points` has room for all of `taps`, and all of it is written.
    unsafe {
        level.run(transform);
        points.set_len(length);
    }
    points
}

/// The same, two channels in a slot.
fn paired(points: &[f32], [channels, lanes]: [usize; 2]) -> Vec<f32> {
    let slots = channels.div_ceil(Pair::CHANNELS) * lanes;
    let mut pairs = vec![0.0; POINTS * slots];
    let of_point = pairs.chunks_mut(slots.max(1)).zip(points.chunks((channels * lanes).max(1)));
    for (pairs, channels) in
        of_point.flat_map(|(pairs, point)| pairs.chunks_mut(lanes).zip(point.chunks(Pair::CHANNELS * lanes)))
    {
        let (first, second) = channels.split_at(lanes);
        for (lane, both) in pairs.iter_mut().enumerate() {
            *both = pair(first[lane], second.get(lane).copied().unwrap_or(0.0));
        }
    }
    pairs
}

/// `G g Gᵀ` of all kernels of a block.
struct Transform<'a, P> {
    /// `[tap][channel][lane]`, whole vectors.
    taps: &'a [f32],
    /// Whether the kernels are turned around.
    turned: bool,
    /// `[point][channel][lane]`.
    points: &'a mut [MaybeUninit<f32>],
    slots: PhantomData<P>,
}

impl<P: Slot> Kernel for Transform<'_, P> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let size = self.taps.len() / 9;
        for at in (0..size).step_by(S::LANES) {
            // SAFETY: a vector at `at` is inside `size`, a multiple of the lanes.
            unsafe {
                let mut down = [[S::splat(0.0); IN]; 3];
                for x in 0..3 {
                    let mut column = [S::splat(0.0); 3];
                    for y in 0..3 {
                        let tap = if self.turned { 8 - (y * 3 + x) } else { y * 3 + x };
                        column[y] = S::load(span(self.taps, tap * size + at, S::LANES));
                    }
                    down[x] = lift_weights::<S, P>(column);
                }
                for y in 0..IN {
                    let line = lift_weights::<S, P>([down[0][y], down[1][y], down[2][y]]);
                    for x in 0..IN {
                        S::store(span_mut(self.points, (y * IN + x) * size + at, S::LANES).cast(), line[x]);
                    }
                }
            }
        }
    }
}
