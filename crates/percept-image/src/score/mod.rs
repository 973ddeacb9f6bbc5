//! Classical full-reference scores: [`Psnr`], [`Ssim`], [`MsSsim`].

mod ms_ssim;
mod plane;
mod psnr;
mod ssim;
mod window;

pub use ms_ssim::MsSsim;
pub use psnr::Psnr;
pub use ssim::Ssim;

use crate::{Image, Metric, MetricError, Srgb};

/// Which values a score compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channels {
    /// BT.601 luma in studio range.
    Y,
    /// Red, green and blue, each by itself.
    Rgb,
}

impl Channels {
    fn suffix(self) -> &'static str {
        match self {
            Self::Y => "y",
            Self::Rgb => "rgb",
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Y => "BT.601 studio-range Y of [16, 235], unrounded",
            Self::Rgb => "RGB",
        }
    }
}

/// A pair checked for equal size and for `min` pixels a side after the border crop, then cropped.
fn cropped(
    metric: &dyn Metric,
    (reference, test): (&Image<Srgb>, &Image<Srgb>),
    crop: usize,
    min: usize,
) -> Result<(Image<Srgb>, Image<Srgb>), MetricError> {
    if reference.size() != test.size() {
        return Err(MetricError::SizeMismatch { reference: reference.size(), test: test.size() });
    }
    let (width, height) = reference.size();
    let got = width.min(height).saturating_sub(2 * crop);
    if got < min {
        return Err(MetricError::TooSmall { metric: metric.name().to_owned(), min, got });
    }
    let inner = |image: &Image<Srgb>| image.crop(crop, crop, width - 2 * crop, height - 2 * crop);
    Ok((inner(reference), inner(test)))
}

/// The value, unless it is NaN.
fn numeric(metric: &dyn Metric, value: f64) -> Result<f64, MetricError> {
    if value.is_nan() {
        return Err(MetricError::NotFinite { metric: metric.name().to_owned(), value });
    }
    Ok(value)
}
