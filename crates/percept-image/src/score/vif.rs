//! Visual information fidelity in the pixel domain.

use std::ops::RangeInclusive;

use super::filter::{Border, filtered, gaussian, moments};
use super::plane::Plane;
use super::{numeric, pair};
use crate::{Better, Cost, Image, Metric, MetricError, Srgb};

/// Variance of the visual noise, for values of range 255.
const NOISE: f64 = 2.0;
/// Taps of the four scales' windows, finest first; σ is a fifth of it.
const WINDOWS: [usize; 4] = [17, 9, 5, 3];
/// The coarsest scale still holds its window from this side on.
const MIN_SIDE: usize = 41;
/// Below this a variance is rounding.
const EPSILON: f64 = 1e-9;

/// Visual information fidelity in the pixel domain (Sheikh, Bovik, *Image Information and Visual Quality*, 2006; the authors'
/// `vifp_mscale`): how much of the information that an observer takes from the reference is left in the test image (`vifp`). 1 for
/// equal images; above 1 for a result with more contrast. Not symmetric. Needs 41 pixels a side.
///
/// The paper's VIF works on a wavelet transform instead and gives other numbers. Of a flat reference, which holds no
/// information, it is 1 if the test image is flat, too, and 0 otherwise.
#[derive(Clone, Debug)]
pub struct Vifp {
    crop: usize,
}

impl Vifp {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Vifp {
    fn name(&self) -> &str {
        "vifp"
    }

    fn protocol(&self) -> String {
        format!(
            "VIF in the pixel domain (VIFp), BT.601 full-range luma of range 255, 4 scales, Gaussian windows of 17, 9, 5, 3 pixels and sigma of a fifth, valid positions, noise variance 2, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Higher
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "Sheikh, Bovik, Image Information and Visual Quality, 2006"
    }

    fn cost(&self) -> Cost {
        Cost::Medium
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let (mut a, mut b) = (Plane::luma(&a), Plane::luma(&b));
        let mut sums = [0.0; 3];
        for (scale, count) in WINDOWS.into_iter().enumerate() {
            let taps = gaussian(count, count as f64 / 5.0);
            if scale > 0 {
                let next = |plane: &Plane| filtered(plane, &taps, Border::Inside, 2);
                (a, b) = (next(&a), next(&b));
            }
            let rows = moments(&a, &b, &taps, |_, row| {
                (0..row.product.len()).map(|x| information(row.variances(x))).fold([0.0; 3], add)
            });
            sums = rows.into_iter().fold(sums, add);
        }
        let [kept, all, test] = sums;
        match all > 0.0 {
            true => numeric(self, kept / all),
            false => Ok(if test > 0.0 { 0.0 } else { 1.0 }),
        }
    }
}

fn add(sums: [f64; 3], more: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|k| sums[k] + more[k])
}

/// What the test image keeps of the reference's information, that information, and the test image's variance.
fn information([own, test, both]: [f64; 3]) -> [f64; 3] {
    let test = if test < EPSILON { 0.0 } else { test };
    if own < EPSILON {
        return [0.0, 0.0, test];
    }
    // The test image is `gain` times the reference and something of its own.
    let gain = if test > 0.0 && both > 0.0 { both / own } else { 0.0 };
    let rest = (test - gain * both).max(0.0);
    [(1.0 + gain * gain * own / (rest + NOISE)).log2(), (1.0 + own / NOISE).log2(), test]
}
