//! PatchGAN (Isola et al., *Image-to-Image Translation with Conditional Adversarial Networks*, CVPR 2017), in the layout of
//! its public weights (`NLayerDiscriminator` of pix2pix and CycleGAN) with batch normalisation, pix2pix's default.

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, AllReduce, Conv};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SLOPE;
use super::architecture::{Architecture, Judge};
use super::norm::BatchNorm;
use crate::network::{ConvLayer, Init, MOST_CHANNELS, Unfit, within};
use crate::weights::StateDict;

/// Settings of `type = "patch"`: PatchGAN with batch normalisation, as pix2pix's. It sees the image alone, not the
/// network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PatchConfig {
    /// Channels of the first features, 1 to 512; every layer doubles them, up to 8 times. Default 64.
    pub num_feat: usize,
    /// How many times the image is halved, 1 to 6; 3 make logits that see 70 pixels. Default 3.
    pub num_layers: usize,
}

impl Default for PatchConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_layers: 3 }
    }
}

impl Architecture for PatchConfig {
    type Network = Patch;

    const ABOUT: &'static str = "PatchGAN: pix2pix's, a logit for each patch";

    fn check(&self) -> Result<(), Unfit> {
        within("num_feat", self.num_feat, 1, MOST_CHANNELS / 8)?;
        within("num_layers", self.num_layers, 1, 6)
    }

    fn init(&self, init: &Init) -> Patch {
        Patch::new(self, init)
    }

    /// The last two convolutions take a pixel each of what the others leave.
    fn min_side(&self) -> usize {
        3 << self.num_layers
    }

    /// They stand in one sequence: a convolution and a leaky ReLU, then a convolution, its normalisation and a leaky ReLU
    /// for each layer, and the last convolution. Running statistics are not needed.
    fn with_our_names(state: StateDict) -> StateDict {
        state.renamed(|name| {
            let parts = name.strip_prefix("model.").and_then(|rest| rest.split_once('.'));
            let place = parts.and_then(|(place, kind)| Some((place.parse::<usize>().ok()?, kind)));
            match place {
                Some((_, "running_mean" | "running_var" | "num_batches_tracked")) => None,
                Some((0, kind)) => Some(format!("convs.0.{kind}")),
                Some((place, kind)) if place % 3 == 0 => Some(format!("norms.{}.{kind}", place / 3 - 1)),
                Some((place, kind)) if place % 3 == 2 => Some(format!("convs.{}.{kind}", place / 3 + 1)),
                _ => Some(name.to_string()),
            }
        })
    }
}

/// 4×4 convolutions with leaky ReLU; all but the first and the last have batch normalisation, all but the last two halve
/// the image. The last one makes a logit at each position.
#[derive(Module, Debug)]
pub struct Patch {
    convs: Vec<ConvLayer>,
    norms: Vec<BatchNorm>,
}

impl Patch {
    fn new(config: &PatchConfig, init: &Init) -> Self {
        let layers = config.num_layers;
        let channels = |layer: usize| config.num_feat << layer.min(3);
        let whole = Conv { padding: 1, ..Conv::default() };
        let half = Conv { stride: 2, ..whole };
        let at = init.at("convs");
        let conv = |layer: usize, [from, to]: [usize; 2], gain, conv| {
            at.conv(&layer.to_string(), [to, from, 4, 4], gain, conv)
        };
        let first = conv(0, [3, channels(0)], 1.0, half.with_activation(Activation::LeakyRelu(SLOPE)));
        let inner = (1..=layers).map(|layer| {
            let moves = if layer < layers { half } else { whole };
            // The normalisation takes out what a bias would add.
            conv(layer, [channels(layer - 1), channels(layer)], 1.0, moves).unbiased()
        });
        // It begins undecided.
        let last = conv(layers + 1, [channels(layers), 1], 0.1, whole);
        let norm = |layer| BatchNorm::new(&init.at("norms").at(layer - 1), channels(layer));
        Self {
            convs: [first].into_iter().chain(inner).chain([last]).collect(),
            norms: (1..=layers).map(norm).collect(),
        }
    }
}

impl Judge for Patch {
    /// The paper's images are in `[-1, 1]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut y = x.mul_scalar(2.0).sub_scalar(1.0);
        for (layer, conv) in self.convs.iter().enumerate() {
            y = conv.forward(y);
            // The first and the last have none.
            if let Some(norm) = layer.checked_sub(1).and_then(|at| self.norms.get(at)) {
                y = norm.forward_leaky(y);
            }
        }
        y
    }
    fn see_a_part(&mut self, all: &AllReduce) {
        self.norms.iter_mut().for_each(|norm| norm.see_a_part(all));
    }
}
