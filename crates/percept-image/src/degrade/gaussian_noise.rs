//! Noise of the same strength everywhere.

use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Strength, strength};
use crate::{Image, Rng, Srgb};

/// Adds independent Gaussian noise to every channel of every pixel (the "AWGN" of denoising papers), or the same to all channels
/// of a pixel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianNoise {
    /// Standard deviation in 8-bit levels, 0 to 255: a number or `[lowest, highest]`. Default 25.
    pub sigma: Strength,
    /// Probability, 0 to 1, that the noise is grey: the same in all channels of a pixel. Default 0.
    pub grey_prob: f64,
}

impl Default for GaussianNoise {
    fn default() -> Self {
        Self { sigma: 25.0.into(), grey_prob: 0.0 }
    }
}

impl GaussianNoise {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.sigma.check("gaussian_noise.sigma", 0.0, 255.0)?;
        strength::check_prob("gaussian_noise.grey_prob", self.grey_prob)
    }
}

impl Degradation for GaussianNoise {
    fn apply(&self, mut image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let sigma = (self.sigma.sample(rng) / 255.0) as f32;
        if strength::happens(self.grey_prob, rng) {
            for pixel in image.data_mut().chunks_exact_mut(3) {
                let noise: f32 = StandardNormal.sample(rng);
                pixel.iter_mut().for_each(|v| *v = (*v + sigma * noise).clamp(0.0, 1.0));
            }
            return image;
        }
        image.map(|v| {
            let noise: f32 = StandardNormal.sample(rng);
            (v + sigma * noise).clamp(0.0, 1.0)
        })
    }
}
