//! The one shape that every full-reference score has, whatever computes it.

use crate::{Image, Srgb};

/// Which direction of a score is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// A larger value means a result closer to the reference (PSNR, SSIM).
    Higher,
    /// A smaller value means a result closer to the reference (LPIPS, DISTS).
    Lower,
}

/// Why a pair of images could not be scored.
#[derive(Debug, thiserror::Error)]
pub enum MetricError {
    /// The two images differ in size.
    #[error("reference is {reference:?} pixels, test image is {test:?}: scores compare equal sizes only")]
    SizeMismatch {
        /// Width and height of the reference.
        reference: (usize, usize),
        /// Width and height of the test image.
        test: (usize, usize),
    },
    /// The images are too small for the metric's windows.
    #[error(
        "{metric} needs at least {min} pixels on the shorter side after its border crop, this pair has {got}"
    )]
    TooSmall {
        /// Name of the metric.
        metric: String,
        /// Smallest side that the metric can work with.
        min: usize,
        /// Shorter side of the pair.
        got: usize,
    },
    /// The score came out as NaN.
    #[error("{metric} gave {value}: the images hold values that are not numbers, or the metric's weights do")]
    NotFinite {
        /// Name of the metric.
        metric: String,
        /// What came out.
        value: f64,
    },
}

/// A full-reference score: compares a test image with its reference, both sRGB-encoded in `[0, 1]`.
pub trait Metric: Send + Sync {
    /// Short name as users write it (`psnr-y`, `lpips-alex`).
    fn name(&self) -> &str;
    /// Everything someone needs to get the same number elsewhere (`PSNR-Y, BT.601 studio range, crop 4`).
    fn protocol(&self) -> String;
    /// Which direction is the better one.
    fn better(&self) -> Better;
    /// The score of `test` against `reference`.
    ///
    /// # Errors
    /// When sizes differ or are too small for the metric, or when the result is NaN. Infinity is a
    /// valid PSNR (identical images).
    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError>;
}
