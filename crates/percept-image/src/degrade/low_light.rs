//! An exposure that is too short.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sensor::ExposureRange;
use super::{ConfigError, Degradation, Strength};
use crate::colour::{linear_to_srgb, srgb_to_linear};
use crate::{Image, Rng, Srgb};

/// Darkens in linear light, tints, adds a sensor's shot and read noise, and encodes as sRGB again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LowLight {
    /// How much darker, in stops (each halves the light), 0 to 16: a number or `[lowest, highest]`. Default `[2, 5]`.
    pub stops: Strength,
    /// Colour cast: red and blue are each multiplied by up to 2 to the power of ± this, 0 to 4. Default 0.3.
    pub cast: f64,
    /// Shot noise: variance of a fully white pixel, 0 to 1: a number or `[lowest, highest]`. Default `[0.0001, 0.001]`.
    pub shot_noise: Strength,
    /// Read noise: standard deviation relative to white, 0 to 1: a number or `[lowest, highest]`. Default `[0.0005, 0.003]`.
    pub read_noise: Strength,
}

impl Default for LowLight {
    fn default() -> Self {
        Self {
            stops: [2.0, 5.0].into(),
            cast: 0.3,
            shot_noise: [0.0001, 0.001].into(),
            read_noise: [0.0005, 0.003].into(),
        }
    }
}

impl LowLight {
    fn exposures(&self) -> ExposureRange {
        let Self { stops, cast, shot_noise, read_noise } = *self;
        ExposureRange { stops, cast, shot_noise, read_noise }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let keys = ["low_light.stops", "low_light.cast", "low_light.shot_noise", "low_light.read_noise"];
        self.exposures().validate(keys)
    }
}

impl Degradation for LowLight {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let exposure = self.exposures().sample(rng);
        let mut channel = [0, 1, 2].into_iter().cycle();
        image.map(|v| {
            let light = srgb_to_linear(v);
            linear_to_srgb(exposure.read(light, channel.next().unwrap_or(0), rng)).min(1.0)
        })
    }
}
