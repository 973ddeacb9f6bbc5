//! Wasserstein distortion: means and deviations of features around every position (Qiu, Wagner, Ballé, Theis, *Wasserstein
//! Distortion: Unifying Fidelity and Realism*, CISS 2024), by the pyramid of Ballé et al., *Good, Cheap, and Fast: Overfitted
//! Image Compression with Wasserstein Distortion*, CVPR 2025, but that nothing is mixed in beyond the edges.

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
use crate::distance::ChannelDistance;
use crate::ranges::within;
use crate::weights::WeightStore;

/// Settings of `type = "wasserstein_distortion"`: means and deviations of features around every position. What is narrower than
/// `sigma` counts as a texture, of which any sample is as good; what is wider has to be in its place (Qiu et al., CISS 2024).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WassersteinLoss {
    /// The frozen network.
    pub backbone: BackboneConfig,
    /// Taps and their factors. `conv3_4` is read before its ReLU, `relu3_4` behind it.
    pub layer_weights: BTreeMap<String, f64>,
    /// How wide "around" is, as a deviation in pixels of the image, 1 to 64; a tap whose positions are at least as wide is
    /// compared position by position, by squares. Default 8.
    pub sigma: f64,
    /// Whether each tap is divided by the running mean square of its target's features, so that no tap drowns another.
    /// Default true.
    #[serde(skip_serializing_if = "is_true")]
    pub normalize: bool,
    /// Feature selection; left out, all channels count the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({}))]
    pub selection: Option<SelectionConfig>,
}

impl Default for WassersteinLoss {
    fn default() -> Self {
        Self {
            backbone: BackboneConfig::default(),
            layer_weights: taps(&["relu1_2", "relu2_2", "relu3_3"]),
            sigma: 8.0,
            normalize: true,
            selection: None,
        }
    }
}

impl LossSettings for WassersteinLoss {
    const ABOUT: &'static str =
        "Means and deviations of features around every position; can carry a selection";

    fn validate(&self) -> Result<(), String> {
        within("sigma", self.sigma, 1.0, 64.0)?;
        weighted_by_channel(self.selection())?;
        validate(&self.layer_weights, self.selection())
    }

    fn init(&self, store: &WeightStore, device: &Device) -> Result<TrainLoss, LossError> {
        let frozen = frozen(&self.backbone, &self.layer_weights, "wasserstein_distortion", store, device)?;
        let distance = ChannelDistance::Around(self.sigma);
        let distance = FeatureDistance::Channels { distance, normalize: self.normalize };
        Ok(TrainLoss::Space(space(frozen, distance, self.selection(), store, device)?))
    }

    fn words(&self) -> String {
        let (sigma, places) = (self.sigma, places(&self.backbone, &self.layer_weights));
        format!("Wasserstein distortion of features, σ {sigma} {places}{}", selected(self.selection()))
    }

    in_selected_space!();
}
