//! What a camera's sensor does to linear light: too little of it, tinted, counted and read with noise.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::{ConfigError, Strength};
use crate::Rng;

/// An exposure, drawn once an image.
pub(super) struct Exposure {
    /// Factor of R, G and B.
    pub gains: [f32; 3],
    shot: f32,
    read: f32,
}

/// Where an exposure is drawn from; the field that a complaint names is built by the caller's prefix.
pub(super) struct ExposureRange {
    pub stops: Strength,
    pub cast: f64,
    pub shot_noise: Strength,
    pub read_noise: Strength,
}

impl ExposureRange {
    /// Checks with the four keys as the user wrote them: stops, cast, shot noise, read noise.
    pub fn validate(&self, keys: [&'static str; 4]) -> Result<(), ConfigError> {
        self.stops.check(keys[0], 0.0, 16.0)?;
        Strength::Fixed(self.cast).check(keys[1], 0.0, 4.0)?;
        self.shot_noise.check(keys[2], 0.0, 1.0)?;
        self.read_noise.check(keys[3], 0.0, 1.0)
    }

    pub fn sample(&self, rng: &mut Rng) -> Exposure {
        let stops = self.stops.sample(rng);
        let mut tint = || self.cast * (2.0 * rng.random::<f64>() - 1.0);
        let (red, blue) = (tint(), tint());
        let gain = |tint: f64| (tint - stops).exp2() as f32;
        Exposure {
            gains: [gain(red), gain(0.0), gain(blue)],
            shot: self.shot_noise.sample(rng) as f32,
            read: self.read_noise.sample(rng) as f32,
        }
    }
}

impl Exposure {
    /// The sensor's reading, in `[0, 1]`, for linear light `light` that falls through the filter of `channel`.
    ///
    /// The variance is `shot · signal + read²`, Gaussian: the usual model of sensor noise (Foi et al.,
    /// *Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data*, 2008).
    pub fn read(&self, light: f32, channel: usize, rng: &mut Rng) -> f32 {
        let signal = light.max(0.0) * self.gains[channel];
        let noise: f32 = StandardNormal.sample(rng);
        (signal + noise * (self.shot * signal + self.read * self.read).sqrt()).clamp(0.0, 1.0)
    }
}
