//! The table of degradations: from a configuration's `type` to the degradation of that name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Degradation, Downscale, GaussianBlur, GaussianNoise, Jpeg, LowLight, PoissonNoise, Rain};

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

/// Everything that is made of the table: a line is what a degradation does, and its type.
macro_rules! degradations {
    ($($(#[$about:meta])* $kind:ident)*) => {
        /// One table of a list of degradations; `type` says which kind.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum DegradationConfig {
            $($(#[$about])* $kind($kind),)*
        }

        impl DegradationConfig {
            /// Checks every value.
            ///
            /// # Errors
            /// Names the first value that is out of range.
            pub fn validate(&self) -> Result<(), ConfigError> {
                match self {
                    $(Self::$kind(degradation) => degradation.validate(),)*
                }
            }

            /// The degradation, its values checked.
            ///
            /// # Errors
            /// As [`DegradationConfig::validate`].
            pub fn init(&self) -> Result<Box<dyn Degradation>, ConfigError> {
                self.validate()?;
                Ok(match self.clone() {
                    $(Self::$kind(degradation) => Box::new(degradation),)*
                })
            }
        }
    };
}

degradations! {
    /// Fewer pixels.
    Downscale
    /// A Gaussian blur, round or elongated.
    GaussianBlur
    /// Noise of the same strength everywhere.
    GaussianNoise
    /// Noise of counted photons: stronger where it is brighter.
    PoissonNoise
    /// JPEG compression.
    Jpeg
    /// An exposure that is too short: dark, tinted and noisy.
    LowLight
    /// Streaks of rain and their veil.
    Rain
}
