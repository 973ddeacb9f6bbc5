//! How strong the noise of a picture is.

use std::f64::consts::FRAC_PI_2;
use std::ops::RangeInclusive;

use super::{alone, lane_sum, numeric, sum_rows};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// Standard deviation of additive noise (Immerkær, *Fast Noise Variance Estimation*, 1996), in 8-bit levels, the mean of
/// what red, green and blue give: `√(π/2) / (6 (W−2)(H−2)) · Σ |v ∗ N|` with `N = [1 −2 1; −2 4 −2; 1 −2 1]` (`noise`).
/// Looks at the test image alone. Needs 3 pixels a side.
///
/// It describes: fine texture counts as noise too, and a result without any may be too smooth.
#[derive(Clone, Debug)]
pub struct Noise {
    crop: usize,
}

impl Noise {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Noise {
    fn name(&self) -> &str {
        "noise"
    }

    fn protocol(&self) -> String {
        format!(
            "Noise, no reference, Immerkær's estimate of sigma in 8-bit levels, mean of R, G and B, positions inside, describes rather than judges, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        // A checkerboard of single black and white pixels.
        0.0..=FRAC_PI_2.sqrt() * 8.0 * 255.0 / 6.0
    }

    fn source(&self) -> &str {
        "Immerkær, Fast Noise Variance Estimation, 1996"
    }

    fn needs_reference(&self) -> bool {
        false
    }

    fn score(&self, _: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let image = alone(self, test, self.crop, 3)?;
        let (width, height) = image.size();
        let row = |y: usize| &image.data()[3 * y * width..3 * (y + 1) * width];
        let [sum] = sum_rows(height - 2, |y| {
            let rows = row(y).iter().zip(row(y + 1)).zip(row(y + 2));
            let bent: Vec<f32> = rows.map(|((a, b), c)| (a - b) - (b - c)).collect();
            let steps: Vec<f32> = bent[3..].iter().zip(&bent).map(|(next, v)| next - v).collect();
            [lane_sum(&steps[3..], &steps, |next, step| (next - step).abs())]
        });
        let count = 3 * (width - 2) * (height - 2);
        numeric(self, 255.0 * FRAC_PI_2.sqrt() / 6.0 * sum / count as f64)
    }
}
