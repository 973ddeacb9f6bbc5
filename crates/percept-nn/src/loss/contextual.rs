//! The contextual loss (Mechrez, Talmi, Zelnik-Manor, ECCV 2018), optionally in a selected space.

use std::collections::BTreeMap;

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::features::{frozen, in_selected_space, places, selected, space, taps, validate};
use super::{LossError, LossSettings, TrainLoss};
use crate::backbone::BackboneConfig;
use crate::disentangle::{ContextualConfig, FeatureDistance, SelectionConfig};
use crate::ranges::within;
use crate::weights::WeightStore;

/// Settings of `type = "contextual"`: features are compared with the most similar one, wherever it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContextualLoss {
    /// The frozen network.
    pub backbone: BackboneConfig,
    /// Taps and their factors, `relu3_3` by default. With `relu1_2` and `relu2_2` beside it results keep the target's light
    /// and detail better (docs/evidence), and a step takes longer.
    pub layer_weights: BTreeMap<String, f64>,
    /// Bandwidth `h` of the similarity, 0.05 to 100.
    pub bandwidth: f64,
    /// Most positions of a tap that are compared with each other, 1 to 16384. Memory grows with its square.
    pub max_positions: usize,
    /// Feature selection; left out, this is the plain contextual loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({}))]
    pub selection: Option<SelectionConfig>,
}

impl Default for ContextualLoss {
    fn default() -> Self {
        let ContextualConfig { bandwidth, max_positions } = ContextualConfig::default();
        Self {
            backbone: BackboneConfig::default(),
            layer_weights: taps(&["relu3_3"]),
            bandwidth,
            max_positions,
            selection: None,
        }
    }
}

impl LossSettings for ContextualLoss {
    const ABOUT: &'static str =
        "Features against the most similar ones, wherever they are; can carry a selection";

    fn validate(&self) -> Result<(), String> {
        within("bandwidth", self.bandwidth, 0.05, 100.0)?;
        within("max_positions", self.max_positions as f64, 1.0, 16384.0)?;
        validate(&self.layer_weights, self.selection())
    }

    fn init(&self, store: &WeightStore, device: &Device) -> Result<TrainLoss, LossError> {
        let frozen = frozen(&self.backbone, &self.layer_weights, "contextual", store, device)?;
        let config = ContextualConfig { bandwidth: self.bandwidth, max_positions: self.max_positions };
        let distance = FeatureDistance::Contextual(config);
        Ok(TrainLoss::Space(space(frozen, distance, self.selection(), store, device)?))
    }

    fn words(&self) -> String {
        let places = places(&self.backbone, &self.layer_weights);
        format!("contextual loss {places}{}", selected(self.selection()))
    }

    in_selected_space!();
}
