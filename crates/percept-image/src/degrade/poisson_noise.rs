//! Noise of counted photons.

use rand_distr::{Distribution, Poisson};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Strength};
use crate::{Image, Rng, Srgb};

/// Replaces every value by a Poisson count with that mean, as if so many photons had been counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PoissonNoise {
    /// Photons that make full white, 1 to 1 000 000, fewer is noisier: a number or `[lowest, highest]`. Default 100.
    pub peak: Strength,
}

impl Default for PoissonNoise {
    fn default() -> Self {
        Self { peak: 100.0.into() }
    }
}

impl PoissonNoise {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.peak.check("poisson_noise.peak", 1.0, 1e6)
    }
}

impl Degradation for PoissonNoise {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let peak = self.peak.sample(rng);
        // A mean of zero is refused by the distribution: no light, no photons.
        image.map(|v| match Poisson::new(f64::from(v.clamp(0.0, 1.0)) * peak) {
            Ok(photons) => (photons.sample(rng) / peak).min(1.0) as f32,
            Err(_) => 0.0,
        })
    }
}
