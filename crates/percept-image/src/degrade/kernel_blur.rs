//! A blur by a kernel of a stated size and shape.

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kernel::{Border, Kernel, convolved};
use super::{ConfigError, Degradation, Strength};
use crate::{Image, Rng, Srgb};

/// Blurs with a Gaussian, generalised Gaussian or plateau-shaped kernel, round or elongated (Wang et al., *Real-ESRGAN*, 2021,
/// section 3.1). The picture is mirrored beyond its border.
///
/// With `q` the squared distance from the centre in standard deviations, `xᵀ Σ⁻¹ x`, a tap weighs `exp(−q/2)`,
/// `exp(−q^β/2)` or `1/(1 + q^β)`; all of them together weigh 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KernelBlur {
    /// Shape: `gaussian`, `generalised` (flat or peaked, by `beta`) or `plateau`. Default `gaussian`.
    pub shape: Shape,
    /// Taps of a side, 3 to 51: an odd number, or `[lowest, highest]` to draw one of the odd numbers. Default `[7, 21]`.
    pub size: Strength,
    /// Standard deviation in pixels, 0 to 20: a number or `[lowest, highest]`. Default `[0.2, 3]`.
    pub sigma: Strength,
    /// Whether the standard deviation is drawn so that its square is even in its range. Default false.
    pub even_variance: bool,
    /// Whether it is the same in all directions. Otherwise a second one is drawn for the other axis. Default true.
    pub round: bool,
    /// Direction of the first axis in degrees, counted clockwise on the screen from "to the right", −360 to 360:
    /// a number or `[lowest, highest]`. Default `[-180, 180]`.
    pub angle: Strength,
    /// Exponent of `generalised` and `plateau`, 0.1 to 10: a number or `[lowest, highest]`. Default `[0.5, 4]`.
    pub beta: Strength,
}

/// How a kernel falls off from its centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// `exp(−q/2)`.
    #[default]
    Gaussian,
    /// `exp(−q^β/2)`: flatter than a Gaussian and steeper at its edge above 1, peaked below.
    Generalised,
    /// `1/(1 + q^β)`.
    Plateau,
}

impl Default for KernelBlur {
    fn default() -> Self {
        Self {
            shape: Shape::Gaussian,
            size: [7.0, 21.0].into(),
            sigma: [0.2, 3.0].into(),
            even_variance: false,
            round: true,
            angle: [-180.0, 180.0].into(),
            beta: [0.5, 4.0].into(),
        }
    }
}

impl KernelBlur {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.size.check_odd("kernel_blur.size", 3, 51)?;
        self.sigma.check("kernel_blur.sigma", 0.0, 20.0)?;
        self.angle.check("kernel_blur.angle", -360.0, 360.0)?;
        self.beta.check("kernel_blur.beta", 0.1, 10.0)
    }

    /// A standard deviation. Narrower than the least, a Gaussian has all its weight on the central pixel.
    fn width(&self, rng: &mut Rng) -> f64 {
        let drawn = match self.even_variance {
            true => {
                let (low, high) = self.sigma.bounds();
                (low * low + (high * high - low * low) * rng.random::<f64>()).sqrt()
            }
            false => self.sigma.sample(rng),
        };
        drawn.max(0.05)
    }
}

impl Degradation for KernelBlur {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let side = self.size.sample_odd(rng);
        let sigma = self.width(rng);
        let clamped = |image: Image<Srgb>| image.map(|v| v.clamp(0.0, 1.0));
        if self.round && self.shape == Shape::Gaussian {
            // The one shape that is a product of a row and a column.
            let row = Kernel::row(side, |x| (-0.5 * x * x / (sigma * sigma)).exp());
            let across = convolved(&image, &row, Border::Reflect);
            return clamped(convolved(&across, &row.turned(), Border::Reflect));
        }
        let (other, angle) = match self.round {
            true => (sigma, 0.0),
            false => (self.width(rng), self.angle.sample(rng).to_radians()),
        };
        let beta = if self.shape == Shape::Gaussian { 1.0 } else { self.beta.sample(rng) };
        let (sin, cos) = angle.sin_cos();
        let kernel = Kernel::square(side, |x, y| {
            let (along, across) = ((x * cos + y * sin) / sigma, (y * cos - x * sin) / other);
            let q = (along * along + across * across).powf(beta);
            match self.shape {
                Shape::Plateau => 1.0 / (1.0 + q),
                _ => (-0.5 * q).exp(),
            }
        });
        clamped(convolved(&image, &kernel.trimmed(), Border::Reflect))
    }
}
