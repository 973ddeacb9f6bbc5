//! The sliding Gaussian window of SSIM.

use rayon::prelude::*;

use super::plane::Plane;

/// Taps of the window a side.
pub(super) const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
/// `(0.01 · L)²` and `(0.03 · L)²` for values of range `L = 1`.
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;
/// Taken off all values before they are squared, so that single precision does for what is left: a variance is a small
/// difference of large numbers otherwise.
const MIDDLE: f64 = 0.5;
/// Output rows that one task computes: its intermediate rows stay in the cache.
const BAND: usize = 32;

/// Means over all window positions inside the image.
#[derive(Clone, Copy)]
pub(super) struct Similarity {
    /// Luminance, contrast and structure: SSIM.
    pub full: f64,
    /// Contrast and structure alone.
    pub contrast: f64,
}

/// SSIM of two planes of equal size, both sides at least [`WINDOW`] (Wang et al. 2004: 11×11 Gaussian window of
/// σ = 1.5, weighted variances without correction, K1 = 0.01, K2 = 0.03).
pub(super) fn similarity(a: &Plane, b: &Plane) -> Similarity {
    let taps = taps();
    let (width, height) = (a.width + 1 - WINDOW, a.height + 1 - WINDOW);
    let bands: Vec<(f64, f64)> = (0..height)
        .into_par_iter()
        .step_by(BAND)
        .map(|top| band(a, b, &taps, top, (top + BAND).min(height)))
        .collect();
    // Summed in order, so that the number of threads does not show in the last digit.
    let (full, contrast) = bands.iter().fold((0.0, 0.0), |sum, band| (sum.0 + band.0, sum.1 + band.1));
    let count = (width * height) as f64;
    Similarity { full: full / count, contrast: contrast / count }
}

/// SSIM at every window position, row by row.
pub(super) fn local(a: &Plane, b: &Plane) -> Vec<f64> {
    let taps = taps();
    let height = a.height + 1 - WINDOW;
    let bands = (0..height).into_par_iter().step_by(BAND).map(|top| {
        let mut values = Vec::new();
        positions(a, b, &taps, top, (top + BAND).min(height), |full, _| values.push(full));
        values
    });
    bands.collect::<Vec<_>>().concat()
}

/// Sums over the window positions whose first row is in `top..bottom`.
fn band(a: &Plane, b: &Plane, taps: &[f32; WINDOW], top: usize, bottom: usize) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    positions(a, b, taps, top, bottom, |full, contrast| {
        sums.0 += full;
        sums.1 += contrast;
    });
    sums
}

/// Tells `each` SSIM and its contrast part at the window positions whose first row is in `top..bottom`.
fn positions(
    a: &Plane,
    b: &Plane,
    taps: &[f32; WINDOW],
    top: usize,
    bottom: usize,
    mut each: impl FnMut(f64, f64),
) {
    let width = a.width + 1 - WINDOW;
    // Rows filtered horizontally: a, b, a², b², ab, one after the other.
    let rows: Vec<Vec<f32>> =
        (top..bottom + WINDOW - 1).map(|y| moments(a.row(y), b.row(y), taps, width)).collect();
    let mut sums = vec![0.0f32; 5 * width];
    for window in rows.windows(WINDOW) {
        filtered(&mut sums, taps, |k| &window[k]);
        for x in 0..width {
            let [ma, mb, aa, bb, ab] = std::array::from_fn(|k| f64::from(sums[k * width + x]));
            let cs = (2.0 * (ab - ma * mb) + C2) / ((aa - ma * ma) + (bb - mb * mb) + C2);
            let (ma, mb) = (ma + MIDDLE, mb + MIDDLE);
            each(cs * (2.0 * ma * mb + C1) / (ma * ma + mb * mb + C1), cs);
        }
    }
}

fn moments(a: &[f64], b: &[f64], taps: &[f32; WINDOW], width: usize) -> Vec<f32> {
    let [a, b] = [a, b].map(|row| row.iter().map(|v| (v - MIDDLE) as f32).collect::<Vec<_>>());
    let of: [fn(f32, f32) -> f32; 5] = [|a, _| a, |_, b| b, |a, _| a * a, |_, b| b * b, |a, b| a * b];
    let mut out = vec![0.0; 5 * width];
    for (row, value) in out.chunks_exact_mut(width).zip(of) {
        let values: Vec<f32> = a.iter().zip(&b).map(|(a, b)| value(*a, *b)).collect();
        filtered(row, taps, |k| &values[k..]);
    }
    out
}

/// What stands at every tap, weighted and summed. Taps at both ends weigh the same.
fn filtered<'a>(sums: &mut [f32], taps: &[f32; WINDOW], at: impl Fn(usize) -> &'a [f32]) {
    let middle = WINDOW / 2;
    sums.iter_mut().zip(at(middle)).for_each(|(sum, v)| *sum = taps[middle] * v);
    for (k, tap) in taps[..middle].iter().enumerate() {
        let ends = at(k).iter().zip(at(WINDOW - 1 - k));
        sums.iter_mut().zip(ends).for_each(|(sum, (a, b))| *sum += tap * (a + b));
    }
}

fn taps() -> [f32; WINDOW] {
    let half = (WINDOW / 2) as f64;
    let taps: [f64; WINDOW] = std::array::from_fn(|i| (-0.5 * ((i as f64 - half) / SIGMA).powi(2)).exp());
    let sum: f64 = taps.iter().sum();
    taps.map(|t| (t / sum) as f32)
}
