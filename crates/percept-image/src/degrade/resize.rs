//! More or fewer pixels.

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Strength};
use crate::resize::{Filter, resize};
use crate::{Image, Rng, Srgb};

/// Resizes by a factor, with one of several filters. Sides are rounded, and at least 1 pixel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Resize {
    /// Factor of both sides, 0.01 to 64: a number or `[lowest, highest]`. Default `[0.25, 1]`.
    pub scale: Strength,
    /// Whether the sides are divided by `scale`, and not multiplied. Default false.
    pub divide: bool,
    /// What it is a factor of: the `picture` as the steps before left it, or the `photo` that all steps began with. Default
    /// `picture`.
    pub of: Whole,
    /// How pixels are merged or interpolated, one of these for each picture: `opencv_area`, `opencv_bilinear`, `opencv_bicubic`
    /// (OpenCV's, which alias), `area`, `bilinear`, `lanczos` (Pillow's), `bicubic` (MATLAB's). Default OpenCV's three.
    pub filters: Vec<Filter>,
}

/// What a factor is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whole {
    /// The picture as the steps before left it.
    #[default]
    Picture,
    /// The photo that all steps began with.
    Photo,
}

impl Default for Resize {
    fn default() -> Self {
        let filters = Self::OPENCV.to_vec();
        Self { scale: [0.25, 1.0].into(), divide: false, of: Whole::Picture, filters }
    }
}

impl Resize {
    /// OpenCV's filters, which Real-ESRGAN and BSRGAN draw from.
    pub const OPENCV: [Filter; 3] = [Filter::OpencvArea, Filter::OpencvBilinear, Filter::OpencvBicubic];

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.scale.check("resize.scale", 0.01, 64.0)?;
        match self.filters.is_empty() {
            false => Ok(()),
            true => Err(ConfigError::new("resize.filters", "[]", "at least one filter")),
        }
    }
}

impl Degradation for Resize {
    /// As a pipeline of its own.
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let photo = image.size();
        self.apply_within(image, photo, rng)
    }

    fn apply_within(&self, image: Image<Srgb>, photo: (usize, usize), rng: &mut Rng) -> Image<Srgb> {
        let scale = self.scale.sample(rng);
        let filter = match self.filters.as_slice() {
            [one] => Some(*one),
            many => many.get(rng.random_range(0..many.len().max(1))).copied(),
        };
        let (width, height) = if self.of == Whole::Photo { photo } else { image.size() };
        let factor = if self.divide { scale.recip() } else { scale };
        let side = |of: usize| ((of as f64 * factor).round() as usize).max(1);
        let size = (side(width), side(height));
        if image.data().is_empty() || image.size() == size {
            return image;
        }
        resize(&image, size.0, size.1, filter.unwrap_or_default()).map(|v| v.clamp(0.0, 1.0))
    }

    fn growth(&self) -> f64 {
        let (low, high) = self.scale.bounds();
        if self.divide { low.recip().max(1.0) } else { high.max(1.0) }
    }
}
