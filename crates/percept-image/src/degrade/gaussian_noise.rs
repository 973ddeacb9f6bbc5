//! Noise of the same strength everywhere.

use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Strength};
use crate::{Image, Rng, Srgb};

/// Adds independent Gaussian noise to every channel of every pixel (the "AWGN" of denoising papers).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianNoise {
    /// Standard deviation in 8-bit levels, 0 to 255: a number or `[lowest, highest]`. Default 25.
    pub sigma: Strength,
}

impl Default for GaussianNoise {
    fn default() -> Self {
        Self { sigma: 25.0.into() }
    }
}

impl GaussianNoise {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.sigma.check("gaussian_noise.sigma", 0.0, 255.0)
    }
}

impl Degradation for GaussianNoise {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let sigma = (self.sigma.sample(rng) / 255.0) as f32;
        image.map(|v| {
            let noise: f32 = StandardNormal.sample(rng);
            (v + sigma * noise).clamp(0.0, 1.0)
        })
    }
}
