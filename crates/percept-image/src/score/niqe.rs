//! Natural image quality evaluator.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use rayon::prelude::*;

use super::natural::Part;
use super::plane::Plane;
use super::{alone, numeric};
use crate::resize::imresize;
use crate::{Better, Cost, Image, Luma, Metric, MetricError, Srgb};

/// Pixels of a block a side.
const BLOCK: usize = 96;
/// Numbers that describe a block at one scale: shape and width of its values, and of their products with the neighbours in
/// four directions shape, mean and the two widths.
const FEATURES: usize = 18;
/// Those of full and of half size.
const ALL: usize = 2 * FEATURES;
/// Mean and covariance of the blocks of sharp natural photos; where they are from is said beside the file.
static PRISTINE: &[u8; 8 * (ALL + ALL * ALL)] = include_bytes!("../../../../assets/niqe/pristine.f64");
/// Luma in studio range, in levels.
const STUDIO: [f64; 3] = [65.481, 128.553, 24.966];
const BLACK: f64 = 16.0;
/// The window of the local mean and contrast.
const REACH: usize = 3;
const SIGMA: f64 = 7.0 / 6.0;

/// Natural image quality evaluator (Mittal, Soundararajan, Bovik, *Making a "Completely Blind" Image Quality Analyzer*,
/// 2013): how far the statistics of an image's blocks are from those of sharp natural photos (`niqe`). Looks at the test
/// image alone. From 0; photos are between 2 and 6 as a rule.
///
/// Needs two blocks of 96×96 pixels that are not flat.
#[derive(Clone, Debug)]
pub struct Niqe {
    crop: usize,
}

impl Niqe {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Niqe {
    fn name(&self) -> &str {
        "niqe"
    }

    fn protocol(&self) -> String {
        format!(
            "NIQE, no reference, BT.601 studio-range Y rounded to levels, whole blocks of 96×96, second scale by MATLAB's bicubic, the authors' parameters as in BasicSR 1.4.2, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "Mittal, Soundararajan, Bovik, Making a \"Completely Blind\" Image Quality Analyzer, 2013"
    }

    fn cost(&self) -> Cost {
        Cost::Medium
    }

    fn needs_reference(&self) -> bool {
        false
    }

    fn score(&self, _: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let image = alone(self, test, self.crop, BLOCK)?;
        let (across, down) = (image.width() / BLOCK, image.height() / BLOCK);
        let mut luma = Plane::mixed(&image.crop(0, 0, across * BLOCK, down * BLOCK), STUDIO);
        luma.data.par_iter_mut().with_min_len(1 << 14).for_each(|v| *v = (*v + BLACK).round_ties_even());
        let (full, half) = (normalised(&luma), normalised(&halved(&luma)));
        let blocks = (0..across * down).into_par_iter().map(|at| {
            let (x, y) = (at % across, at / across);
            let fine = features(&full, (x, y), BLOCK);
            let coarse = features(&half, (x, y), BLOCK / 2);
            std::array::from_fn(|k| if k < FEATURES { fine[k] } else { coarse[k - FEATURES] })
        });
        let blocks: Vec<[f64; ALL]> = blocks.collect();
        let whole = || blocks.iter().filter(|block| !block.iter().any(|v| v.is_nan()));
        let count = whole().count();
        if count < 2 {
            let why = format!(
                "it needs two blocks of {BLOCK}×{BLOCK} pixels that are not flat, and this image has {count} (of {})",
                blocks.len()
            );
            return Err(MetricError::Undefined { metric: self.name().to_owned(), why });
        }
        numeric(self, distance(&blocks, &whole().copied().collect::<Vec<_>>()))
    }
}

/// The features of block (`x`, `y`) of `side` values each way. NaN where it has no values of a sign.
fn features(plane: &Plane, (x, y): (usize, usize), side: usize) -> [f64; FEATURES] {
    let [values, products @ ..] =
        Part { left: x * side, top: y * side, width: side, height: side }.fits(plane);
    let mut out = [0.0; FEATURES];
    (out[0], out[1]) = (values.shape, (values.left + values.right) / 2.0 * values.width());
    for (out, fit) in out[2..].chunks_exact_mut(4).zip(products) {
        let width = fit.width();
        out.copy_from_slice(&[fit.shape, fit.mean(), fit.left * width, fit.right * width]);
    }
    out
}

/// Half the size, by MATLAB's bicubic on values of range 1.
fn halved(luma: &Plane) -> Plane {
    let (width, height) = (luma.width / 2, luma.height / 2);
    let small = luma.data.iter().map(|v| (v / 255.0) as f32).collect();
    let small = imresize(&Image::<Luma>::from_parts(luma.width, luma.height, small), width, height);
    Plane { width, height, data: small.data().iter().map(|v| f64::from(255.0 * v)).collect() }
}

/// Every value without its local mean, divided by its local contrast plus one level.
///
/// In single precision, to which the means are rounded: so a flat part becomes zeros, which the features leave out. In
/// double precision it would become a noise of rounding errors, of which half were counted as negative.
fn normalised(luma: &Plane) -> Plane {
    let (width, height) = (luma.width, luma.height);
    let taps: [f64; 2 * REACH + 1] =
        std::array::from_fn(|k| (-0.5 * ((k as f64 - REACH as f64) / SIGMA).powi(2)).exp());
    let sum: f64 = taps.iter().sum();
    let taps = taps.map(|tap| tap / sum);
    let mut data = vec![0.0; width * height];
    data.par_chunks_exact_mut(width).enumerate().for_each(|(y, out)| {
        // Down first; edges repeated at both ends.
        let (mut means, mut squares) = (vec![0.0; width + 2 * REACH], vec![0.0; width + 2 * REACH]);
        for (k, tap) in taps.iter().enumerate() {
            let values = luma.row((y + k).saturating_sub(REACH).min(height - 1));
            for ((mean, square), v) in means[REACH..].iter_mut().zip(&mut squares[REACH..]).zip(values) {
                *mean += tap * v;
                *square += tap * f64::from((v * v) as f32);
            }
        }
        let [means, squares] = [means, squares].map(|mut sums| {
            let (first, last) = (sums[REACH], sums[REACH + width - 1]);
            sums[..REACH].fill(first);
            sums[REACH + width..].fill(last);
            let mut out = vec![0.0; width];
            for (k, tap) in taps.iter().enumerate() {
                out.iter_mut().zip(&sums[k..]).for_each(|(out, sum)| *out += tap * sum);
            }
            out
        });
        for (out, ((v, mean), square)) in out.iter_mut().zip(luma.row(y).iter().zip(means).zip(squares)) {
            let (v, mean, square) = (*v as f32, mean as f32, square as f32);
            *out = f64::from((v - mean) / ((square - mean * mean).abs().sqrt() + 1.0));
        }
    });
    Plane { width, height, data }
}

/// `√(dᵀ C⁻¹ d)`: `d` is the distance of the means, `C` the mean of the covariances. Blocks that lack a number count in
/// the means of the others, not in the covariance.
fn distance(blocks: &[[f64; ALL]], whole: &[[f64; ALL]]) -> f64 {
    static MODEL: LazyLock<Vec<f64>> = LazyLock::new(|| {
        PRISTINE.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
    });
    let (mean, covariance) = MODEL.split_at(ALL);
    let of = |blocks: &[[f64; ALL]], k: usize| {
        let (sum, count) = blocks
            .iter()
            .map(|block| block[k])
            .filter(|v| !v.is_nan())
            .fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
        sum / count
    };
    let means: [f64; ALL] = std::array::from_fn(|k| of(whole, k));
    let mut matrix = vec![[0.0; ALL]; ALL];
    for (i, row) in matrix.iter_mut().enumerate() {
        for (j, value) in row.iter_mut().enumerate() {
            let products = whole.iter().map(|block| (block[i] - means[i]) * (block[j] - means[j]));
            let here = products.sum::<f64>() / (whole.len() - 1) as f64;
            *value = (covariance[i * ALL + j] + here) / 2.0;
        }
    }
    let differences: [f64; ALL] = std::array::from_fn(|k| mean[k] - of(blocks, k));
    quadratic(matrix, differences).sqrt()
}

/// `dᵀ M⁻¹ d` of a symmetric positive definite matrix, by its Cholesky factor.
fn quadratic(mut matrix: Vec<[f64; ALL]>, mut vector: [f64; ALL]) -> f64 {
    for j in 0..ALL {
        for i in j..ALL {
            let dot: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - dot;
            matrix[i][j] = if i == j { rest.sqrt() } else { rest / matrix[j][j] };
        }
        let dot: f64 = (0..j).map(|k| matrix[j][k] * vector[k]).sum();
        vector[j] = (vector[j] - dot) / matrix[j][j];
    }
    vector.iter().map(|v| v * v).sum()
}
