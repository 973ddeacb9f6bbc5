//! The style loss: Gram matrices of features (Gatys, Ecker, Bethge, CVPR 2016; Johnson et al., ECCV 2016).

use burn::tensor::Tensor;

use super::Loss;
use crate::backbone::Backbone;

/// `Σ_l λ_l · mean (Gram_l(ŷ) − Gram_l(y))²` with `Gram = φᵀφ / (C·H·W)`.
pub struct StyleLoss {
    backbone: Box<dyn Backbone>,
    layer_weights: Vec<f64>,
}

impl StyleLoss {
    /// A style loss over `backbone`'s taps; `layer_weights` are in their order.
    pub fn new(backbone: Box<dyn Backbone>, layer_weights: Vec<f64>) -> Self {
        Self { backbone, layer_weights }
    }
}

impl Loss for StyleLoss {
    fn name(&self) -> &str {
        "style"
    }

    fn min_side(&self) -> usize {
        self.backbone.min_side()
    }

    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        let device = result.device();
        let result = self.backbone.features(result);
        let target = self.backbone.features(target.detach());
        let taps = result.into_iter().zip(target).zip(&self.layer_weights);
        let terms = taps.map(|((result, target), lambda)| {
            (gram(result) - gram(target)).square().mean().mul_scalar(*lambda)
        });
        terms.reduce(|sum, term| sum + term).unwrap_or_else(|| Tensor::zeros([1], &device))
    }
}

/// `[N, H, W, C]` → `[N, C, C]`.
fn gram(features: Tensor<4>) -> Tensor<3> {
    let [n, h, w, c] = features.dims();
    let flat = features.reshape([n, h * w, c]);
    flat.clone().swap_dims(1, 2).matmul(flat).div_scalar((c * h * w) as f64)
}
