//! From a configuration's `type` to the degradation of that name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Degradation, Downscale, GaussianBlur, GaussianNoise, Jpeg, LowLight, PoissonNoise, Rain};

/// One table of a list of degradations; `type` says which kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DegradationConfig {
    /// Fewer pixels.
    Downscale(Downscale),
    /// A Gaussian blur, round or elongated.
    GaussianBlur(GaussianBlur),
    /// Noise of the same strength everywhere.
    GaussianNoise(GaussianNoise),
    /// Noise of counted photons: stronger where it is brighter.
    PoissonNoise(PoissonNoise),
    /// JPEG compression.
    Jpeg(Jpeg),
    /// An exposure that is too short: dark, tinted and noisy.
    LowLight(LowLight),
    /// Streaks of rain and their veil.
    Rain(Rain),
}

/// A value of a degradation's table that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} = {got}: expected {expected}")]
pub struct ConfigError {
    /// The kind and the key, `gaussian_noise.sigma`.
    pub field: &'static str,
    /// The value.
    pub got: String,
    /// What would do.
    pub expected: String,
}

impl DegradationConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first value that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::Downscale(d) => d.validate(),
            Self::GaussianBlur(d) => d.validate(),
            Self::GaussianNoise(d) => d.validate(),
            Self::PoissonNoise(d) => d.validate(),
            Self::Jpeg(d) => d.validate(),
            Self::LowLight(d) => d.validate(),
            Self::Rain(d) => d.validate(),
        }
    }

    /// The degradation, its values checked.
    ///
    /// # Errors
    /// As [`DegradationConfig::validate`].
    pub fn init(&self) -> Result<Box<dyn Degradation>, ConfigError> {
        self.validate()?;
        Ok(match self.clone() {
            Self::Downscale(d) => Box::new(d),
            Self::GaussianBlur(d) => Box::new(d),
            Self::GaussianNoise(d) => Box::new(d),
            Self::PoissonNoise(d) => Box::new(d),
            Self::Jpeg(d) => Box::new(d),
            Self::LowLight(d) => Box::new(d),
            Self::Rain(d) => Box::new(d),
        })
    }
}
