//! DCT subband similarity.

use std::cmp::Ordering;
use std::f64::consts::PI;
use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::plane::Plane;
use super::{numeric, pair};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// Pixels of a block a side.
const SIDE: usize = 8;
/// From this side on there are enough blocks for one to be the worst twentieth.
const MIN_SIDE: usize = 32;
/// Spread of the weights over the frequencies, and which weights are too small to count.
const SIGMA_WEIGHT: f64 = 1.55;
const LEAST_WEIGHT: f64 = 1e-2;
/// The 3×3 window of a subband's local variance.
const SIGMA_WINDOW: f64 = 1.5;
/// Share of a subband's positions that counts: the worst.
const WORST: f64 = 0.05;
/// Stabilise the subbands of range 255: the means, and the others.
const C_DC: f64 = 1000.0;
const C_AC: f64 = 300.0;

/// DCT subband similarity (Balanov, Schwartz, Moshe, Peleg, *Image Quality Assessment Based on DCT Subband Similarity*,
/// 2015): how alike the local variances of 8×8 DCT coefficients are where they are least alike, the low frequencies
/// weighted more (`dss`). 1 for equal images. Needs 32 pixels a side.
#[derive(Clone, Debug)]
pub struct Dss {
    crop: usize,
}

impl Dss {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Dss {
    fn name(&self) -> &str {
        "dss"
    }

    fn protocol(&self) -> String {
        format!(
            "DSS, BT.601 full-range luma of range 255, whole 8×8 blocks, Gaussian window 3×3 sigma 1.5 with zeros outside, worst 5 %, weights of sigma 1.55 from 0.01, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Higher
    }

    fn range(&self) -> RangeInclusive<f64> {
        -1.0..=1.0
    }

    fn source(&self) -> &str {
        "Balanov, Schwartz, Moshe, Peleg, Image Quality Assessment Based on DCT Subband Similarity, 2015"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let bands = bands();
        let (a, b) = (subbands(&Plane::luma(&a), &bands), subbands(&Plane::luma(&b), &bands));
        let all: f64 = bands.iter().map(|band| band.weight).sum();
        let of = bands.par_iter().zip(a.par_iter().zip(&b));
        let parts: Vec<f64> = of.map(|(band, (a, b))| band.weight / all * band.similarity(a, b)).collect();
        numeric(self, parts.iter().sum())
    }
}

/// A frequency of the transform that counts.
struct Band {
    down: usize,
    across: usize,
    weight: f64,
}

fn bands() -> Vec<Band> {
    let square = |frequency: usize| (frequency as f64 + 0.5).powi(2);
    let all = (0..SIDE * SIDE).map(|at| (at / SIDE, at % SIDE));
    let bands = all.map(|(down, across)| {
        let weight = (-(square(down) + square(across)) / (2.0 * SIGMA_WEIGHT * SIGMA_WEIGHT)).exp();
        Band { down, across, weight }
    });
    bands.filter(|band| band.weight >= LEAST_WEIGHT).collect()
}

/// Coefficients of the orthonormal transform of whole blocks, band by band.
fn subbands(plane: &Plane, bands: &[Band]) -> Vec<Plane> {
    let (width, height) = (plane.width / SIDE, plane.height / SIDE);
    let used = bands.iter().map(|band| band.down.max(band.across) + 1).max().unwrap_or(0);
    let wave = |frequency: usize, at: usize| {
        let scale = if frequency == 0 { 1.0 } else { 2.0 };
        (scale / SIDE as f64).sqrt() * (PI * frequency as f64 * (2 * at + 1) as f64 / (2 * SIDE) as f64).cos()
    };
    let waves: Vec<[f64; SIDE]> =
        (0..used).map(|frequency| std::array::from_fn(|at| wave(frequency, at))).collect();
    let rows: Vec<Vec<f64>> = (0..height)
        .into_par_iter()
        .map(|y| {
            // Down first, which runs along whole rows.
            let down: Vec<Vec<f64>> = waves
                .iter()
                .map(|wave| {
                    let mut sums = vec![0.0; width * SIDE];
                    for (k, weight) in wave.iter().enumerate() {
                        let values = sums.iter_mut().zip(plane.row(y * SIDE + k));
                        values.for_each(|(sum, v)| *sum += weight * v);
                    }
                    sums
                })
                .collect();
            let band = |band: &Band| {
                let wave = waves[band.across];
                let block =
                    move |block: &[f64; SIDE]| block.iter().zip(wave).map(|(v, weight)| v * weight).sum();
                down[band.down].as_chunks().0.iter().map(block).collect::<Vec<f64>>()
            };
            bands.iter().flat_map(band).collect()
        })
        .collect();
    (0..bands.len())
        .map(|band| {
            let data = rows.iter().flat_map(|row| &row[band * width..(band + 1) * width]).copied().collect();
            Plane { width, height, data }
        })
        .collect()
}

impl Band {
    /// Mean similarity of local variances where it is worst; for the means of the blocks (frequency 0) times that of
    /// their structure.
    fn similarity(&self, a: &Plane, b: &Plane) -> f64 {
        let product = |a: &Plane, b: &Plane| Plane {
            width: a.width,
            height: a.height,
            data: a.data.iter().zip(&b.data).map(|(a, b)| a * b).collect(),
        };
        let (mean_a, mean_b) = (blurred(a), blurred(b));
        let covariance = |square: &Plane, one: &Plane, other: &Plane| -> Vec<f64> {
            let means = one.data.iter().zip(&other.data).map(|(a, b)| a * b);
            blurred(square).data.iter().zip(means).map(|(square, mean)| square - mean).collect()
        };
        let variances = |values: &Plane, mean: &Plane| -> Vec<f64> {
            covariance(&product(values, values), mean, mean).iter().map(|v| v.max(0.0)).collect()
        };
        let (var_a, var_b) = (variances(a, &mean_a), variances(b, &mean_b));
        let c = if self.down + self.across == 0 { C_DC } else { C_AC };
        let pairs = var_a.iter().zip(&var_b);
        let contrast = pairs.clone().map(|(a, b)| (2.0 * (a * b).sqrt() + c) / (a + b + c)).collect();
        let contrast = worst(contrast);
        if self.down + self.across > 0 {
            return contrast;
        }
        let both = covariance(&product(a, b), &mean_a, &mean_b);
        let structure = both.iter().zip(pairs).map(|(both, (a, b))| (both + c) / ((a * b).sqrt() + c));
        contrast * worst(structure.collect())
    }
}

/// Mean of the least twentieth (rounded, halves to the even number).
fn worst(mut values: Vec<f64>) -> f64 {
    let count = (WORST * values.len() as f64).round_ties_even() as usize;
    let compare = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or(Ordering::Equal);
    values.select_nth_unstable_by(count, compare);
    values[..count].iter().sum::<f64>() / count as f64
}

/// Means in a 3×3 Gaussian window, zeros outside.
fn blurred(plane: &Plane) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let side = (-0.5 / (SIGMA_WINDOW * SIGMA_WINDOW)).exp();
    let [middle, side] = [1.0, side].map(|tap| tap / (1.0 + 2.0 * side));
    let mut data = Vec::with_capacity(width * height);
    for y in 0..height {
        let mut sums = vec![0.0; width + 2];
        for (neighbour, tap) in [(y.checked_sub(1), side), (Some(y), middle), (Some(y + 1), side)] {
            let Some(neighbour) = neighbour.filter(|y| *y < height) else { continue };
            sums[1..].iter_mut().zip(plane.row(neighbour)).for_each(|(sum, v)| *sum += tap * v);
        }
        data.extend(sums.windows(3).map(|v| side * (v[0] + v[2]) + middle * v[1]));
    }
    Plane { width, height, data }
}
