//! The gradient to the weights: sums of outer products of source and gradient pixels.

use rayon::prelude::*;

use super::Level;
use super::fill::filled;
use super::level::Tiled;
use super::pack::{Block, blocks};
use super::simd::Simd;
use super::span::{span, span_mut};
use crate::geometry::Geometry;

/// Jobs that there should be, so that every core has something to do, and most numbers in all private sums together.
const JOBS: usize = 16;
const PRIVATE: usize = 1 << 22;

/// Numbers of the sums that one task adds up.
const CHUNK: usize = 1 << 13;

/// Result channels whose weights one task writes.
const SIDE_BY_SIDE: usize = 16;

/// Pixels that are summed at once, so that they stay in the nearest cache while all taps pass.
const GROUP: usize = 96;

/// Lines of pixels, lines and pixels a fixed distance apart.
#[derive(Clone, Copy)]
struct Grid<'a> {
    pixels: &'a [f32],
    step: usize,
    line: usize,
}

impl Grid<'_> {
    /// Numbers up to the end of the last pixel's first `width`.
    fn reach(&self, [lines, count]: [usize; 2], width: usize) -> usize {
        (lines - 1) * self.line + (count - 1) * self.step + width
    }

    /// The first of `count` pixels of a line.
    ///
    /// # Safety
    /// The first `width` numbers of each must be inside.
    #[inline(always)]
    unsafe fn first(&self, line: usize, count: usize, width: usize) -> *const f32 {
        // SAFETY: passed on from the caller.
        unsafe { span(self.pixels, line * self.line, self.reach([1, count], width)) }
    }
}

/// Gradient to the weights, `[out, in, kh, kw]`: sums
/// over all pixels of `x` (`[n, h, w, in]`) times `gradient` (`[n, h', w', out]`).
///
/// Private sums over a fixed partition of the lines are added in a fixed order: the result does not
/// depend on the number of threads.
pub(crate) fn weight_gradient(level: Level, x: &[f32], gradient: &[f32], geometry: &Geometry) -> Vec<f32> {
    let (input, output, taps) = (geometry.input, geometry.output, geometry.taps());
    // The wider side fills the vectors, the other one is spread.
    let swapped = output < level.lanes() && input > output;
    let (wide, narrow) = if swapped { (input, output) } else { (output, input) };
    let blocks = blocks(wide, level);
    let lanes = |block: &Block| block.vectors * level.lanes();
    let sizes: Vec<usize> = blocks.iter().map(|block| taps * narrow * lanes(block)).collect();
    let lines = geometry.batch * geometry.result()[0];
    // Private sums cost more than they give where the blocks are jobs enough.
    let parts = lines.clamp(1, JOBS.div_ceil(blocks.len().max(1)));
    let parts = parts.min((PRIVATE / sizes.iter().sum::<usize>().max(1)).max(2));
    let jobs: Vec<(usize, usize)> =
        (0..parts).flat_map(|part| (0..blocks.len()).map(move |b| (part, b))).collect();
    let sums: Vec<Vec<f32>> = jobs
        .into_par_iter()
        .map(|(part, b)| {
            let mut sums = vec![0.0; sizes[b]];
            let mut near = Vec::new();
            let range = part * lines / parts..(part + 1) * lines / parts;
            let group = (GROUP / geometry.result()[1].max(1)).max(1);
            let mut line = range.start;
            while line < range.end {
                // No group reaches into the next image.
                let height = geometry.result()[0];
                let count = group.min(range.end - line).min(height - line % height);
                let lines = [line, count];
                let result = near_block(gradient, geometry, lines, blocks[b], swapped, &mut near);
                add_lines(level, (x, result), geometry, lines, blocks[b], swapped, &mut sums);
                line += count;
            }
            sums
        })
        .collect();
    let totals: Vec<Vec<f32>> = (0..blocks.len())
        .map(|b| {
            filled(sizes[b], CHUNK, |chunk, out| {
                for part in 0..parts {
                    let sums = &sums[part * blocks.len() + b][chunk * CHUNK..][..out.len()];
                    out.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
                }
            })
        })
        .collect();
    let widest = level.widest() * level.lanes();
    let one = input * taps;
    // Some channels at once, because they stand side by side in the sums.
    filled(output * one, SIDE_BY_SIDE * one, |chunk, out| {
        for index in 0..one {
            for (o, weights) in out.chunks_exact_mut(one).enumerate() {
                let (o, i, tap) = (chunk * SIDE_BY_SIDE + o, index / taps, index % taps);
                let (w, n) = if swapped { (i, o) } else { (o, i) };
                let b = w / widest;
                weights[index] = totals[b][(tap * narrow + n) * lanes(&blocks[b]) + w - blocks[b].start];
            }
        }
    })
}

/// The gradient's `count` lines from `line` on, as [`add_lines`] reads them: where the block is but a
/// part of the channels, it is copied to `near`, because pixels that are far apart would fight for the
/// same few places of the nearest cache.
fn near_block<'a>(
    gradient: &'a [f32],
    geometry: &Geometry,
    [line, count]: [usize; 2],
    block: Block,
    swapped: bool,
    near: &'a mut Vec<f32>,
) -> (Grid<'a>, usize) {
    let (channels, width) = (geometry.output, geometry.result()[1]);
    let pixels = &gradient[line * width * channels..][..count * width * channels];
    if swapped || block.width == channels {
        return (Grid { pixels, step: channels, line: width * channels }, block.start);
    }
    near.clear();
    for pixel in pixels.chunks_exact(channels) {
        near.extend_from_slice(&pixel[block.start..][..block.width]);
    }
    (Grid { pixels: near, step: block.width, line: width * block.width }, 0)
}

/// Adds the products of `count` lines of gradient pixels of one image from `line` on.
fn add_lines(
    level: Level,
    (x, (gradient, offset)): (&[f32], (Grid<'_>, usize)),
    geometry: &Geometry,
    [line, count]: [usize; 2],
    block: Block,
    swapped: bool,
    sums: &mut [f32],
) {
    let [height, width] = geometry.result();
    let [source_height, source_width] = geometry.source;
    let (input, output) = (geometry.input, geometry.output);
    let (image, row) = (line / height, line % height);
    let narrow = if swapped { output } else { input };
    let lanes = block.vectors * level.lanes();
    let tile = level.rows(block.vectors);
    // The positions along an axis whose source for a tap lies inside, from the first to behind the last.
    let inside = |tap: usize, source: usize, [from, to]: [usize; 2]| {
        let shift = tap * geometry.dilation;
        let first = geometry.padding.saturating_sub(shift).div_ceil(geometry.stride);
        let room = (source + geometry.padding).saturating_sub(shift);
        [first.max(from), room.div_ceil(geometry.stride).min(to)]
    };
    let read = |at: usize, tap: usize| at * geometry.stride + tap * geometry.dilation - geometry.padding;
    for tap in 0..geometry.taps() {
        let (down, along) = (tap / geometry.kernel[1], tap % geometry.kernel[1]);
        let [top, bottom] = inside(down, source_height, [row, row + count]);
        let [left, right] = inside(along, source_width, [0, width]);
        if top >= bottom || left >= right {
            continue;
        }
        let start = (image * source_height + read(top, down)) * source_width + read(left, along);
        let source = Grid {
            pixels: &x[start * input..],
            step: geometry.stride * input,
            line: geometry.stride * source_width * input,
        };
        let start = (top - row) * gradient.line + left * gradient.step;
        let result = Grid { pixels: &gradient.pixels[start..], ..gradient };
        let (vector, scalar, offset) =
            if swapped { (source, result, block.start) } else { (result, source, offset) };
        let vector = Grid { pixels: &vector.pixels[offset..], ..vector };
        for first in (0..narrow).step_by(tile) {
            let rows = tile.min(narrow - first);
            let scalar = Grid { pixels: &scalar.pixels[first..], ..scalar };
            let sums = &mut sums[(tap * narrow + first) * lanes..][..rows * lanes];
            accumulate(level, [vector, scalar], [bottom - top, right - left], block, rows, sums);
        }
    }
}

/// What the kernel needs, checked: see [`accumulate`].
struct Outer<'a> {
    vector: Grid<'a>,
    scalar: Grid<'a>,
    size: [usize; 2],
    width: usize,
    /// Scalars of a pixel.
    rows: usize,
    sums: &'a mut [f32],
}

/// `sums[i] += Σ scalar[i] · vector` over `size` lines and pixels, for `i` in `0..rows`.
fn accumulate(
    level: Level,
    [vector, scalar]: [Grid<'_>; 2],
    size: [usize; 2],
    block: Block,
    rows: usize,
    sums: &mut [f32],
) {
    let lanes = block.vectors * level.lanes();
    assert!(size[0] > 0 && size[1] > 0 && rows <= level.rows(block.vectors), "wrong tile");
    assert!(block.width <= lanes && block.width + level.lanes() > lanes, "wrong block");
    assert!(vector.reach(size, block.width) <= vector.pixels.len(), "too few vectors");
    assert!(scalar.reach(size, rows) <= scalar.pixels.len(), "too few scalars");
    assert!(sums.len() == rows * lanes, "wrong sums");
    // SAFETY: a level exists only where its instructions do (`Level::available`); the assertions above
    // bound every read and write.
    unsafe { level.tile(block.vectors, &mut Outer { vector, scalar, size, width: block.width, rows, sums }) }
}

impl Tiled for &mut Outer<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd, const MR: usize, const NV: usize>(self) {
        // SAFETY: passed on from the caller.
        unsafe {
            match self.rows {
                1 => outer::<S, 1, NV>(self),
                2 => outer::<S, 2, NV>(self),
                3 => outer::<S, 3, NV>(self),
                4 => outer::<S, 4, NV>(self),
                5 => outer::<S, 5, NV>(self),
                7 if MR > 6 => outer::<S, 7, NV>(self),
                8 if MR > 6 => outer::<S, 8, NV>(self),
                _ => outer::<S, 6, NV>(self),
            }
        }
    }
}

/// # Safety
/// `S` must be available; all pixels must be readable, `width` numbers of each vector and `MR`
/// of each scalar; `sums` must be `MR` rows of `NV` vectors.
#[expect(clippy::needless_range_loop, reason = "constant indices keep the arrays in registers")]
#[inline(always)]
unsafe fn outer<S: Simd, const MR: usize, const NV: usize>(job: &mut Outer<'_>) {
    // SAFETY: in bounds by this function's contract.
    unsafe {
        let partial = S::mask(job.width - (NV - 1) * S::LANES);
        let mut sums = [[S::splat(0.0); NV]; MR];
        let [lines, count] = job.size;
        for line in 0..lines {
            let mut vector = job.vector.first(line, count, job.width);
            let mut scalar = job.scalar.first(line, count, MR);
            for _ in 0..count {
                let mut v = [S::splat(0.0); NV];
                for j in 0..NV - 1 {
                    v[j] = S::load(vector.add(j * S::LANES));
                }
                v[NV - 1] = S::load_masked(vector.add((NV - 1) * S::LANES), partial);
                for i in 0..MR {
                    let value = S::splat(*scalar.add(i));
                    for j in 0..NV {
                        sums[i][j] = S::mul_add(value, v[j], sums[i][j]);
                    }
                }
                vector = vector.wrapping_add(job.vector.step);
                scalar = scalar.wrapping_add(job.scalar.step);
            }
        }
        for i in 0..MR {
            for j in 0..NV {
                let to = span_mut(job.sums, (i * NV + j) * S::LANES, S::LANES);
                S::store(to, S::add(S::load(to), sums[i][j]));
            }
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    /// Two pixels on each of two lines, past the assertions of [`accumulate`], over as many numbers as the lengths say.
    fn run([vector, scalar, sums]: [usize; 3]) {
        let numbers = [0.0; 32];
        let mut totals = [0.0; 8];
        let mut job = Outer {
            vector: Grid { pixels: &numbers[..vector], step: 4, line: 10 },
            scalar: Grid { pixels: &numbers[..scalar], step: 2, line: 5 },
            size: [2, 2],
            width: 3,
            rows: 2,
            sums: &mut totals[..sums],
        };
        // SAFETY: what is too short is caught before it is read or written.
        unsafe { Level::Portable.tile(1, &mut job) }
    }

    #[test]
    fn whatever_is_too_short_is_caught() {
        let enough = [10 + 4 + 3, 5 + 2 + 2, 8];
        run(enough);
        for short in 0..enough.len() {
            let mut lengths = enough;
            lengths[short] -= 1;
            assert!(std::panic::catch_unwind(|| run(lengths)).is_err(), "{lengths:?}");
        }
    }
}
