//! The `*_opt` tables of a config, and how they become losses.

use std::collections::BTreeMap;

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Loss, StyleLoss};
use crate::backbone::{Backbone, BackboneConfig, BackboneError};
use crate::disentangle::{
    ContextualConfig, FeatureDistance, PerceptualSpace, Selection, SelectionConfig, StartError,
};
use crate::distance::{Dists, Lpips};
use crate::weights::{WeightError, WeightStore};

/// Why a loss could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// The backbone or one of its taps.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// The start of a selection.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Weights of LPIPS or DISTS.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// No tap to look at.
    #[error(
        "`layer_weights` of `{loss}` is empty: name at least one tap, e.g. `layer_weights = {{ relu3_3 = 1.0 }}`"
    )]
    NoTaps {
        /// The loss.
        loss: &'static str,
    },
}

/// Which pixel loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PixelType {
    /// Mean absolute difference.
    #[default]
    L1,
    /// Mean squared difference.
    Mse,
    /// `√(d² + eps²)`, a smooth L1.
    Charbonnier,
}

/// `pixel_opt`: a loss that compares pixel by pixel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PixelOpt {
    /// `l1` (default), `mse` or `charbonnier`.
    #[serde(rename = "type")]
    pub kind: PixelType,
    /// Factor in the sum of losses.
    pub loss_weight: f64,
    /// Epsilon of `charbonnier`, in units of the image's range, 1e-6 to 1.
    pub eps: f64,
}

impl PixelOpt {
    /// Checks every range.
    ///
    /// # Errors
    /// A sentence that names the first key whose value is outside of its range, and the range.
    pub fn validate(&self) -> Result<(), String> {
        factor("loss_weight", self.loss_weight)?;
        within("eps", self.eps, 1e-6, 1.0)
    }
}

impl Default for PixelOpt {
    fn default() -> Self {
        Self { kind: PixelType::L1, loss_weight: 1.0, eps: 1e-3 }
    }
}

/// `perceptual_opt`: a loss in the features of a frozen network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PerceptualOpt {
    /// Squared feature distance (the paper's equation 1), optionally in a selected space.
    Feature(FeatureOpt),
    /// Contextual loss, optionally in a selected space.
    Contextual(ContextualOpt),
    /// LPIPS v0.1 as a loss.
    Lpips(LpipsOpt),
    /// DISTS as a loss.
    Dists(DistsOpt),
}

/// Settings of `type = "feature"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureOpt {
    /// The frozen network.
    pub backbone: BackboneConfig,
    /// Taps and their factors.
    pub layer_weights: BTreeMap<String, f64>,
    /// Factor in the sum of losses.
    pub loss_weight: f64,
    /// Feature selection; left out, this is the plain perceptual loss. Measured alone (docs/evidence), it helped where light and colour are
    /// damaged and cost a little where detail is missing (super-resolution, noise, blur, JPEG): leave it out there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({}))]
    pub selection: Option<SelectionConfig>,
}

impl Default for FeatureOpt {
    fn default() -> Self {
        let taps = ["relu1_2", "relu2_2", "relu3_3"];
        Self {
            backbone: BackboneConfig::default(),
            layer_weights: taps.into_iter().map(|tap| (tap.to_string(), 1.0)).collect(),
            loss_weight: 1.0,
            selection: None,
        }
    }
}

/// Settings of `type = "contextual"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContextualOpt {
    /// The frozen network.
    pub backbone: BackboneConfig,
    /// Taps and their factors, `relu3_3` by default. With `relu1_2` and `relu2_2` beside it results keep the target's light
    /// and detail better (docs/evidence), and a step takes longer.
    pub layer_weights: BTreeMap<String, f64>,
    /// Factor in the sum of losses.
    pub loss_weight: f64,
    /// Bandwidth `h` of the similarity, 0.05 to 100.
    pub bandwidth: f64,
    /// Most positions of a tap that are compared with each other, 1 to 16384. Memory grows with its square.
    pub max_positions: usize,
    /// Feature selection; left out, this is the plain contextual loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({}))]
    pub selection: Option<SelectionConfig>,
}

impl Default for ContextualOpt {
    fn default() -> Self {
        let ContextualConfig { bandwidth, max_positions } = ContextualConfig::default();
        Self {
            backbone: BackboneConfig::default(),
            layer_weights: BTreeMap::from([("relu3_3".to_string(), 1.0)]),
            loss_weight: 1.0,
            bandwidth,
            max_positions,
            selection: None,
        }
    }
}

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

/// Settings of `type = "lpips"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LpipsOpt {
    /// `vgg` (default) or `alex`.
    pub net: LpipsNet,
    /// Factor in the sum of losses.
    pub loss_weight: f64,
}

impl Default for LpipsOpt {
    fn default() -> Self {
        Self { net: LpipsNet::Vgg, loss_weight: 1.0 }
    }
}

/// Settings of `type = "dists"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DistsOpt {
    /// Factor in the sum of losses.
    pub loss_weight: f64,
}

impl Default for DistsOpt {
    fn default() -> Self {
        Self { loss_weight: 1.0 }
    }
}

/// `style_opt`: Gram matrices of features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StyleOpt {
    /// The frozen network.
    pub backbone: BackboneConfig,
    /// Taps and their factors.
    pub layer_weights: BTreeMap<String, f64>,
    /// Factor in the sum of losses.
    pub loss_weight: f64,
}

impl Default for StyleOpt {
    fn default() -> Self {
        let FeatureOpt { backbone, layer_weights, .. } = FeatureOpt::default();
        Self { backbone, layer_weights, loss_weight: 1.0 }
    }
}

/// A perceptual loss, ready to train with.
pub enum PerceptualLoss {
    /// In a feature space of which a part may be selected.
    Space(Box<PerceptualSpace>),
    /// Of the two images alone.
    Plain(Box<dyn Loss>),
}

impl PerceptualOpt {
    /// Factor in the sum of losses.
    pub fn loss_weight(&self) -> f64 {
        match self {
            Self::Feature(opt) => opt.loss_weight,
            Self::Contextual(opt) => opt.loss_weight,
            Self::Lpips(opt) => opt.loss_weight,
            Self::Dists(opt) => opt.loss_weight,
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// A sentence that names the first key whose value is outside of its range, and the range.
    pub fn validate(&self) -> Result<(), String> {
        factor("loss_weight", self.loss_weight())?;
        match self {
            Self::Feature(opt) => factors(&opt.layer_weights)?,
            Self::Contextual(opt) => {
                factors(&opt.layer_weights)?;
                within("bandwidth", opt.bandwidth, 0.05, 100.0)?;
                within("max_positions", opt.max_positions as f64, 1.0, 16384.0)?;
            }
            Self::Lpips(_) | Self::Dists(_) => {}
        }
        self.selection().map_or(Ok(()), |selection| {
            selection.validate().map_err(|problem| format!("selection.{problem}"))
        })
    }

    /// The selection, where there is one.
    pub fn selection(&self) -> Option<&SelectionConfig> {
        match self {
            Self::Feature(opt) => opt.selection.as_ref(),
            Self::Contextual(opt) => opt.selection.as_ref(),
            Self::Lpips(_) | Self::Dists(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn selection_mut(&mut self) -> Option<&mut SelectionConfig> {
        match self {
            Self::Feature(opt) => opt.selection.as_mut(),
            Self::Contextual(opt) => opt.selection.as_mut(),
            Self::Lpips(_) | Self::Dists(_) => None,
        }
    }

    /// The loss on `device`.
    ///
    /// # Errors
    /// When weights are missing or wrong, or a tap does not exist.
    pub fn init(&self, store: &WeightStore, device: &Device) -> Result<PerceptualLoss, LossError> {
        let (backbone, layers, distance, selection, name) = match self {
            Self::Feature(opt) => {
                (&opt.backbone, &opt.layer_weights, FeatureDistance::Squared, &opt.selection, "feature")
            }
            Self::Contextual(opt) => {
                let config = ContextualConfig { bandwidth: opt.bandwidth, max_positions: opt.max_positions };
                let distance = FeatureDistance::Contextual(config);
                (&opt.backbone, &opt.layer_weights, distance, &opt.selection, "contextual")
            }
            Self::Lpips(opt) => {
                let lpips = match opt.net {
                    LpipsNet::Alex => Lpips::alex(store, device)?,
                    LpipsNet::Vgg => Lpips::vgg(store, device)?,
                };
                return Ok(PerceptualLoss::Plain(Box::new(lpips)));
            }
            Self::Dists(_) => return Ok(PerceptualLoss::Plain(Box::new(Dists::new(store, device)?))),
        };
        let (backbone, weights) = frozen(backbone, layers, name, store, device)?;
        let selection = match selection {
            Some(config) => {
                Some(Selection::new(config.clone(), backbone.name(), backbone.taps(), store, device)?)
            }
            None => None,
        };
        Ok(PerceptualLoss::Space(Box::new(PerceptualSpace::new(backbone, weights, distance, selection))))
    }
}

impl StyleOpt {
    /// Checks every range.
    ///
    /// # Errors
    /// A sentence that names the first key whose value is outside of its range, and the range.
    pub fn validate(&self) -> Result<(), String> {
        factor("loss_weight", self.loss_weight)?;
        factors(&self.layer_weights)
    }

    /// The loss on `device`.
    ///
    /// # Errors
    /// When weights are missing or wrong, or a tap does not exist.
    pub fn init(&self, store: &WeightStore, device: &Device) -> Result<StyleLoss, LossError> {
        let (backbone, weights) = frozen(&self.backbone, &self.layer_weights, "style", store, device)?;
        Ok(StyleLoss::new(backbone, weights))
    }
}

/// The largest factor of a loss or a tap.
const LARGEST_FACTOR: f64 = 1e6;

fn within(key: &str, value: f64, low: f64, high: f64) -> Result<(), String> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(format!("{key} must be from {low} to {high}; it is {value}"))
    }
}

fn factor(key: &str, value: f64) -> Result<(), String> {
    within(key, value, 0.0, LARGEST_FACTOR)
}

/// Factors of taps, of which one at least has to count.
fn factors(layer_weights: &BTreeMap<String, f64>) -> Result<(), String> {
    layer_weights.iter().try_for_each(|(tap, weight)| factor(&format!("layer_weights.{tap}"), *weight))?;
    match layer_weights.values().any(|weight| *weight > 0.0) {
        true => Ok(()),
        false => Err("layer_weights must have a tap above 0, e.g. { relu3_3 = 1.0 }".to_string()),
    }
}

/// The backbone with its taps, and the factors in the order of those taps.
fn frozen(
    backbone: &BackboneConfig,
    layer_weights: &BTreeMap<String, f64>,
    loss: &'static str,
    store: &WeightStore,
    device: &Device,
) -> Result<(Box<dyn Backbone>, Vec<f64>), LossError> {
    if layer_weights.is_empty() {
        return Err(LossError::NoTaps { loss });
    }
    let names: Vec<String> = layer_weights.keys().cloned().collect();
    let backbone = backbone.init(&names, store, device)?;
    let weight = |name: &str| layer_weights.get(name).copied().unwrap_or(0.0);
    let weights = backbone.taps().iter().map(|tap| weight(&tap.name)).collect();
    Ok((backbone, weights))
}
