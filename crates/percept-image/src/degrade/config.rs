//! The table of degradations: from a configuration's `type` to the degradation of that name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    CorrelatedNoise, Degradation, Downscale, GaussianBlur, GaussianNoise, Jpeg, KernelBlur, LowLight, OneOf,
    PoissonNoise, Quantise, Rain, Repeat, Resize, Sequence, Shuffle, SincBlur, UnsharpMask, WebP,
};
use crate::{Image, Rng, Srgb};

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

impl ConfigError {
    pub(super) fn new(field: &'static str, got: impl std::fmt::Display, expected: impl Into<String>) -> Self {
        Self { field, got: got.to_string(), expected: expected.into() }
    }
}

/// Everything that is made of the table: a line is what a degradation does, and its type.
macro_rules! degradations {
    ($($(#[$about:meta])* $name:literal $kind:ident)*) => {
        /// One table of a list of degradations; `type` says which kind.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type")]
        pub enum DegradationConfig {
            $($(#[$about])* #[serde(rename = $name)] $kind($kind),)*
        }

        impl DegradationConfig {
            /// The names of all kinds.
            pub const NAMES: &[&str] = &[$($name),*];

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

        impl Degradation for DegradationConfig {
            fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
                match self {
                    $(Self::$kind(degradation) => degradation.apply(image, rng),)*
                }
            }

            fn apply_within(&self, image: Image<Srgb>, photo: (usize, usize), rng: &mut Rng) -> Image<Srgb> {
                match self {
                    $(Self::$kind(degradation) => degradation.apply_within(image, photo, rng),)*
                }
            }

            fn growth(&self) -> f64 {
                match self {
                    $(Self::$kind(degradation) => degradation.growth(),)*
                }
            }
        }
    };
}

degradations! {
    /// Fewer pixels.
    "downscale" Downscale
    /// More or fewer pixels by a factor that is drawn, with one of several filters.
    "resize" Resize
    /// A Gaussian blur, round or elongated.
    "gaussian_blur" GaussianBlur
    /// A blur by a kernel of a stated size: Gaussian, generalised or plateau, round or elongated.
    "kernel_blur" KernelBlur
    /// A low-pass filter that leaves rings.
    "sinc_blur" SincBlur
    /// An unsharp mask: harder edges.
    "unsharp_mask" UnsharpMask
    /// Noise of the same strength everywhere.
    "gaussian_noise" GaussianNoise
    /// Gaussian noise that is correlated between colours.
    "correlated_noise" CorrelatedNoise
    /// Noise of counted photons: stronger where it is brighter.
    "poisson_noise" PoissonNoise
    /// Values rounded to 8 bits.
    "quantise" Quantise
    /// JPEG compression.
    "jpeg" Jpeg
    /// WebP compression.
    "webp" WebP
    /// An exposure that is too short: dark, tinted and noisy.
    "low_light" LowLight
    /// Streaks of rain and their veil.
    "rain" Rain
    /// One of several steps.
    "one_of" OneOf
    /// Several steps in any order.
    "shuffle" Shuffle
    /// Several steps, several times over.
    "repeat" Repeat
    /// Several steps in their order.
    "sequence" Sequence
}
