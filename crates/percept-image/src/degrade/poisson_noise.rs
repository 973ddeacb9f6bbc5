//! Noise of counted photons.

use rand::RngExt;
use rand_distr::{Distribution, Poisson};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level::level;
use super::{ConfigError, Degradation, Strength, strength};
use crate::{Image, Rng, Srgb};

/// Replaces every value by a Poisson count with that mean, as if so many photons had been counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PoissonNoise {
    /// Photons that make full white, 1 to 1 000 000, fewer is noisier: a number or `[lowest, highest]`. Default 100.
    pub peak: Strength,
    /// Whether a range of `peak` is even in its logarithm. Default false.
    pub log_peak: bool,
    /// Whether the photons of full white are instead as many as the picture has different 8-bit levels, rounded up to a power of
    /// two, as Real-ESRGAN has them. Default false.
    pub peak_of_levels: bool,
    /// Factor of the noise, 0 to 10: a number or `[lowest, highest]`. Default 1.
    pub scale: Strength,
    /// Probability, 0 to 1, that the noise is grey: that of the photo's luma, the same in all channels of a pixel. Default 0.
    pub grey_prob: f64,
}

impl Default for PoissonNoise {
    fn default() -> Self {
        Self { peak: 100.0.into(), log_peak: false, peak_of_levels: false, scale: 1.0.into(), grey_prob: 0.0 }
    }
}

impl PoissonNoise {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.peak.check("poisson_noise.peak", 1.0, 1e6)?;
        self.scale.check("poisson_noise.scale", 0.0, 10.0)?;
        strength::check_prob("poisson_noise.grey_prob", self.grey_prob)
    }

    /// The photons of full white, and a photo's 8-bit levels where these say how many.
    fn photons(&self, values: impl Iterator<Item = f32>, rng: &mut Rng) -> f64 {
        if self.peak_of_levels {
            let mut seen = [false; 256];
            values.for_each(|v| seen[usize::from(level(v))] = true);
            return seen.iter().filter(|seen| **seen).count().next_power_of_two() as f64;
        }
        match (self.log_peak, self.peak.bounds()) {
            (true, (low, high)) => low * (high / low).powf(rng.random::<f64>()),
            _ => self.peak.sample(rng),
        }
    }
}

impl Degradation for PoissonNoise {
    fn apply(&self, mut image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let grey = strength::happens(self.grey_prob, rng);
        let scale = self.scale.sample(rng);
        let luma = |pixel: &[f32]| 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
        let peak = match grey {
            true => self.photons(image.data().chunks_exact(3).map(luma), rng),
            false => self.photons(image.data().iter().copied(), rng),
        };
        let mut counter = Counter::new(peak, self.peak_of_levels);
        let noisy = |value: f32, noise: f64| (f64::from(value) + scale * noise).clamp(0.0, 1.0) as f32;
        if grey {
            for pixel in image.data_mut().chunks_exact_mut(3) {
                let noise = counter.noise(luma(pixel), rng);
                pixel.iter_mut().for_each(|v| *v = noisy(*v, noise));
            }
            return image;
        }
        image.map(|v| noisy(v, counter.noise(v, rng)))
    }
}

/// Counts photons. A distribution takes longer to set up than to draw from, so where light comes in 8-bit levels each is set up
/// once.
struct Counter {
    peak: f64,
    levels: Option<Vec<Option<Poisson<f64>>>>,
}

impl Counter {
    fn new(peak: f64, by_levels: bool) -> Self {
        // A mean of zero is refused by the distribution: no light, no photons.
        let levels = || (0..256).map(|level| Poisson::new(f64::from(level) / 255.0 * peak).ok()).collect();
        Self { peak, levels: by_levels.then(levels) }
    }

    /// What a count of the photons of `light` says more or less than it.
    fn noise(&mut self, light: f32, rng: &mut Rng) -> f64 {
        let (light, photons) = match &self.levels {
            Some(levels) => {
                let level = level(light);
                (f64::from(level) / 255.0, levels.get(usize::from(level)).copied().flatten())
            }
            None => {
                let light = f64::from(light.clamp(0.0, 1.0));
                (light, Poisson::new(light * self.peak).ok())
            }
        };
        photons.map_or(0.0, |photons| photons.sample(rng) / self.peak - light)
    }
}
