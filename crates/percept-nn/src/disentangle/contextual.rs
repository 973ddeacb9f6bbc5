//! The contextual loss in the selected space.

use burn::tensor::{Slice, Tensor};
use percept_conv::contextual_similarity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TapGate;

/// Settings of the contextual loss (Mechrez, Talmi, Zelnik-Manor, *The Contextual Loss*, ECCV 2018).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContextualConfig {
    /// Bandwidth `h` of the similarity, above 0; the paper uses 0.5.
    pub bandwidth: f64,
    /// Most positions of a tap that are compared with each other; larger maps are read on a regular
    /// grid. Cost and memory grow with its square.
    pub max_positions: usize,
}

impl Default for ContextualConfig {
    fn default() -> Self {
        Self { bandwidth: 0.5, max_positions: 1024 }
    }
}

/// `−log CX(φ(ŷ), φ(y))` of one tap, averaged over images, `[1]`.
///
/// `result` and `target` are `[N, H, W, C]`; gradient flows to `result`. Features are centred on the target's mean by
/// channel, compared by cosine distance, in which `gate` weighs products of features, normalised by each result position's
/// nearest target position, and every target position looks for its most similar result position.
pub fn contextual(
    result: Tensor<4>,
    target: Tensor<4>,
    gate: Option<&TapGate>,
    config: &ContextualConfig,
) -> Tensor<1> {
    let (result, target) = (positions(result, config), positions(target, config));
    let centre = target.clone().mean_dim(1);
    // [N, result positions, target positions]
    let cosines = TapGate::cosines(gate, result - centre.clone(), target - centre);
    contextual_similarity(cosines, config.bandwidth).log().neg().mean()
}

/// `[N, H, W, C]` → `[N, P, C]`, on a regular grid where there are too many positions.
fn positions(features: Tensor<4>, config: &ContextualConfig) -> Tensor<3> {
    let [n, h, w, c] = features.dims();
    let mut step = 1;
    while h.div_ceil(step) * w.div_ceil(step) > config.max_positions.max(1) && step < h.max(w) {
        step += 1;
    }
    let features = if step > 1 {
        let grid = Slice::with_step(0, None, step as isize);
        features.slice([Slice::with_step(0, None, 1), grid, grid])
    } else {
        features
    };
    let [_, h, w, _] = features.dims();
    features.reshape([n, h * w, c])
}
