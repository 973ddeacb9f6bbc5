//! The two-dimensional Fourier transform.

use std::sync::Arc;

use rayon::prelude::*;
use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};

/// Side of the tiles in which a matrix is transposed.
const TILE: usize = 16;
/// Rows that one task transforms.
const ROWS: usize = 16;

/// Transforms of `width × height` numbers, rows from the top. A spectrum is transposed: `width` rows of `height`
/// frequencies, which saves half of the transpositions.
pub(crate) struct Transform {
    width: usize,
    height: usize,
    /// Along rows and along columns.
    forward: [Arc<dyn Fft<f64>>; 2],
    inverse: [Arc<dyn Fft<f64>>; 2],
}

impl Transform {
    pub fn new(width: usize, height: usize) -> Self {
        let mut planner = FftPlanner::new();
        Self {
            width,
            height,
            forward: [width, height].map(|side| planner.plan_fft_forward(side)),
            inverse: [width, height].map(|side| planner.plan_fft_inverse(side)),
        }
    }

    /// From numbers to their spectrum.
    pub fn forward(&self, mut values: Vec<Complex64>) -> Vec<Complex64> {
        let [along, across] = &self.forward;
        lines(along.as_ref(), &mut values);
        let mut spectrum = transposed(&values, self.width, self.height);
        lines(across.as_ref(), &mut spectrum);
        spectrum
    }

    /// From a spectrum to its numbers times `width · height`.
    pub fn inverse(&self, mut spectrum: Vec<Complex64>) -> Vec<Complex64> {
        let [along, across] = &self.inverse;
        lines(across.as_ref(), &mut spectrum);
        let mut values = transposed(&spectrum, self.height, self.width);
        lines(along.as_ref(), &mut values);
        values
    }
}

/// Every line by itself.
fn lines(transform: &dyn Fft<f64>, values: &mut [Complex64]) {
    values.par_chunks_mut(ROWS * transform.len()).for_each(|rows| transform.process(rows));
}

fn transposed(values: &[Complex64], width: usize, height: usize) -> Vec<Complex64> {
    let mut out = vec![Complex64::default(); values.len()];
    out.par_chunks_mut(TILE * height).enumerate().for_each(|(at, out)| {
        let left = at * TILE;
        for top in (0..height).step_by(TILE) {
            for (x, row) in out.chunks_exact_mut(height).enumerate() {
                for y in top..(top + TILE).min(height) {
                    row[y] = values[y * width + left + x];
                }
            }
        }
    });
    out
}

/// The frequency at place `at` of `side` ones, in cycles a pixel; of an odd number the outermost are ±1/2 too, which is how
/// Kovesi's phase congruency and what follows it count.
pub(super) fn frequency(at: usize, side: usize) -> f64 {
    let signed = if at < side.div_ceil(2) { at as f64 } else { at as f64 - side as f64 };
    signed / (side - side % 2).max(1) as f64
}
