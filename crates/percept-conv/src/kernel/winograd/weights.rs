//! Transformed weights.

use rayon::prelude::*;

use super::tile::lift_weights;
use super::{IN, POINTS};
use crate::kernel::Level;
use crate::kernel::level::Kernel;
use crate::kernel::pack::{Block, Packed};
use crate::kernel::simd::Simd;
use crate::kernel::span::{span, span_mut};

/// Transformed weights, `[block][point][channel][lane]`, lanes beyond the last channel zero.
#[derive(Debug)]
pub(crate) struct Transformed {
    pub(super) level: Level,
    pub(super) channels: usize,
    pub(super) results: usize,
    pub(super) parts: Vec<(Block, Vec<f32>)>,
}

impl Transformed {
    /// Weights `[out, in, 3, 3]` for the forward pass.
    pub(crate) fn forward(level: Level, weight: &[f32], [out, input]: [usize; 2]) -> Self {
        Self::new(&Packed::forward(level, weight, [out, input, 9]), false)
    }

    /// The same for the gradient to the input: channels change places, and the kernel is turned around.
    pub(crate) fn gradient(level: Level, weight: &[f32], [out, input]: [usize; 2]) -> Self {
        Self::new(&Packed::gradient(level, weight, [out, input, 9]), true)
    }

    /// How many numbers they are.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|(_, points)| points.len()).sum()
    }

    fn new(packed: &Packed, turned: bool) -> Self {
        let Packed { level, channels, results, .. } = *packed;
        let part = |(block, taps): (Block, &[f32])| {
            let lanes = block.vectors * level.lanes();
            let mut points = vec![0.0; POINTS * channels * lanes];
            // SAFETY: a level exists only where it is available; `points` has room for all of `taps`.
            unsafe { level.run(Transform { taps, turned, points: &mut points }) }
            (block, points)
        };
        let parts: Vec<_> = packed.parts().collect();
        Self { level, channels, results, parts: parts.into_par_iter().map(part).collect() }
    }
}

/// `G g Gᵀ` of all kernels of a block.
struct Transform<'a> {
    /// `[tap][channel][lane]`, whole vectors.
    taps: &'a [f32],
    /// Whether the kernels are turned around.
    turned: bool,
    /// `[point][channel][lane]`.
    points: &'a mut [f32],
}

impl Kernel for Transform<'_> {
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
                    down[x] = lift_weights::<S>(column);
                }
                for y in 0..IN {
                    let line = lift_weights::<S>([down[0][y], down[1][y], down[2][y]]);
                    for x in 0..IN {
                        S::store(span_mut(self.points, (y * IN + x) * size + at, S::LANES), line[x]);
                    }
                }
            }
        }
    }
}
