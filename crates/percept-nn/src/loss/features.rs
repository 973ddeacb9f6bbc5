//! What the losses in features have in common: a frozen network, its taps with their factors, and a selection.

use std::collections::BTreeMap;

use burn::tensor::Device;
use serde::Serialize;

use super::LossError;
use crate::backbone::{Backbone, BackboneConfig};
use crate::disentangle::{
    Contrast, FeatureDistance, Gate, PerceptualSpace, Selection, SelectionConfig, Start, TripletConfig,
};
use crate::ranges::factors;
use crate::weights::WeightStore;

/// Taps, each with the factor 1.
pub(super) fn taps(names: &[&str]) -> BTreeMap<String, f64> {
    names.iter().map(|tap| ((*tap).to_string(), 1.0)).collect()
}

pub(super) fn is_true(value: &bool) -> bool {
    *value
}

/// Checks factors and selection.
pub(super) fn validate(
    layer_weights: &BTreeMap<String, f64>,
    selection: Option<&SelectionConfig>,
) -> Result<(), String> {
    factors(layer_weights)?;
    selection
        .map_or(Ok(()), |selection| selection.validate().map_err(|problem| format!("selection.{problem}")))
}

/// What settings tell of their `backbone` and `selection`: four functions of [`LossSettings`](super::LossSettings).
macro_rules! in_selected_space {
    () => {
        fn backbone(&self) -> Option<BackboneConfig> {
            Some(self.backbone.clone())
        }

        fn backbone_mut(&mut self) -> Option<&mut BackboneConfig> {
            Some(&mut self.backbone)
        }

        fn selection(&self) -> Option<&SelectionConfig> {
            self.selection.as_ref()
        }

        fn selection_mut(&mut self) -> Option<&mut SelectionConfig> {
            self.selection.as_mut()
        }
    };
}
pub(super) use in_selected_space;

/// Checks that the gate of a selection can weight a distance that every channel has by itself.
pub(super) fn weighted_by_channel(selection: Option<&SelectionConfig>) -> Result<(), String> {
    match selection.is_some_and(SelectionConfig::mixes) {
        true => Err(
            "selection.gate must be `softmax` or `softplus`: `projection` needs a `contextual` loss, or a \
             `feature` loss with the criterion `mse`"
                .to_string(),
        ),
        false => Ok(()),
    }
}

/// The backbone with its taps, and the factors in the order of those taps.
pub(super) fn frozen(
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

/// The space over a backbone with its factors, as [`frozen`] gives them.
pub(super) fn space(
    (backbone, weights): (Box<dyn Backbone>, Vec<f64>),
    distance: FeatureDistance,
    selection: Option<&SelectionConfig>,
    store: &WeightStore,
    device: &Device,
) -> Result<Box<PerceptualSpace>, LossError> {
    let select = |config: &SelectionConfig| {
        Selection::new(config.clone(), backbone.name(), backbone.taps(), store, device)
    };
    let selection = selection.map(select).transpose()?;
    Ok(Box::new(PerceptualSpace::new(backbone, weights, distance, selection)))
}

/// `(vgg16: relu1_2, relu2_2)`.
pub(super) fn places(backbone: &BackboneConfig, layer_weights: &BTreeMap<String, f64>) -> String {
    let taps: Vec<&str> = layer_weights.keys().map(String::as_str).collect();
    format!("({}: {})", backbone.kind.name(), taps.join(", "))
}

/// What a selection adds to the words of its loss; nothing where there is none.
pub(super) fn selected(selection: Option<&SelectionConfig>) -> String {
    match selection {
        None => String::new(),
        Some(SelectionConfig::Closed(closed)) => {
            let (share, score) = (100.0 * closed.share, closed.score.words());
            let control = closed.control.map(|control| format!(", used {}", control.words()));
            let control = control.unwrap_or_default();
            format!(", {share} % of the channels selected in closed form (score: {score}{control})")
        }
        Some(SelectionConfig::Triplet(triplet)) => learned(triplet),
    }
}

fn learned(selection: &TripletConfig) -> String {
    let start = match &selection.start {
        Start::File(path) => path.clone(),
        start => shown(start),
    };
    let what = if selection.gate == Gate::Projection { "projection" } else { "channels" };
    match selection.contrast {
        Contrast::None => format!(", fixed selection of {what} ({start})"),
        contrast => format!(", {what} selected online (contrast: {}, start: {start})", shown(&contrast)),
    }
}

/// A setting as a configuration has it.
pub(super) fn shown(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}
