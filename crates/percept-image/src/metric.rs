//! The one shape that every score has, whatever computes it.

use std::ops::RangeInclusive;

use crate::{Difference, Image, Srgb};

/// Which direction of a score is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// A larger value means a result closer to the reference (PSNR, SSIM).
    Higher,
    /// A smaller value means a result closer to the reference (LPIPS, DISTS).
    Lower,
}

/// How much time a score takes: seconds of one core a megapixel, an order of magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cost {
    /// Below a tenth of a second.
    Low,
    /// From a tenth of a second.
    Medium,
    /// A network, seconds; it keeps all cores busy by itself and takes memory by the gigabyte, so that two of them at a
    /// time gain nothing.
    Network,
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
        "{metric} needs at least {min} pixels on the shorter side, and this one has {got}{}", cut_off(*crop)
    )]
    TooSmall {
        /// Name of the metric.
        metric: String,
        /// Smallest side that the metric can work with.
        min: usize,
        /// Shorter side of the images, without the border that is cut off.
        got: usize,
        /// Pixels that are cut off at each border.
        crop: usize,
    },
    /// Images for which the score is not defined.
    #[error("{metric} is not defined here: {why}")]
    Undefined {
        /// Name of the metric.
        metric: String,
        /// What the image lacks.
        why: String,
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

/// What is to be said of a border that is cut off.
fn cut_off(crop: usize) -> String {
    match crop {
        0 => String::new(),
        crop => format!(" ({crop} are cut off at each border)"),
    }
}

/// A score of a test image, most of them against a reference; both sRGB-encoded in `[0, 1]`.
pub trait Metric: Send + Sync {
    /// Short name as users write it (`psnr-y`, `lpips-alex`).
    fn name(&self) -> &str;
    /// Everything someone needs to get the same number elsewhere (`PSNR-Y, BT.601 studio range, crop 4`).
    fn protocol(&self) -> String;
    /// Which direction is the better one. Of scores that describe an image rather than judge it (`tv`, `noise`) it is
    /// the one that there is less of.
    fn better(&self) -> Better;
    /// From the least to the largest value that images in `[0, 1]` can have.
    fn range(&self) -> RangeInclusive<f64>;
    /// Where the score was defined: authors, title, year.
    fn source(&self) -> &str;
    /// How much time it takes.
    fn cost(&self) -> Cost {
        Cost::Low
    }
    /// Whether the reference is looked at. Where it is not, [`score`](Self::score) takes anything for it, in any size.
    fn needs_reference(&self) -> bool {
        true
    }
    /// The score place by place, where it comes from places.
    fn spatial(&self) -> Option<&dyn Spatial> {
        None
    }
    /// The score of `test` against `reference`.
    ///
    /// # Errors
    /// When sizes differ or are too small for the metric, when the score is not defined for these images, or when the
    /// result is NaN. Infinity is a valid PSNR (identical images).
    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError>;
}

/// A score that says where two images differ.
pub trait Spatial: Metric {
    /// How much `test` differs from `reference` at every pixel that the score looks at: the size of the images, without
    /// the border that is cut off.
    ///
    /// # Errors
    /// As [`score`](Metric::score).
    fn map(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<Image<Difference>, MetricError>;
    /// The difference that is drawn in the lightest colour: the same for all images, so that maps can be compared.
    fn white(&self) -> f32;
}
