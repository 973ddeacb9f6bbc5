//! How far a whole picture has moved: darker or lighter, duller or more colourful, softer or sharper.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::lab::{D65, labs, lightness};
use super::{numeric, pair, sum_rows};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// Of which mean the difference is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Lightness,
    Chroma,
    Gradient,
}

/// The absolute difference of two pictures' means in CIELAB (D65, 2° observer; CIE 15, *Colorimetry*): of lightness L\*,
/// 0 to 100 (`luminance-shift`), of chroma √(a\*² + b\*²), 0 to about 134 in sRGB (`saturation-shift`), or of the size of
/// L\*'s gradient, √(Δx² + Δy²) to the next pixels, 0 to about 141 (`sharpness-shift`). 0 for equal means, whatever differs
/// where.
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

    /// Of the mean size of L\*'s gradient, `crop` pixels cut off each side first (`sharpness-shift`).
    pub fn sharpness(crop: usize) -> Self {
        Self { of: Of::Gradient, crop }
    }

    fn mean(&self, image: &Image<Srgb>) -> f64 {
        let (width, height) = image.size();
        let row = |y: usize| image.data()[3 * y * width..3 * (y + 1) * width].as_chunks().0;
        let chroma = |[_, a, b]: [f64; 3]| (a * a + b * b).sqrt();
        let [sum] = match self.of {
            Of::Lightness => sum_rows(height, |y| [lightness(row(y)).iter().sum()]),
            Of::Chroma => sum_rows(height, |y| [labs(row(y), D65).into_iter().map(chroma).sum()]),
            Of::Gradient => return gradient(image),
        };
        sum / (width * height) as f64
    }
}

/// The mean size of L\*'s gradient.
fn gradient(image: &Image<Srgb>) -> f64 {
    let (rows, columns) = (image.height() - 1, image.width() - 1);
    let pixels: &[[f32; 3]] = image.data().as_chunks().0;
    let lines: Vec<Vec<f64>> = pixels.par_chunks(image.width()).map(lightness).collect();
    let [sum] = sum_rows(rows, |y| {
        let next = lines[y].windows(2).zip(&lines[y + 1]);
        let sizes = next.map(|(across, below)| {
            let (dx, dy) = (across[1] - across[0], below - across[0]);
            (dx * dx + dy * dy).sqrt()
        });
        [sizes.sum()]
    });
    sum / (rows * columns) as f64
}

impl Metric for Shift {
    fn name(&self) -> &str {
        match self.of {
            Of::Lightness => "luminance-shift",
            Of::Chroma => "saturation-shift",
            Of::Gradient => "sharpness-shift",
        }
    }

    fn protocol(&self) -> String {
        let (label, of) = match self.of {
            Of::Lightness => ("Luminance shift", "lightness L*"),
            Of::Chroma => ("Saturation shift", "chroma C*ab = sqrt(a*^2 + b*^2)"),
            Of::Gradient => ("Sharpness shift", "the gradient of lightness L*, its size between next pixels"),
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
            Of::Gradient => 0.0..=142.0,
        }
    }

    fn source(&self) -> &str {
        "CIE 15, Colorimetry, 2004 (CIELAB); the difference of means is percept's own"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let least = if self.of == Of::Gradient { 2 } else { 1 };
        let (a, b) = pair(self, (reference, test), self.crop, least)?;
        numeric(self, (self.mean(&a) - self.mean(&b)).abs())
    }
}
