//! How two values are compared, pixels or features.

use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ranges::within;

/// Settings of `type = "l1"`: mean absolute difference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct L1Loss {}

/// Settings of `type = "mse"`: mean squared difference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MseLoss {}

/// Settings of `type = "charbonnier"`: `√(d² + eps²)`, a smooth L1 (Charbonnier et al., ICIP 1994; Lai et al., CVPR 2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CharbonnierLoss {
    /// Epsilon, in units of what is compared, 1e-6 to 1. Default 1e-3.
    pub eps: f64,
}

impl Default for CharbonnierLoss {
    fn default() -> Self {
        Self { eps: 1e-3 }
    }
}

/// Settings of `type = "huber"`: `d²/2` up to `delta`, beyond it `delta·(|d| − delta/2)` (Huber, 1964).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HuberLoss {
    /// Where squares end, in units of what is compared, 1e-6 to 1e6. Default 1, which pixels never reach.
    pub delta: f64,
}

impl Default for HuberLoss {
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}

/// How two values are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Criterion {
    /// Squared difference.
    Mse(MseLoss),
    /// Absolute difference.
    L1(L1Loss),
    /// `√(d² + eps²)`.
    Charbonnier(CharbonnierLoss),
    /// Squares of small differences, the size of large ones.
    Huber(HuberLoss),
}

impl Default for Criterion {
    fn default() -> Self {
        Self::Mse(MseLoss {})
    }
}

impl Criterion {
    /// Checks every range.
    ///
    /// # Errors
    /// A sentence that names the first key whose value is outside of its range, and the range.
    pub fn validate(&self) -> Result<(), String> {
        match self {
            Self::Mse(_) | Self::L1(_) => Ok(()),
            Self::Charbonnier(CharbonnierLoss { eps }) => within("eps", *eps, 1e-6, 1.0),
            Self::Huber(HuberLoss { delta }) => within("delta", *delta, 1e-6, 1e6),
        }
    }

    /// Differences, one by one, made into losses; any shape.
    pub fn of<const D: usize>(&self, difference: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Mse(_) => difference.square(),
            Self::L1(_) => difference.abs(),
            // The epsilon sits inside the root: the gradient at equal images is 0, not NaN.
            Self::Charbonnier(CharbonnierLoss { eps }) => difference.square().add_scalar(eps * eps).sqrt(),
            Self::Huber(HuberLoss { delta }) => {
                let size = difference.abs();
                let small = size.clone().clamp_max(*delta);
                // d²/2 up to delta; beyond, small stays at delta and the rest grows with |d|.
                small.clone().square().mul_scalar(0.5) + (size - small).mul_scalar(*delta)
            }
        }
    }

    /// `L1`, as words of a page have it.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Mse(_) => "mean squared error",
            Self::L1(_) => "L1",
            Self::Charbonnier(_) => "Charbonnier",
            Self::Huber(_) => "Huber",
        }
    }

    /// What criteria of values whose mean square is `energy`, `[1]`, are divided by so that they have no unit.
    pub(crate) fn scale(&self, energy: Tensor<1>) -> Tensor<1> {
        match self {
            Self::Mse(_) => energy,
            Self::L1(_) | Self::Charbonnier(_) | Self::Huber(_) => energy.sqrt(),
        }
    }
}
