//! How far a whole picture has moved: darker or lighter, duller or more colourful.

use std::ops::RangeInclusive;

use super::lab::{D65, lab};
use super::{numeric, pair, sum_rows};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// Of which mean the difference is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Lightness,
    Chroma,
}

/// The absolute difference of two pictures' means in CIELAB (D65, 2° observer; CIE 15, *Colorimetry*): of lightness L\*,
/// 0 to 100 (`luminance-shift`), or of chroma √(a\*² + b\*²), 0 to about 134 in sRGB (`saturation-shift`). 0 for equal
/// means, whatever differs where.
#[derive(Clone, Debug)]
pub struct Shift {
    of: Of,
    crop: usize,
}

impl Shift {
    /// Of mean lightness L\*, `crop` pixels cut off each side first (`luminance-shift`).
    pub fn luminance(crop: usize) -> Self {
        Self { of: Of::Lightness, crop }
    }

    /// Of mean chroma C\*ab, `crop` pixels cut off each side first (`saturation-shift`).
    pub fn saturation(crop: usize) -> Self {
        Self { of: Of::Chroma, crop }
    }

    fn sum(&self, image: &Image<Srgb>) -> f64 {
        let (width, height) = image.size();
        let [sum] = sum_rows(height, |y| {
            let pixels = image.data()[3 * y * width..3 * (y + 1) * width].as_chunks().0.iter();
            let values = pixels.map(|pixel| match (self.of, lab(*pixel, D65)) {
                (Of::Lightness, [l, ..]) => l,
                (Of::Chroma, [_, a, b]) => (a * a + b * b).sqrt(),
            });
            [values.sum::<f64>()]
        });
        sum
    }
}

impl Metric for Shift {
    fn name(&self) -> &str {
        match self.of {
            Of::Lightness => "luminance-shift",
            Of::Chroma => "saturation-shift",
        }
    }

    fn protocol(&self) -> String {
        let (label, of) = match self.of {
            Of::Lightness => ("Luminance shift", "lightness L*"),
            Of::Chroma => ("Saturation shift", "chroma C*ab = sqrt(a*^2 + b*^2)"),
        };
        format!(
            "{label}, absolute difference of the two means over pixels of CIELAB {of}, sRGB with D65 white and 2° observer, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        match self.of {
            Of::Lightness => 0.0..=100.0,
            Of::Chroma => 0.0..=134.0,
        }
    }

    fn source(&self) -> &str {
        "CIE 15, Colorimetry, 2004 (CIELAB); the difference of means is percept's own"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, 1)?;
        let (width, height) = a.size();
        numeric(self, (self.sum(&a) - self.sum(&b)).abs() / (width * height) as f64)
    }
}
