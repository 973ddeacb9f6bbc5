//! DISTS as a loss.

use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Loss, LossError, LossSettings, TrainLoss};
use crate::backbone::BackboneConfig;
use crate::distance::Dists;
use crate::weights::WeightStore;

/// Settings of `type = "dists"`: DISTS (Ding et al., TPAMI 2020), which looks through VGG16.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DistsLoss {}

impl LossSettings for DistsLoss {
    const ABOUT: &'static str = "DISTS";

    fn validate(&self) -> Result<(), String> {
        Ok(())
    }

    fn init(&self, store: &WeightStore, device: &Device) -> Result<TrainLoss, LossError> {
        Ok(TrainLoss::Images(Box::new(Dists::new(store, device)?)))
    }

    fn words(&self) -> String {
        "DISTS".to_string()
    }

    fn backbone(&self) -> Option<BackboneConfig> {
        Some(BackboneConfig::default())
    }
}

impl Loss for Dists {
    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        self.distance(result, target).mean()
    }

    fn min_side(&self) -> usize {
        Dists::min_side(self)
    }
}
