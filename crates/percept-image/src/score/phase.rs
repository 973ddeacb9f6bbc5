//! Phase congruency: where the frequencies of an image are in step, which is where people see features.

use std::cmp::Ordering;
use std::f64::consts::{FRAC_PI_2, LN_2, PI};

use rayon::prelude::*;
use rustfft::num_complex::Complex64;

use super::plane::Plane;
use super::spectrum::{Transform, frequency};

const SCALES: usize = 4;
const ORIENTATIONS: usize = 4;
/// Wavelength of the finest filter in pixels; each next one is twice as long.
const WAVELENGTH: f64 = 6.0;
/// Width of a filter relative to its frequency.
const SIGMA_F: f64 = 0.55;
/// Distance of two orientations relative to the spread of one.
const DELTA_THETA: f64 = 1.2;
/// Where corners of the spectrum are cut off, and how sharply.
const CUTOFF: f64 = 0.45;
const SHARPNESS: i32 = 30;
/// Deviations of the noise above its mean that do not count, and how much that estimate is too large.
const NOISE_DEVIATIONS: f64 = 2.0;
const NOISE_RESCALE: f64 = 1.7;
/// Keeps quotients finite where nothing happens.
const EPSILON: f64 = f64::EPSILON;

/// Log-Gabor filters for images of one size (Kovesi, *Image Features from Phase Congruency*, 1999, as FSIM takes them).
pub(super) struct Filters {
    size: (usize, usize),
    transform: Transform,
    /// By orientation, then by scale; transposed as spectra are.
    filters: Vec<[Vec<f64>; SCALES]>,
    /// By orientation: the noise's threshold, relative to the root of the median energy at the finest scale.
    thresholds: Vec<f64>,
}

impl Filters {
    pub fn new(width: usize, height: usize) -> Self {
        let radius = |x: usize, y: usize| frequency(x, width).hypot(frequency(y, height));
        let ring = |scale: usize, x: usize, y: usize| {
            let radius = radius(x, y);
            if radius == 0.0 {
                return 0.0;
            }
            let octaves = (radius * WAVELENGTH * f64::from(1 << scale)).ln() / SIGMA_F.ln();
            (-0.5 * octaves * octaves).exp() / (1.0 + (radius / CUTOFF).powi(SHARPNESS))
        };
        let spread = |orientation: usize, x: usize, y: usize| {
            let angle = (-frequency(x, width)).atan2(frequency(y, height));
            let turned = angle - orientation as f64 * PI / ORIENTATIONS as f64;
            let distance = turned.sin().atan2(turned.cos()) * ORIENTATIONS as f64 * DELTA_THETA / PI;
            (-0.5 * distance * distance).exp()
        };
        let all = |value: &(dyn Fn(usize, usize) -> f64 + Sync)| -> Vec<f64> {
            (0..width * height).into_par_iter().map(|at| value(at / height, at % height)).collect()
        };
        let rings: [Vec<f64>; SCALES] = std::array::from_fn(|scale| all(&|x, y| ring(scale, x, y)));
        let filters: Vec<[Vec<f64>; SCALES]> = (0..ORIENTATIONS)
            .map(|orientation| {
                let spread = all(&|x, y| spread(orientation, x, y));
                let filter = |ring: &Vec<f64>| ring.iter().zip(&spread).map(|(a, b)| a * b).collect();
                std::array::from_fn(|scale| filter(&rings[scale]))
            })
            .collect();
        let thresholds = filters.iter().map(|filters| threshold(filters, width, height)).collect();
        Self { size: (width, height), transform: Transform::new(width, height), filters, thresholds }
    }

    /// Width and height of the images that they are for.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Phase congruency of an image of range 255, from 0 to 1; 1 where nothing happens at all.
    pub fn congruency(&self, image: &Plane) -> Vec<f64> {
        // No filter sees the mean. Without the first value a flat image is exactly 0, and no rounding passes for a feature.
        let first = image.data.first().copied().unwrap_or_default();
        let values = image.data.iter().map(|value| Complex64::new(value - first, 0.0)).collect();
        self.of_spectrum(&self.transform.forward(values))
    }

    fn of_spectrum(&self, spectrum: &[Complex64]) -> Vec<f64> {
        let of = self.filters.par_iter().zip(&self.thresholds);
        let parts: Vec<_> = of.map(|(filters, noise)| self.orientation(spectrum, filters, *noise)).collect();
        (0..spectrum.len())
            .map(|at| {
                let sum = parts.iter().fold([EPSILON; 2], |sum, part| {
                    let [energy, amplitude] = part[at];
                    [sum[0] + energy, sum[1] + amplitude]
                });
                sum[0] / sum[1]
            })
            .collect()
    }

    /// Energy above the noise, and the sum of all amplitudes, at every position.
    fn orientation(&self, spectrum: &[Complex64], filters: &[Vec<f64>; SCALES], noise: f64) -> Vec<[f64; 2]> {
        let scale = 1.0 / spectrum.len() as f64;
        let responses: Vec<Vec<Complex64>> = filters
            .iter()
            .map(|filter| {
                let filtered = spectrum.iter().zip(filter).map(|(value, weight)| value * (weight * scale));
                self.transform.inverse(filtered.collect())
            })
            .collect();
        let mut finest: Vec<f64> = responses[0].iter().map(Complex64::norm_sqr).collect();
        let middle = (finest.len() - 1) / 2;
        let compare = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or(Ordering::Equal);
        let threshold = noise * finest.select_nth_unstable_by(middle, compare).1.sqrt();
        (0..spectrum.len())
            .map(|at| {
                let responses: [Complex64; SCALES] = std::array::from_fn(|scale| responses[scale][at]);
                let sum: Complex64 = responses.iter().sum();
                let mean = sum / (sum.norm_sqr().sqrt() + EPSILON);
                let parts = responses.iter().map(|response| {
                    // Along the mean phase, and across it.
                    let turned = response * mean.conj();
                    [turned.re - turned.im.abs(), response.norm_sqr().sqrt()]
                });
                let [energy, amplitude] =
                    parts.fold([0.0; 2], |sum, part| [sum[0] + part[0], sum[1] + part[1]]);
                [(energy - threshold).max(0.0), amplitude]
            })
            .collect()
    }
}

/// Where the opposite frequency is.
fn opposite(at: usize, (width, height): (usize, usize)) -> usize {
    let (x, y) = (at / height, at % height);
    (width - x) % width * height + (height - y) % height
}

/// Mean and deviations of the energy that Gaussian noise has through these filters (a Rayleigh distribution), for noise
/// whose energy at the finest scale has a median of 1.
fn threshold(filters: &[Vec<f64>; SCALES], width: usize, height: usize) -> f64 {
    // Only the even part of a filter meets the one of another scale.
    let even = |filter: &Vec<f64>| -> Vec<f64> {
        let opposite = |at: usize| filter[opposite(at, (width, height))];
        filter.iter().enumerate().map(|(at, value)| 0.5 * (value + opposite(at))).collect()
    };
    let even: Vec<Vec<f64>> = filters.iter().map(even).collect();
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let squares: f64 = even.iter().map(|filter| product(filter, filter)).sum();
    let pairs = (0..SCALES).flat_map(|a| (a + 1..SCALES).map(move |b| (a, b)));
    let mixed: f64 = pairs.map(|(a, b)| product(&even[a], &even[b])).sum();
    let power = 1.0 / (LN_2 * product(&filters[0], &filters[0]));
    let rayleigh = (power * (squares + 2.0 * mixed)).sqrt();
    rayleigh * (FRAC_PI_2.sqrt() + NOISE_DEVIATIONS * (2.0 - FRAC_PI_2).sqrt()) / NOISE_RESCALE
}
