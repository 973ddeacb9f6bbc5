//! Fewer pixels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation};
use crate::resize::{Filter, imresize, resize};
use crate::{Image, Rng, Srgb};

/// Shrinks the photo, by default as super-resolution papers do (MATLAB's bicubic), and if asked enlarges it
/// to its old size again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Downscale {
    /// How many times smaller each side becomes, rounded up to whole pixels; 1 to 64. Default 4.
    pub scale: f64,
    /// How pixels are merged: `bicubic` (MATLAB's), `area`, `bilinear`, `lanczos` (Pillow's), `opencv_area`, `opencv_bilinear` or
    /// `opencv_bicubic`. Default `bicubic`.
    pub filter: Filter,
    /// Whether the result is brought back to the photo's size by MATLAB's bicubic. Default false.
    pub keep_size: bool,
}

impl Default for Downscale {
    fn default() -> Self {
        Self { scale: 4.0, filter: Filter::Bicubic, keep_size: false }
    }
}

impl Downscale {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if (1.0..=64.0).contains(&self.scale) {
            return Ok(());
        }
        Err(ConfigError::new("downscale.scale", self.scale, "a number from 1 to 64"))
    }
}

impl Degradation for Downscale {
    fn apply(&self, image: Image<Srgb>, _: &mut Rng) -> Image<Srgb> {
        let (width, height) = image.size();
        let side = |old: usize| (old as f64 / self.scale).ceil() as usize;
        let small = resize(&image, side(width), side(height), self.filter).map(|v| v.clamp(0.0, 1.0));
        if !self.keep_size {
            return small;
        }
        imresize(&small, width, height).map(|v| v.clamp(0.0, 1.0))
    }
}
