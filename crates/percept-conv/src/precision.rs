//! What layers are multiplied with.

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::Level;

/// What the products of a convolution are made of, forward and for its gradients. Sums, biases, activations and all that goes
/// from layer to layer are `f32` either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `f32`.
    #[default]
    F32,
    /// bf16, an `f32` with 8 of its 24 significant bits, between 16 channels or more, on CPUs that multiply it (AVX512-BF16).
    /// All other layers, processors and devices use `f32`: rounding by hand would take longer than it saves.
    ///
    /// NaN and infinities are what they are in `f32`; what is smaller than the least normal number (2⁻¹²⁶) counts as 0 in
    /// products and sums. Where 3×3 layers are computed by minimal filtering, transformed numbers are rounded and not the
    /// pixels and weights themselves, which loses a few times more.
    Bf16,
}

impl Precision {
    /// All of them.
    pub const ALL: &[Self] = &[Self::F32, Self::Bf16];

    /// As in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::F32 => "Exact to 24 bits, on every processor",
            Self::Bf16 => "Faster and exact to 8 bits, on processors with AVX512-BF16",
        }
    }

    /// What `device` multiplies with where this is asked for.
    pub fn on(self, device: &Device) -> Self {
        let cpu = Device::flex();
        if *device == cpu || *device == cpu.autodiff() { self.on_cpu() } else { Self::F32 }
    }

    /// What to tell whoever asks for a precision that `device` does not have; then `f32` is used.
    pub fn lacking(self, device: &Device) -> Option<&'static str> {
        (self != self.on(device)).then_some(
            "products are f32: bf16 needs a CPU with AVX512-BF16, which is not what is computed on here",
        )
    }

    /// What this processor multiplies with where this is asked for.
    pub fn on_cpu(self) -> Self {
        if Level::current().multiplies_bf16() { self } else { Self::F32 }
    }
}

#[cfg(test)]
mod tests {
    use super::Precision::{Bf16, F32};
    use burn::tensor::Device;

    #[test]
    fn f32_is_never_lacking_and_bf16_is_where_it_is_not_used() {
        for device in [Device::flex(), Device::flex().autodiff()] {
            assert_eq!((F32.on(&device), F32.lacking(&device)), (F32, None));
            assert_eq!(Bf16.on(&device), Bf16.on_cpu());
            assert_eq!(Bf16.lacking(&device).is_some(), Bf16.on_cpu() == F32);
        }
    }
}
