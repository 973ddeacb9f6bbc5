//! Values as an 8-bit file holds them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level::level;
use super::{ConfigError, Degradation};
use crate::{Image, Rng, Srgb};

/// Rounds to the nearest of 256 levels, as a program does that saves between two steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quantise {}

impl Quantise {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}

impl Degradation for Quantise {
    fn apply(&self, image: Image<Srgb>, _: &mut Rng) -> Image<Srgb> {
        image.map(|v| f32::from(level(v)) / 255.0)
    }
}
