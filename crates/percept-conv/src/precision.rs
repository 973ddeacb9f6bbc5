//! What frozen layers are multiplied with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the products of a frozen layer are made of, forward and for the gradient to its input. Sums, biases, activations
/// and all that goes from layer to layer are `f32` either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `f32`.
    #[default]
    F32,
    /// bf16, an `f32` with 8 of its 24 significant bits, in 3×3 layers with stride 1 between 16 channels or more, on the CPU:
    /// where minimal filtering pays. All other layers and devices use `f32`. It means the same on every processor, and is
    /// faster on those with AVX512-BF16.
    Bf16,
}
