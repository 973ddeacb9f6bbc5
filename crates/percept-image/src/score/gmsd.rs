//! Gradient magnitude similarity deviation, at one scale and at several.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::gradient::PREWITT;
use super::plane::{Outside, Plane, YIQ};
use super::pool::Pool;
use super::{numeric, pair, sum_rows};
use crate::{Better, Difference, Image, Metric, MetricError, Spatial, Srgb};

/// The papers' constant 170, for values in `[0, 1]`.
const T: f64 = 170.0 / (255.0 * 255.0);
/// Halved, it still holds a 3×3 window.
const MIN_SIDE: usize = 5;
/// Squared deviations of the four scales are weighted with these, finest first.
const WEIGHTS: [f64; 4] = [0.096, 0.596, 0.289, 0.019];
/// How much gradients of one image mask those of the other, at several scales.
const MASKING: f64 = 0.5;
/// The coarsest of the four scales still holds a 3×3 window from this side on.
const MIN_SIDE_MS: usize = 17;

/// Gradient magnitude similarity deviation (Xue, Zhang, Mou, Bovik, *Gradient Magnitude Similarity Deviation: A Highly
/// Efficient Perceptual Image Quality Index*, 2014): the standard deviation of the similarity of Prewitt gradients of
/// halved luma (`gmsd`). 0 for equal images. Needs 5 pixels a side.
#[derive(Clone, Debug)]
pub struct Gmsd {
    crop: usize,
}

impl Gmsd {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Gmsd {
    fn name(&self) -> &str {
        "gmsd"
    }

    fn protocol(&self) -> String {
        format!(
            "GMSD, BT.601 full-range luma, halved by 2×2 means (zeros beyond an odd edge), Prewitt / 3 with zeros outside, T 170 for range 255, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=0.5
    }

    fn source(&self) -> &str {
        "Xue, Zhang, Mou, Bovik, Gradient Magnitude Similarity Deviation: A Highly Efficient Perceptual Image Quality Index, 2014"
    }

    fn spatial(&self) -> Option<&dyn Spatial> {
        Some(self)
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        numeric(self, variance(&half_luma(&a), &half_luma(&b), 0.0).sqrt())
    }
}

/// 1 − similarity of the gradients of the halved images, from 0 to 1; a pixel has the value of its 2×2 block. GMSD is
/// how much this varies.
impl Spatial for Gmsd {
    fn map(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<Image<Difference>, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let (width, height) = a.size();
        let (a, b) = (half_luma(&a), half_luma(&b));
        let rows: Vec<Vec<f64>> =
            (0..a.height).into_par_iter().map(|y| similarities(&a, &b, 0.0, y).collect()).collect();
        Ok(Image::from_fn(width, height, |x, y, _| (1.0 - rows[y / 2][x / 2]) as f32))
    }

    fn white(&self) -> f32 {
        1.0
    }
}

fn half_luma(image: &Image<Srgb>) -> Plane {
    Plane::sum(&Pool::HALF.planes(image), YIQ[0])
}

/// GMSD at four scales (Zhang, Sander, Bermak, *Gradient Magnitude Similarity Deviation on Multiple Scales for Color
/// Image Quality Assessment*, 2017) of luma, with masking and without the paper's colour term (`ms-gmsd`). 0 for equal
/// images. Needs 17 pixels a side.
#[derive(Clone, Debug)]
pub struct MsGmsd {
    crop: usize,
}

impl MsGmsd {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for MsGmsd {
    fn name(&self) -> &str {
        "ms-gmsd"
    }

    fn protocol(&self) -> String {
        format!(
            "MS-GMSD, BT.601 full-range luma, 4 scales from full size by 2×2 means (zeros beyond an odd edge), Prewitt / 3 with zeros outside, T 170 for range 255, masking 0.5, no colour term, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=0.5
    }

    fn source(&self) -> &str {
        "Zhang, Sander, Bermak, Gradient Magnitude Similarity Deviation on Multiple Scales for Color Image Quality Assessment, 2017"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE_MS)?;
        let (mut a, mut b) = (Plane::mixed(&a, YIQ[0]), Plane::mixed(&b, YIQ[0]));
        let mut sum = 0.0;
        for (scale, weight) in WEIGHTS.iter().enumerate() {
            if scale > 0 {
                (a, b) = (a.halved(Outside::Zero), b.halved(Outside::Zero));
            }
            sum += weight * variance(&a, &b, MASKING);
        }
        numeric(self, sum.sqrt())
    }
}

/// Variance of the similarity of gradient magnitudes over all positions.
fn variance(a: &Plane, b: &Plane, masking: f64) -> f64 {
    let [sum, squares] = sum_rows(a.height, |y| {
        similarities(a, b, masking, y).fold([0.0; 2], |[sum, squares], similarity| {
            [sum + similarity, squares + similarity * similarity]
        })
    });
    let count = (a.width * a.height) as f64;
    let mean = sum / count;
    // All positions alike: rounding may leave a trace below zero.
    (squares / count - mean * mean).max(0.0)
}

/// Similarity of the gradient magnitudes along a row.
fn similarities(a: &Plane, b: &Plane, masking: f64, y: usize) -> impl Iterator<Item = f64> {
    let gradients = PREWITT.magnitude(a, y).into_iter().zip(PREWITT.magnitude(b, y));
    gradients.map(move |(a, b)| {
        let masked = masking * a * b;
        (2.0 * a * b - masked + T) / (a * a + b * b - masked + T)
    })
}
