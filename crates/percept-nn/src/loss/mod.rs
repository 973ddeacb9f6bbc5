//! Losses by the name they have in a config.
//!
//! `pixel_opt`, `perceptual_opt` and `style_opt` are summed with their weights. The perceptual losses
//! `feature` and `contextual` can carry a selection ([`crate::disentangle`]).

mod config;
mod pixel;
mod style;

pub use config::{
    ContextualOpt, DistsOpt, FeatureOpt, LossError, LpipsNet, LpipsOpt, PerceptualLoss, PerceptualOpt,
    PixelOpt, PixelType, StyleOpt,
};
pub use pixel::PixelLoss;
pub use style::StyleLoss;

use burn::tensor::Tensor;

use crate::distance::{Dists, Lpips};

/// A loss of two images alone.
pub trait Loss: Send + Sync {
    /// Name as in the config.
    fn name(&self) -> &str;
    /// The loss of `result` towards `target` (both `[N, H, W, 3]`, sRGB in `[0, 1]`), unweighted, `[1]`.
    /// Gradient flows to `result`.
    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1>;

    /// The shortest side of images that it can compare.
    fn min_side(&self) -> usize {
        1
    }
}

impl Loss for Lpips {
    fn name(&self) -> &str {
        "lpips"
    }

    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        self.distance(result, target).mean()
    }

    fn min_side(&self) -> usize {
        Lpips::min_side(self)
    }
}

impl Loss for Dists {
    fn name(&self) -> &str {
        "dists"
    }

    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        self.distance(result, target).mean()
    }

    fn min_side(&self) -> usize {
        Dists::min_side(self)
    }
}
