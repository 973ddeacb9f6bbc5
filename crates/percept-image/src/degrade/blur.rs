//! A Gaussian blur, round or elongated.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kernel::{Border, Kernel, convolved};
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
        convolved(&image, &kernel(sigma, aspect, angle), Border::Nearest).map(|v| v.clamp(0.0, 1.0))
    }
}

fn kernel(sigma: f64, aspect: f64, angle: f64) -> Kernel {
    let (sin, cos) = angle.sin_cos();
    Kernel::square(2 * (3.0 * sigma).ceil() as usize + 1, |x, y| {
        let (along, across) = ((x * cos + y * sin) / sigma, (y * cos - x * sin) / (sigma * aspect));
        (-0.5 * (along * along + across * across)).exp()
    })
}
