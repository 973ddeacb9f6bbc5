//! Losses that compare pixel by pixel.

use burn::tensor::Tensor;

use super::{Loss, PixelOpt, PixelType};

/// `l1`, `mse` or `charbonnier`, averaged over all values.
#[derive(Clone, Debug)]
pub struct PixelLoss {
    kind: PixelType,
    eps: f64,
}

impl PixelLoss {
    /// The loss that `config` names.
    pub fn new(config: &PixelOpt) -> Self {
        Self { kind: config.kind, eps: config.eps }
    }
}

impl Loss for PixelLoss {
    fn name(&self) -> &str {
        match self.kind {
            PixelType::L1 => "l1",
            PixelType::Mse => "mse",
            PixelType::Charbonnier => "charbonnier",
        }
    }

    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        let difference = result - target.detach();
        match self.kind {
            PixelType::L1 => difference.abs().mean(),
            PixelType::Mse => difference.square().mean(),
            // The epsilon sits inside the root: the gradient at equal images is 0, not NaN.
            PixelType::Charbonnier => difference.square().add_scalar(self.eps * self.eps).sqrt().mean(),
        }
    }
}
