//! Noise that is not the same in all colours, and not independent in them either.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Strength};
use crate::{Image, Rng, Srgb};

/// Adds Gaussian noise whose covariance between R, G and B is drawn for every image: three variances from nothing to that of
/// `sigma`, along three directions at right angles (Zhang et al., *Designing a practical degradation model for deep blind image
/// super-resolution*, 2021, section 3.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CorrelatedNoise {
    /// Largest standard deviation along a direction in 8-bit levels, 0 to 255: a number or `[lowest, highest]`. Default 25.
    pub sigma: Strength,
}

impl Default for CorrelatedNoise {
    fn default() -> Self {
        Self { sigma: 25.0.into() }
    }
}

impl CorrelatedNoise {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.sigma.check("correlated_noise.sigma", 0.0, 255.0)
    }
}

impl Degradation for CorrelatedNoise {
    fn apply(&self, mut image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let sigma = self.sigma.sample(rng) / 255.0;
        let axes = directions(rng);
        let mixing = axes.map(|axis| {
            let deviation = sigma * rng.random::<f64>().sqrt();
            axis.map(|v| (v * deviation) as f32)
        });
        for pixel in image.data_mut().chunks_exact_mut(3) {
            for axis in &mixing {
                let noise: f32 = StandardNormal.sample(rng);
                pixel.iter_mut().zip(axis).for_each(|(v, along)| *v += along * noise);
            }
            pixel.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
        }
        image
    }
}

/// Three directions at right angles, even over all rotations: from a quaternion of four normal numbers.
fn directions(rng: &mut Rng) -> [[f64; 3]; 3] {
    let q: [f64; 4] = std::array::from_fn(|_| StandardNormal.sample(rng));
    let length = q.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-12);
    let [w, x, y, z] = q.map(|v| v / length);
    [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
        [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
        [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
    ]
}
