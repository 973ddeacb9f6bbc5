//! Contextual similarity of images from the cosines between their positions, and its gradient.

use rayon::prelude::*;

use super::Level;
use super::curve::exp;
use super::level::Kernel;
use super::simd::Simd;

/// Added to the distance to the nearest target position.
pub(crate) const NEAREST_EPSILON: f32 = 1e-5;
/// Rows of one task.
const ROWS: usize = 64;
/// Numbers that the loops work on side by side: the lanes of the widest vectors.
const WIDE: usize = 16;

/// `cosines` of a batch, `[image, result position, target position]`, without an empty side.
#[derive(Clone, Copy)]
pub(crate) struct Cosines<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) size: [usize; 3],
    /// Of the similarity.
    pub(crate) bandwidth: f32,
}

/// `CX` by image: every target position's largest similarity, on average.
pub(crate) fn similarity(level: Level, cosines: Cosines<'_>) -> Vec<f32> {
    let [_, rows, columns] = cosines.size;
    let images = cosines.values.par_chunks_exact(rows * columns);
    let image = |values: &[f32]| {
        let parts = values.par_chunks(ROWS * columns).map(|values| {
            let mut buffer = vec![0.0; columns];
            let mut best = Best::new(columns);
            for (row, values) in values.chunks_exact(columns).enumerate() {
                softmax(level, values, cosines.bandwidth, &mut buffer);
                best.see(row, &buffer);
            }
            best
        });
        Best::merged(parts.collect()).mean()
    };
    images.map(image).collect()
}

/// The gradient to the cosines; `gradient` is that to the result of [`similarity`].
pub(crate) fn similarity_gradient(level: Level, cosines: Cosines<'_>, gradient: &[f32]) -> Vec<f32> {
    let [_, rows, columns] = cosines.size;
    let mut all = vec![0.0; cosines.values.len()];
    let images =
        all.par_chunks_exact_mut(rows * columns).zip(cosines.values.par_chunks_exact(rows * columns));
    images.zip(gradient).for_each(|((out, values), gradient)| {
        // First the similarities, then what becomes of each row in its place.
        let parts = out.par_chunks_mut(ROWS * columns).zip(values.par_chunks(ROWS * columns));
        let parts = parts.map(|(out, values)| {
            let mut best = Best::new(columns);
            let lines = out.chunks_exact_mut(columns).zip(values.chunks_exact(columns));
            for (row, (out, values)) in lines.enumerate() {
                softmax(level, values, cosines.bandwidth, out);
                best.see(row, out);
            }
            best
        });
        let best = Best::merged(parts.collect());
        if best.broken {
            return out.fill(f32::NAN);
        }
        let mut taken = vec![Vec::new(); rows];
        best.rows.iter().enumerate().for_each(|(column, row)| taken[*row as usize].push(column));
        let share = gradient / columns as f32;
        let lines = out.par_chunks_exact_mut(columns).zip(values.par_chunks_exact(columns)).zip(&taken);
        lines.for_each(|((out, values), taken)| {
            if taken.is_empty() {
                return out.fill(0.0);
            }
            let inner = share * taken.iter().map(|column| out[*column]).sum::<f32>();
            let gains: Vec<f32> = taken.iter().map(|column| out[*column] * share).collect();
            let nearest = nearest(values);
            let distance = Nearest::new(values[nearest], cosines.bandwidth);
            let mut pull = 0.0;
            // SAFETY: a level exists only where it is available; the slices are of one length.
            unsafe {
                level.run(Descend { values, distance, inner, out: &mut *out, pull: &mut pull });
            }
            for (column, gain) in taken.iter().zip(gains) {
                let (slope, reach) = distance.parts(values[*column]);
                out[*column] += gain * slope;
                pull += gain * reach;
            }
            if values[nearest] <= 1.0 {
                out[nearest] -= 0.5 * pull * distance.scale * distance.inverse;
            }
        });
    });
    all
}

/// What each column's largest value was, and in which row.
struct Best {
    values: Vec<f32>,
    rows: Vec<u32>,
    seen: u32,
    /// Whether any value was not a number.
    broken: bool,
}

impl Best {
    fn new(columns: usize) -> Self {
        Self { values: vec![f32::NEG_INFINITY; columns], rows: vec![0; columns], seen: 0, broken: false }
    }

    fn see(&mut self, row: usize, values: &[f32]) {
        let row = row as u32;
        self.seen = row + 1;
        // The values of a row are all broken or none is.
        self.broken |= values[0].is_nan();
        for ((best, at), value) in self.values.iter_mut().zip(&mut self.rows).zip(values) {
            let larger = *value > *best;
            *best = if larger { *value } else { *best };
            *at = if larger { row } else { *at };
        }
    }

    /// Of parts that follow each other; the first of equals counts.
    fn merged(parts: Vec<Self>) -> Self {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_else(|| Self::new(0));
        for part in parts {
            all.broken |= part.broken;
            for column in 0..all.values.len() {
                if part.values[column] > all.values[column] {
                    all.values[column] = part.values[column];
                    all.rows[column] = all.seen + part.rows[column];
                }
            }
            all.seen += part.seen;
        }
        all
    }

    fn mean(&self) -> f32 {
        if self.broken {
            return f32::NAN;
        }
        (self.values.iter().map(|value| f64::from(*value)).sum::<f64>() / self.values.len() as f64) as f32
    }
}

/// The first place of the largest cosine.
fn nearest(cosines: &[f32]) -> usize {
    let largest = largest(cosines);
    cosines.iter().position(|value| *value == largest).unwrap_or(0)
}

fn largest(values: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; WIDE];
    let chunks = values.chunks_exact(WIDE);
    let rest = chunks.remainder().iter().copied();
    for chunk in chunks {
        for (most, value) in most.iter_mut().zip(chunk) {
            *most = if *value > *most { *value } else { *most };
        }
    }
    most.into_iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// How cosines of a row become exponents: relative to the nearest position.
#[derive(Clone, Copy)]
struct Nearest {
    /// Its distance.
    distance: f32,
    /// `1 / (distance + ε)`.
    inverse: f32,
    /// `1 / (h (distance + ε))`.
    scale: f32,
}

impl Nearest {
    #[inline(always)]
    fn new(cosine: f32, bandwidth: f32) -> Self {
        let distance = distance(cosine);
        let inverse = 1.0 / (distance + NEAREST_EPSILON);
        Self { distance, inverse, scale: inverse / bandwidth }
    }

    /// By how much the exponent of a cosine changes with the cosine, and with `1 / (distance + ε)`.
    #[inline(always)]
    fn parts(&self, cosine: f32) -> (f32, f32) {
        (if cosine <= 1.0 { 0.5 * self.scale } else { 0.0 }, distance(cosine))
    }
}

#[inline(always)]
fn distance(cosine: f32) -> f32 {
    let distance = (1.0 - cosine) * 0.5;
    // What is not a number stays so.
    if distance < 0.0 { 0.0 } else { distance }
}

/// Similarities of a row of cosines: they add up to 1.
fn softmax(level: Level, cosines: &[f32], bandwidth: f32, out: &mut [f32]) {
    assert!(cosines.len() == out.len(), "wrong row");
    // SAFETY: a level exists only where it is available; the slices are of one length.
    unsafe { level.run(Softmax { cosines, bandwidth, out }) }
}

/// Plain loops, which are compiled with the instructions of the level.
struct Softmax<'a> {
    cosines: &'a [f32],
    bandwidth: f32,
    out: &'a mut [f32],
}

impl Kernel for Softmax<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { cosines, bandwidth, out } = self;
        let nearest = Nearest::new(largest(cosines), bandwidth);
        let mut sums = [0.0f32; WIDE];
        let exponent = |cosine: f32| (nearest.distance - distance(cosine)) * nearest.scale;
        let (chunks, sources) = (out.chunks_exact_mut(WIDE), cosines.chunks_exact(WIDE));
        let rest = sources.remainder();
        for (out, cosines) in chunks.zip(sources) {
            for lane in 0..WIDE {
                out[lane] = exp(exponent(cosines[lane]));
                sums[lane] += out[lane];
            }
        }
        let first = cosines.len() - rest.len();
        for (lane, (out, cosine)) in out[first..].iter_mut().zip(rest).enumerate() {
            *out = exp(exponent(*cosine));
            sums[lane] += *out;
        }
        let factor = 1.0 / sums.iter().sum::<f32>();
        out.iter_mut().for_each(|value| *value *= factor);
    }
}

/// What all similarities of a row have in common in the gradient: `out`, the similarities, becomes the gradient to
/// the cosines but for what the columns that the row has won add.
struct Descend<'a> {
    values: &'a [f32],
    distance: Nearest,
    inner: f32,
    out: &'a mut [f32],
    /// Sum of what moves the distance to the nearest position.
    pull: &'a mut f32,
}

impl Kernel for Descend<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { values, distance, inner, out, pull } = self;
        let mut sums = [0.0f32; WIDE];
        for (out, values) in out.chunks_mut(WIDE).zip(values.chunks(WIDE)) {
            for (lane, (out, value)) in out.iter_mut().zip(values).enumerate() {
                let (slope, reach) = distance.parts(*value);
                let step = -*out * inner;
                sums[lane] += step * reach;
                *out = step * slope;
            }
        }
        *pull = sums.iter().sum();
    }
}
