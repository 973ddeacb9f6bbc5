//! Total variation: how much neighbouring pixels differ.

use std::ops::RangeInclusive;

use super::{finite, inner, lane_sum, numeric, sum_rows};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// Mean absolute gradient (after Rudin, Osher, Fatemi, *Nonlinear total variation based noise removal algorithms*, 1992;
/// anisotropic): `Σ (|v(x+1, y) − v(x, y)| + |v(x, y+1) − v(x, y)|) / (3 · width · height)` over red, green and blue,
/// encoded `[0, 1]` (`tv`). Looks at the test image alone.
///
/// It describes: noise, ringing and texture raise it, blur lowers it. Neither is always the better one.
#[derive(Clone, Debug)]
pub struct TotalVariation {
    crop: usize,
}

impl TotalVariation {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for TotalVariation {
    fn name(&self) -> &str {
        "tv"
    }

    fn protocol(&self) -> String {
        format!(
            "TV, no reference, mean over pixels and RGB channels of |horizontal| + |vertical| difference to the next pixel, range [0, 1], describes rather than judges, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=2.0
    }

    fn source(&self) -> &str {
        "Rudin, Osher, Fatemi, Nonlinear total variation based noise removal algorithms, 1992"
    }

    fn needs_reference(&self) -> bool {
        false
    }

    fn score(&self, _: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let image = inner(self, test, self.crop, 2)?;
        let (width, height) = image.size();
        let row = |y: usize| &image.data()[3 * y * width..3 * (y + 1) * width];
        let [sum] = sum_rows(height, |y| {
            let difference = |a: f32, b: f32| (a - b).abs();
            let across = lane_sum(&row(y)[3..], row(y), difference);
            let down = if y + 1 < height { lane_sum(row(y + 1), row(y), difference) } else { 0.0 };
            [across + down]
        });
        // A value that is no number, or an infinite one, makes the sum so: no need to look at each before.
        if !sum.is_finite() {
            finite(self, &image)?;
        }
        numeric(self, sum / (3 * width * height) as f64)
    }
}
