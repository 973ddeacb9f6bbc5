//! The gradient to the weights: sums of outer products of source and gradient pixels.

use rayon::prelude::*;

use super::Level;
use super::pack::{Block, blocks};
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{Portable, Simd};
use crate::geometry::Geometry;

/// Most private sums, and most numbers in all of them together.
const PARTS: usize = 16;
const PRIVATE: usize = 1 << 22;

/// Pixels a fixed distance apart.
#[derive(Clone, Copy)]
struct Line<'a> {
    pixels: &'a [f32],
    step: usize,
}

/// Gradient to the weights, `[out, in, kh, kw]`, and to the bias, `[out]`, each where asked for: sums
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
    let parts = lines.clamp(1, PARTS).min((PRIVATE / sizes.iter().sum::<usize>().max(1)).max(2));
    let jobs: Vec<(usize, usize)> =
        (0..parts).flat_map(|part| (0..blocks.len()).map(move |b| (part, b))).collect();
    let sums: Vec<Vec<f32>> = jobs
        .into_par_iter()
        .map(|(part, b)| {
            let mut sums = vec![0.0; sizes[b]];
            let range = part * lines / parts..(part + 1) * lines / parts;
            for line in range {
                add_line(level, [x, gradient], geometry, line, blocks[b], swapped, &mut sums);
            }
            sums
        })
        .collect();
    let at = |o: usize, i: usize, tap: usize| {
        let (w, n) = if swapped { (i, o) } else { (o, i) };
        let b = w / (level.widest() * level.lanes());
        let place = (tap * narrow + n) * lanes(&blocks[b]) + w - blocks[b].start;
        (0..parts).map(|part| sums[part * blocks.len() + b][place]).sum::<f32>()
    };
    let one = input * taps;
    super::filled(output * one, one, |o, out| {
        for (index, value) in out.iter_mut().enumerate() {
            *value = at(o, index / taps, index % taps);
        }
    })
}

/// Adds the products of one line of gradient pixels.
fn add_line(
    level: Level,
    [x, gradient]: [&[f32]; 2],
    geometry: &Geometry,
    line: usize,
    block: Block,
    swapped: bool,
    sums: &mut [f32],
) {
    let [height, width] = geometry.result();
    let (input, output) = (geometry.input, geometry.output);
    let (image, row) = (line / height, line % height);
    let narrow = if swapped { output } else { input };
    let lanes = block.vectors * level.lanes();
    let tile = level.rows(block.vectors);
    for tap in 0..geometry.taps() {
        let (down, along) = (tap / geometry.kernel[1], tap % geometry.kernel[1]);
        let Some(y) = (row * geometry.stride + down * geometry.dilation).checked_sub(geometry.padding) else {
            continue;
        };
        let shift = along * geometry.dilation;
        // First and last column whose source lies inside.
        let from = geometry.padding.saturating_sub(shift).div_ceil(geometry.stride);
        let room = (geometry.source[1] + geometry.padding).saturating_sub(shift);
        let to = room.div_ceil(geometry.stride).min(width);
        if y >= geometry.source[0] || from >= to {
            continue;
        }
        let start = (image * geometry.source[0] + y) * geometry.source[1] + from * geometry.stride + shift
            - geometry.padding;
        let source = Line { pixels: &x[start * input..], step: geometry.stride * input };
        let result = Line { pixels: &gradient[(line * width + from) * output..], step: output };
        let (vector, scalar) = if swapped { (source, result) } else { (result, source) };
        let vector = Line { pixels: &vector.pixels[block.start..], ..vector };
        for first in (0..narrow).step_by(tile) {
            let rows = tile.min(narrow - first);
            let scalar = Line { pixels: &scalar.pixels[first..], ..scalar };
            let sums = &mut sums[(tap * narrow + first) * lanes..][..rows * lanes];
            accumulate(level, vector, scalar, to - from, block, rows, sums);
        }
    }
}

/// What the kernel needs, checked: see [`accumulate`].
struct Job {
    vector: *const f32,
    vector_step: usize,
    scalar: *const f32,
    scalar_step: usize,
    count: usize,
    width: usize,
    sums: *mut f32,
}

/// `sums[i] += Σ scalar[i] · vector` over `count` pixels, for `i` in `0..rows`.
fn accumulate(
    level: Level,
    vector: Line<'_>,
    scalar: Line<'_>,
    count: usize,
    block: Block,
    rows: usize,
    sums: &mut [f32],
) {
    let lanes = block.vectors * level.lanes();
    assert!(count > 0 && rows <= level.rows(block.vectors), "wrong tile");
    assert!(block.width <= lanes && block.width + level.lanes() > lanes, "wrong block");
    assert!((count - 1) * vector.step + block.width <= vector.pixels.len(), "too few vectors");
    assert!((count - 1) * scalar.step + rows <= scalar.pixels.len(), "too few scalars");
    assert!(sums.len() == rows * lanes, "wrong sums");
    let job = Job {
        vector: vector.pixels.as_ptr(),
        vector_step: vector.step,
        scalar: scalar.pixels.as_ptr(),
        scalar_step: scalar.step,
        count,
        width: block.width,
        sums: sums.as_mut_ptr(),
    };
    // SAFETY: a level exists only where its instructions do (`Level::available`); the assertions above
    // bound every read and write.
    unsafe {
        match level {
            Level::Portable => portable(&job, block.vectors, rows),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(&job, block.vectors, rows),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(&job, block.vectors, rows),
        }
    }
}

/// Calls [`outer`] with the vectors (one choice for each row of the table) and rows that were asked for.
macro_rules! choose {
    ($simd:ty, $job:expr, $vectors:expr, $rows:expr, $([$($nv:literal)+]: $all:tt),+) => {
        match $vectors { $($($nv => choose!(@rows $simd, $job, $rows, $nv, $all),)+)+ _ => () }
    };
    (@rows $simd:ty, $job:expr, $rows:expr, $nv:literal, [$($mr:literal)+]) => {
        match $rows { $($mr => outer::<$simd, $mr, $nv>($job),)+ _ => () }
    };
}

/// # Safety
/// As [`outer`].
unsafe fn portable(job: &Job, vectors: usize, rows: usize) {
    // SAFETY: passed on from the caller.
    unsafe { choose!(Portable, job, vectors, rows, [1 2]: [1 2 3 4]) }
}

/// # Safety
/// As [`outer`], on a processor with AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(job: &Job, vectors: usize, rows: usize) {
    // SAFETY: passed on from the caller.
    unsafe { choose!(Avx2, job, vectors, rows, [1 2]: [1 2 3 4 5 6]) }
}

/// # Safety
/// As [`outer`], on a processor with AVX-512F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(job: &Job, vectors: usize, rows: usize) {
    // SAFETY: passed on from the caller.
    unsafe { choose!(Avx512, job, vectors, rows, [1 2 3]: [1 2 3 4 5 6 7 8], [4]: [1 2 3 4 5 6]) }
}

/// # Safety
/// `S` must be available; all `count` pixels must be readable, `width` numbers of each vector and `MR`
/// of each scalar; `sums` must be `MR` rows of `NV` vectors.
#[expect(clippy::needless_range_loop, reason = "constant indices keep the arrays in registers")]
#[inline(always)]
unsafe fn outer<S: Simd, const MR: usize, const NV: usize>(job: &Job) {
    // SAFETY: in bounds by this function's contract.
    unsafe {
        let partial = S::mask(job.width - (NV - 1) * S::LANES);
        let mut sums = [[S::splat(0.0); NV]; MR];
        let (mut vector, mut scalar) = (job.vector, job.scalar);
        for _ in 0..job.count {
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
            vector = vector.wrapping_add(job.vector_step);
            scalar = scalar.wrapping_add(job.scalar_step);
        }
        for i in 0..MR {
            for j in 0..NV {
                let to = job.sums.add((i * NV + j) * S::LANES);
                S::store(to, S::add(S::load(to), sums[i][j]));
            }
        }
    }
}
