//! A Gaussian blur, round or elongated.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Strength};
use crate::{Image, Rng, Srgb};

/// Blurs with an anisotropic Gaussian. Pixels beyond the border repeat the nearest one.
///
/// The kernel is cut off at three standard deviations and normalised; it works on the encoded values, as
/// restoration papers do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianBlur {
    /// Standard deviation along the long axis in pixels, 0 to 20: a number or `[lowest, highest]`. Default `[0.5, 3]`.
    pub sigma: Strength,
    /// Short axis divided by long axis, 0.05 to 1 (round): a number or `[lowest, highest]`. Default `[0.4, 1]`.
    pub aspect: Strength,
    /// Direction of the long axis in degrees, counted clockwise on the screen from "to the right", −360 to 360:
    /// a number or `[lowest, highest]`. Default `[0, 180]`.
    pub angle: Strength,
}

impl Default for GaussianBlur {
    fn default() -> Self {
        Self { sigma: [0.5, 3.0].into(), aspect: [0.4, 1.0].into(), angle: [0.0, 180.0].into() }
    }
}

impl GaussianBlur {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.sigma.check("gaussian_blur.sigma", 0.0, 20.0)?;
        self.aspect.check("gaussian_blur.aspect", 0.05, 1.0)?;
        self.angle.check("gaussian_blur.angle", -360.0, 360.0)
    }
}

impl Degradation for GaussianBlur {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let sigma = self.sigma.sample(rng);
        let aspect = self.aspect.sample(rng);
        let angle = self.angle.sample(rng).to_radians();
        // Narrower than this, a Gaussian has all its weight on the central pixel.
        if sigma < 0.05 || image.data().is_empty() {
            return image;
        }
        convolved(&image, &kernel(sigma, aspect, angle))
    }
}

/// A square kernel of `2 · radius + 1` taps a side, rows from the top, sum 1.
struct Kernel {
    radius: usize,
    weights: Vec<f32>,
}

fn kernel(sigma: f64, aspect: f64, angle: f64) -> Kernel {
    let radius = (3.0 * sigma).ceil() as usize;
    let (sin, cos) = angle.sin_cos();
    let axis = |v: usize| v as f64 - radius as f64;
    let side = 2 * radius + 1;
    let weights: Vec<f64> = (0..side * side)
        .map(|i| {
            let (x, y) = (axis(i % side), axis(i / side));
            let (along, across) = ((x * cos + y * sin) / sigma, (y * cos - x * sin) / (sigma * aspect));
            (-0.5 * (along * along + across * across)).exp()
        })
        .collect();
    let sum: f64 = weights.iter().sum();
    Kernel { radius, weights: weights.iter().map(|w| (w / sum) as f32).collect() }
}

fn convolved(image: &Image<Srgb>, kernel: &Kernel) -> Image<Srgb> {
    let (width, height) = image.size();
    let (radius, side) = (kernel.radius, 2 * kernel.radius + 1);
    // Rows padded left and right once, so that every tap is a plain weighted sum of whole rows.
    let pitch = (width + 2 * radius) * 3;
    let mut padded = Vec::with_capacity(pitch * height);
    for y in 0..height {
        for x in 0..width + 2 * radius {
            padded.extend_from_slice(image.pixel(x.saturating_sub(radius).min(width - 1), y));
        }
    }
    let mut data = vec![0.0_f32; width * height * 3];
    data.par_chunks_exact_mut(width * 3).enumerate().for_each(|(y, row)| {
        for (dy, weights) in kernel.weights.chunks_exact(side).enumerate() {
            let from = (y + dy).saturating_sub(radius).min(height - 1);
            for (dx, weight) in weights.iter().enumerate() {
                let source = &padded[from * pitch + dx * 3..][..width * 3];
                row.iter_mut().zip(source).for_each(|(o, v)| *o += weight * v);
            }
        }
        row.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
    });
    Image::from_parts(width, height, data)
}
