//! The style loss: Gram matrices of features (Gatys, Ecker, Bethge, CVPR 2016; Johnson et al., ECCV 2016).

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::features::{frozen, places, taps};
use super::{Loss, LossError, LossSettings, TrainLoss};
use crate::backbone::{Backbone, BackboneConfig};
use crate::ranges::factors;
use crate::weights::WeightStore;

/// Settings of `type = "style"`: Gram matrices of features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StyleLoss {
    /// The frozen network.
    pub backbone: BackboneConfig,
    /// Taps and their factors.
    pub layer_weights: BTreeMap<String, f64>,
}

impl Default for StyleLoss {
    fn default() -> Self {
        let layer_weights = taps(&["relu1_2", "relu2_2", "relu3_3"]);
        Self { backbone: BackboneConfig::default(), layer_weights }
    }
}

impl LossSettings for StyleLoss {
    const ABOUT: &'static str = "Gram matrices of features";

    fn validate(&self) -> Result<(), String> {
        factors(&self.layer_weights)
    }

    fn init(&self, store: &WeightStore, device: &Device) -> Result<TrainLoss, LossError> {
        let (backbone, weights) = frozen(&self.backbone, &self.layer_weights, "style", store, device)?;
        Ok(TrainLoss::Images(Box::new(Grams { backbone, weights })))
    }

    fn words(&self) -> String {
        format!("style {}", places(&self.backbone, &self.layer_weights))
    }

    fn backbone(&self) -> Option<BackboneConfig> {
        Some(self.backbone.clone())
    }

    fn backbone_mut(&mut self) -> Option<&mut BackboneConfig> {
        Some(&mut self.backbone)
    }
}

/// `Σ_l λ_l · mean (Gram_l(ŷ) − Gram_l(y))²` with `Gram = φᵀφ / (C·H·W)`.
struct Grams {
    backbone: Box<dyn Backbone>,
    /// In the order of the backbone's taps.
    weights: Vec<f64>,
}

impl Loss for Grams {
    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        let device = result.device();
        let result = self.backbone.features(result);
        let target = self.backbone.features(target.detach());
        let taps = result.into_iter().zip(target).zip(&self.weights);
        let terms = taps.map(|((result, target), lambda)| {
            (gram(result) - gram(target)).square().mean().mul_scalar(*lambda)
        });
        terms.reduce(|sum, term| sum + term).unwrap_or_else(|| Tensor::zeros([1], &device))
    }

    fn min_side(&self) -> usize {
        self.backbone.min_side()
    }
}

/// `[N, H, W, C]` → `[N, C, C]`.
fn gram(features: Tensor<4>) -> Tensor<3> {
    let [n, h, w, c] = features.dims();
    let flat = features.reshape([n, h * w, c]);
    flat.clone().swap_dims(1, 2).matmul(flat).div_scalar((c * h * w) as f64)
}
