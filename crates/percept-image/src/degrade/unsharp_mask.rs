//! Edges made harder than they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kernel::{Border, Kernel, convolved};
use super::{ConfigError, Degradation};
use crate::{Image, Rng, Srgb};

/// Sharpens by an unsharp mask, as Real-ESRGAN sharpens its targets: what is above a blurred version is added again, where it is
/// more than a threshold, with soft seams. The picture is mirrored beyond its border.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UnsharpMask {
    /// How much of the difference is added, 0 to 5. Default 0.5.
    pub amount: f64,
    /// Taps of a side of the Gaussian, odd, 3 to 101. Its standard deviation is 0.15 times that and 0.35, as OpenCV has it.
    /// Default 51.
    pub size: u32,
    /// The difference above which is sharpened, in 8-bit levels, 0 to 255. Default 10.
    pub threshold: f64,
}

impl Default for UnsharpMask {
    fn default() -> Self {
        Self { amount: 0.5, size: 51, threshold: 10.0 }
    }
}

impl UnsharpMask {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first value that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        super::Strength::Fixed(self.amount).check("unsharp_mask.amount", 0.0, 5.0)?;
        super::Strength::Fixed(f64::from(self.size)).check_odd("unsharp_mask.size", 3, 101)?;
        super::Strength::Fixed(self.threshold).check("unsharp_mask.threshold", 0.0, 255.0)
    }

    /// The sharpened photo, values in `[0, 1]`.
    #[must_use]
    pub fn sharpened(&self, image: &Image<Srgb>) -> Image<Srgb> {
        let sigma = 0.15 * f64::from(self.size) + 0.35;
        let row = Kernel::row(self.size as usize, |x| (-0.5 * x * x / (sigma * sigma)).exp());
        let column = row.turned();
        let blurred = |image: &Image<Srgb>| {
            convolved(&convolved(image, &row, Border::Reflect), &column, Border::Reflect)
        };
        let mut sharp = blurred(image);
        let mut mask = sharp.clone();
        let (amount, threshold) = (self.amount as f32, (self.threshold / 255.0) as f32);
        for ((sharp, mask), value) in sharp.data_mut().iter_mut().zip(mask.data_mut()).zip(image.data()) {
            let above = value - *sharp;
            *mask = if above.abs() > threshold { 1.0 } else { 0.0 };
            *sharp = (value + amount * above).clamp(0.0, 1.0);
        }
        let mask = blurred(&mask);
        for ((sharp, mask), value) in sharp.data_mut().iter_mut().zip(mask.data()).zip(image.data()) {
            *sharp = (mask * *sharp + (1.0 - mask) * value).clamp(0.0, 1.0);
        }
        sharp
    }
}

impl Degradation for UnsharpMask {
    fn apply(&self, image: Image<Srgb>, _: &mut Rng) -> Image<Srgb> {
        self.sharpened(&image)
    }
}
