//! What layers are multiplied with.

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
    /// What this processor multiplies with where this is asked for.
    pub fn on_cpu(self) -> Self {
        if Level::current().multiplies_bf16() { self } else { Self::F32 }
    }
}
