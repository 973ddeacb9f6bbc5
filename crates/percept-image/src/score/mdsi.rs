//! Mean deviation similarity index.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::gradient::PREWITT;
use super::plane::{Outside, Plane};
use super::pool::Pool;
use super::{numeric, pair, similarity, sum_rows};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// The paper's constants, for values of range 255.
const C1: f64 = 140.0;
const C2: f64 = 55.0;
const C3: f64 = 550.0;
/// Share of the gradients in the sum with the colours.
const ALPHA: f64 = 0.6;
/// A 3×3 window.
const MIN_SIDE: usize = 3;
/// From RGB to L, H and M.
const LHM: [[f64; 3]; 3] = [[0.2989, 0.587, 0.114], [0.3, 0.04, -0.35], [0.34, -0.6, 0.17]];

/// Mean deviation similarity index (Nafchi, Shahkolaei, Hedjam, Cheriet, *Mean Deviation Similarity Index: Efficient and
/// Reliable Full-Reference Image Quality Evaluator*, 2016): how unevenly the similarity of gradients and colours is
/// spread (`mdsi`). 0 for equal images. Needs 3 pixels a side.
///
/// By the paper the reference is not the test image: exchanged, they have another score.
///
/// The fourth root at its end makes much of little: it is 0.3 where the mean deviation is 0.008.
#[derive(Clone, Debug)]
pub struct Mdsi {
    crop: usize,
}

impl Mdsi {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Mdsi {
    fn name(&self) -> &str {
        "mdsi"
    }

    fn protocol(&self) -> String {
        format!(
            "MDSI, LHM of range 255, shrunk by means of blocks of round(shorter side / 256) pixels (zeros outside), Prewitt / 3 with zeros outside, sum with alpha 0.6, rho 1, q and o 1/4, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=1.0
    }

    fn source(&self) -> &str {
        "Nafchi, Shahkolaei, Hedjam, Cheriet, Mean Deviation Similarity Index: Efficient and Reliable Full-Reference Image Quality Evaluator, 2016"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let side = Pool::side_for(a.size());
        // One block may stand half outside, and zeros count in its mean.
        let (before, after) = ((side - 1) / 2, side / 2);
        let pool = Pool { side, before, after, outside: Outside::Zero };
        let lhm = |image: &Image<Srgb>| Plane::levels(&pool.planes(image), LHM);
        numeric(self, deviation(&lhm(&a), &lhm(&b)).powf(0.25))
    }
}

/// Mean absolute deviation of the fourth root of the similarity, which is complex where the similarity is negative.
fn deviation(a: &[Plane; 3], b: &[Plane; 3]) -> f64 {
    let (width, height) = (a[0].width, a[0].height);
    let between = a[0].data.iter().zip(&b[0].data).map(|(a, b)| (a + b) / 2.0).collect();
    let between = Plane { width, height, data: between };
    let roots = |y: usize| {
        let gradients = [&a[0], &b[0], &between].map(|plane| PREWITT.magnitude(plane, y));
        let rows = [&a[1], &a[2], &b[1], &b[2]].map(|plane| plane.row(y));
        (0..width).map(move |x| {
            let [ga, gb, gm] = [0, 1, 2].map(|k: usize| gradients[k][x]);
            let [ha, ma, hb, mb] = [0, 1, 2, 3].map(|k: usize| rows[k][x]);
            let edges = similarity(ga, gb, C1) + similarity(gb, gm, C2) - similarity(ga, gm, C2);
            // Squares image by image: then equal images are exactly alike, of which the fourth root would make much.
            let squares = (ha * ha + ma * ma) + (hb * hb + mb * mb);
            let colours = (2.0 * (ha * hb + ma * mb) + C3) / (squares + C3);
            fourth_root(ALPHA * edges + (1.0 - ALPHA) * colours)
        })
    };
    let count = (width * height) as f64;
    let all: Vec<Vec<[f64; 2]>> = (0..height).into_par_iter().map(|y| roots(y).collect()).collect();
    let sum = |sum: [f64; 2], root: &[f64; 2]| [sum[0] + root[0], sum[1] + root[1]];
    let mean = sum_rows(height, |y| all[y].iter().fold([0.0; 2], sum)).map(|sum| sum / count);
    let off = |[x, y]: &[f64; 2]| ((x - mean[0]).powi(2) + (y - mean[1]).powi(2)).sqrt();
    let [sum] = sum_rows(height, |y| [all[y].iter().map(off).sum::<f64>()]);
    sum / count
}

/// Real and imaginary part of the principal fourth root.
fn fourth_root(value: f64) -> [f64; 2] {
    let root = value.abs().sqrt().sqrt();
    match value < 0.0 {
        true => [root * std::f64::consts::FRAC_1_SQRT_2; 2],
        false => [root, 0.0],
    }
}
