//! A camera's RAW: one colour a pixel, linear, dark and of unknown white.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sensor::ExposureRange;
use super::{ConfigError, Strength};
use crate::colour::srgb_to_linear;
use crate::{Image, Linear, PackedBayer, Rng, Srgb};

/// Makes the RAW of a simulated camera from a photo: linear light, exposure and white balance unknown, an RGGB
/// Bayer pattern, shot and read noise.
///
/// The defaults give a dark, tinted RAW, the input of the RAW to RGB task. `stops = 0`, `cast = 0` and no noise
/// give the plain mosaic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mosaic {
    /// How much darker than the photo, in stops (each halves the light), 0 to 16: a number or `[lowest, highest]`.
    /// Default `[1, 3]`.
    pub stops: Strength,
    /// White balance: red and blue are each multiplied by up to 2 to the power of ± this, 0 to 4. Default 0.8.
    pub cast: f64,
    /// Shot noise: variance of a fully white pixel, 0 to 1: a number or `[lowest, highest]`. Default `[0.0001, 0.002]`.
    pub shot_noise: Strength,
    /// Read noise: standard deviation relative to white, 0 to 1: a number or `[lowest, highest]`. Default `[0.0005, 0.002]`.
    pub read_noise: Strength,
}

impl Default for Mosaic {
    fn default() -> Self {
        Self {
            stops: [1.0, 3.0].into(),
            cast: 0.8,
            shot_noise: [0.0001, 0.002].into(),
            read_noise: [0.0005, 0.002].into(),
        }
    }
}

impl Mosaic {
    /// The mosaic alone: no darkening, no cast, no noise.
    pub fn plain() -> Self {
        Self { stops: 0.0.into(), cast: 0.0, shot_noise: 0.0.into(), read_noise: 0.0.into() }
    }

    fn exposures(&self) -> ExposureRange {
        let Self { stops, cast, shot_noise, read_noise } = *self;
        ExposureRange { stops, cast, shot_noise, read_noise }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Names the first value that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.exposures().validate(["mosaic.stops", "mosaic.cast", "mosaic.shot_noise", "mosaic.read_noise"])
    }

    /// The RAW of a photo, at half its size (an odd last row or column is dropped), values in `[0, 1]`.
    #[must_use]
    pub fn apply(&self, image: &Image<Srgb>, rng: &mut Rng) -> Image<PackedBayer> {
        let exposure = self.exposures().sample(rng);
        Image::from_fn(image.width() / 2, image.height() / 2, |x, y, c| {
            let (dx, dy) = (c % 2, c / 2);
            let filter = COLOUR[dy][dx];
            let light = srgb_to_linear(image.pixel(2 * x + dx, 2 * y + dy)[filter]);
            exposure.read(light, filter, rng)
        })
    }
}

/// The colour (R 0, G 1, B 2) of each pixel of an RGGB cell, by row and column.
const COLOUR: [[usize; 2]; 2] = [[0, 1], [1, 2]];

/// A viewable picture of a RAW at the sensor's size (twice the packed one): bilinear demosaicing in linear light,
/// then the sRGB curve. Exposure and white balance stay as they were recorded.
///
/// Each missing colour is the mean of that colour's nearest sites in the 3×3 neighbourhood.
#[must_use]
pub fn demosaic(raw: &Image<PackedBayer>) -> Image<Srgb> {
    let (width, height) = (2 * raw.width(), 2 * raw.height());
    let site = |x: usize, y: usize| raw.pixel(x / 2, y / 2)[2 * (y % 2) + x % 2];
    let linear = Image::<Linear>::from_fn(width, height, |x, y, c| {
        if COLOUR[y % 2][x % 2] == c {
            return site(x, y);
        }
        let (mut sum, mut count) = (0.0, 0.0);
        for ny in y.saturating_sub(1)..(y + 2).min(height) {
            for nx in x.saturating_sub(1)..(x + 2).min(width) {
                if COLOUR[ny % 2][nx % 2] == c {
                    sum += site(nx, ny);
                    count += 1.0;
                }
            }
        }
        sum / count
    });
    linear.to_srgb()
}
