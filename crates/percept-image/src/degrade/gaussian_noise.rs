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
    /// Keep what becomes darker than black or brighter than white at black and white, as a file does. Papers on denoising do not:
    /// a network that is judged by their protocol is trained with `false`. Then a network's input that reaches beyond the two is not
    /// rounded to 8 bits either, unless a later step does it. Default true.
    pub clip: bool,
}

impl Default for GaussianNoise {
    fn default() -> Self {
        Self { sigma: 25.0.into(), grey_prob: 0.0, clip: true }
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
        let spread = if strength::happens(self.grey_prob, rng) { 3 } else { 1 };
        for values in image.data_mut().chunks_exact_mut(spread) {
            let noise: f32 = StandardNormal.sample(rng);
            for value in values {
                *value += sigma * noise;
                if self.clip {
                    *value = value.clamp(0.0, 1.0);
                }
            }
        }
        image
    }
}
