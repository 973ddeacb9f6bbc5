//! The sliced Wasserstein distance of features, sliced along the channels: the projected distribution loss (Delbracio, Talebi,
//! Milanfar, *Projected Distribution Loss for Image Enhancement*, ICCP 2021).
//!
//! Its slices are the channels, not random directions: it needs no chance, and a selection can weight them.

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
use crate::distance::{ChannelDistance, Criterion, L1Loss};
use crate::weights::WeightStore;

/// Settings of `type = "swd"`: the sliced Wasserstein distance of features. Every channel's values are compared in order of
/// size, so that what there is counts, not where it is (projected distribution loss, Delbracio et al., 2021).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SwdLoss {
    /// The frozen network.
    pub backbone: BackboneConfig,
    /// Taps and their factors. `conv3_4` is read before its ReLU, `relu3_4` behind it.
    pub layer_weights: BTreeMap<String, f64>,
    /// How values of the same rank are compared: `l1` (default), `mse`, `charbonnier` or `huber`.
    pub criterion: Criterion,
    /// Whether each tap is divided by the root of the running mean square of its target's features (`mse`: by that mean
    /// square itself), so that no tap drowns another. Default true.
    #[serde(skip_serializing_if = "is_true")]
    pub normalize: bool,
    /// Feature selection; left out, all channels count the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({}))]
    pub selection: Option<SelectionConfig>,
}

impl Default for SwdLoss {
    fn default() -> Self {
        Self {
            backbone: BackboneConfig::default(),
            layer_weights: taps(&["relu1_2", "relu2_2", "relu3_3"]),
            criterion: Criterion::L1(L1Loss {}),
            normalize: true,
            selection: None,
        }
    }
}

impl LossSettings for SwdLoss {
    const ABOUT: &'static str =
        "Sliced Wasserstein distance of features, wherever they are; can carry a selection";

    fn validate(&self) -> Result<(), String> {
        self.criterion.validate().map_err(|problem| format!("criterion.{problem}"))?;
        weighted_by_channel(self.selection())?;
        validate(&self.layer_weights, self.selection())
    }

    fn init(&self, store: &WeightStore, device: &Device) -> Result<TrainLoss, LossError> {
        let frozen = frozen(&self.backbone, &self.layer_weights, "swd", store, device)?;
        let distance = ChannelDistance::Sorted(self.criterion.clone());
        let distance = FeatureDistance::Channels { distance, normalize: self.normalize };
        Ok(TrainLoss::Space(space(frozen, distance, self.selection(), store, device)?))
    }

    fn words(&self) -> String {
        let places = places(&self.backbone, &self.layer_weights);
        format!("sliced Wasserstein distance of features {places}{}", selected(self.selection()))
    }

    in_selected_space!();
}
