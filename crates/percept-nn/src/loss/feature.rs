//! Distance of features, position by position (Johnson, Alahi, Fei-Fei, ECCV 2016), optionally in a selected space.

use std::collections::BTreeMap;

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::features::{
    frozen, in_selected_space, is_true, places, selected, space, taps, validate, weighted_by_channel,
};
use super::{LossError, LossSettings, TrainLoss};
use crate::backbone::BackboneConfig;
use crate::disentangle::{FeatureDistance, SelectionConfig};
use crate::distance::{ChannelDistance, Criterion};
use crate::weights::WeightStore;

/// Settings of `type = "feature"`: the distance of features (the paper's equation 1), optionally in a selected space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureLoss {
    /// The frozen network.
    pub backbone: BackboneConfig,
    /// Taps and their factors. `conv3_4` is read before its ReLU, `relu3_4` behind it.
    pub layer_weights: BTreeMap<String, f64>,
    /// How features are compared: `mse` (default), `l1`, `charbonnier` or `huber`.
    #[serde(skip_serializing_if = "is_default")]
    pub criterion: Criterion,
    /// Whether each tap is divided by the running mean square of its target's features (`mse`), or its root (the others), so
    /// that no tap drowns another. Default true; false is the perceptual loss of BasicSR and its kin.
    #[serde(skip_serializing_if = "is_true")]
    pub normalize: bool,
    /// Feature selection; left out, this is the plain perceptual loss. Measured alone in trainings of up to 1000 steps (docs/evidence):
    /// `type = "closed"` won by `score = { type = "systematic" }` on super-resolution and by the literal score on blur, nearly any helped on low
    /// light, and nothing clear is shown with noise, rain or JPEG: leave it out there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({}))]
    pub selection: Option<SelectionConfig>,
}

fn is_default(criterion: &Criterion) -> bool {
    *criterion == Criterion::default()
}

impl Default for FeatureLoss {
    fn default() -> Self {
        Self {
            backbone: BackboneConfig::default(),
            layer_weights: taps(&["relu1_2", "relu2_2", "relu3_3"]),
            criterion: Criterion::default(),
            normalize: true,
            selection: None,
        }
    }
}

impl LossSettings for FeatureLoss {
    const ABOUT: &'static str = "Distance of features, position by position; can carry a selection";

    fn validate(&self) -> Result<(), String> {
        self.criterion.validate().map_err(|problem| format!("criterion.{problem}"))?;
        if !matches!(self.criterion, Criterion::Mse(_)) {
            weighted_by_channel(self.selection())?;
        }
        validate(&self.layer_weights, self.selection())
    }

    fn init(&self, store: &WeightStore, device: &Device) -> Result<TrainLoss, LossError> {
        let frozen = frozen(&self.backbone, &self.layer_weights, "feature", store, device)?;
        let distance = ChannelDistance::Positions(self.criterion.clone());
        let distance = FeatureDistance::Channels { distance, normalize: self.normalize };
        Ok(TrainLoss::Space(space(frozen, distance, self.selection(), store, device)?))
    }

    fn words(&self) -> String {
        let criterion = match &self.criterion {
            Criterion::Mse(_) => "feature distance".to_string(),
            criterion => format!("{} of features", criterion.words()),
        };
        format!("{criterion} {}{}", places(&self.backbone, &self.layer_weights), selected(self.selection()))
    }

    in_selected_space!();
}
