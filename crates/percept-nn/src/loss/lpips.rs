//! LPIPS as a loss.

use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::features::shown;
use super::{Loss, LossError, LossSettings, TrainLoss};
use crate::backbone::{BackboneConfig, BackboneKind};
use crate::distance::Lpips;
use crate::weights::WeightStore;

/// The trunk that LPIPS looks through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LpipsNet {
    /// AlexNet, the usual choice for scores.
    Alex,
    /// VGG16, the usual choice for training.
    #[default]
    Vgg,
}

/// Settings of `type = "lpips"`: LPIPS v0.1 (Zhang et al., CVPR 2018).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LpipsLoss {
    /// `vgg` (default) or `alex`.
    pub net: LpipsNet,
}

impl LossSettings for LpipsLoss {
    const ABOUT: &'static str = "LPIPS v0.1";

    fn validate(&self) -> Result<(), String> {
        Ok(())
    }

    fn init(&self, store: &WeightStore, device: &Device) -> Result<TrainLoss, LossError> {
        let lpips = match self.net {
            LpipsNet::Alex => Lpips::alex(store, device)?,
            LpipsNet::Vgg => Lpips::vgg(store, device)?,
        };
        Ok(TrainLoss::Images(Box::new(lpips)))
    }

    fn words(&self) -> String {
        format!("LPIPS ({})", shown(&self.net))
    }

    fn backbone(&self) -> Option<BackboneConfig> {
        let kind = match self.net {
            LpipsNet::Alex => BackboneKind::Alexnet,
            LpipsNet::Vgg => BackboneKind::Vgg16,
        };
        Some(BackboneConfig { kind, ..BackboneConfig::default() })
    }
}

impl Loss for Lpips {
    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        self.distance(result, target).mean()
    }

    fn min_side(&self) -> usize {
        Lpips::min_side(self)
    }
}
