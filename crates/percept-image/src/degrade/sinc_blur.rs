//! A cut of all that is finer than a frequency, with the rings that it leaves.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kernel::{Border, Kernel, convolved};
use super::{ConfigError, Degradation, Strength};
use crate::{Image, Rng, Srgb};

/// Blurs with an ideal circular low-pass filter, cut off at the kernel's edge: ringing and overshoot as sharpening and
/// compression leave them (Wang et al., *Real-ESRGAN*, 2021, section 3.3). The picture is mirrored beyond its border.
///
/// A tap at distance `r` weighs `ω J₁(ω r) / 2π r`, all of them together 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SincBlur {
    /// Taps of a side, 3 to 51: an odd number, or `[lowest, highest]` to draw one of the odd numbers. Default `[7, 21]`.
    pub size: Strength,
    /// The frequency `ω`, 0.05 to 1 of the finest that pixels can show: a number or `[lowest, highest]`. Default `[0.3333, 1]`.
    pub cutoff: Strength,
}

impl Default for SincBlur {
    fn default() -> Self {
        Self { size: [7.0, 21.0].into(), cutoff: [0.3333, 1.0].into() }
    }
}

impl SincBlur {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.size.check_odd("sinc_blur.size", 3, 51)?;
        self.cutoff.check("sinc_blur.cutoff", 0.05, 1.0)
    }
}

impl Degradation for SincBlur {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let side = self.size.sample_odd(rng);
        let omega = PI * self.cutoff.sample(rng);
        let kernel = Kernel::square(side, |x, y| match x.hypot(y) {
            0.0 => omega * omega / (4.0 * PI),
            r => omega * libm::j1(omega * r) / (2.0 * PI * r),
        });
        convolved(&image, &kernel, Border::Reflect).map(|v| v.clamp(0.0, 1.0))
    }
}
