//! The compact network of Real-ESRGAN (Wang et al., *Real-ESRGAN*, ICCV Workshops 2021), in the layout of its public weights
//! (`SRVGGNetCompact`).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv, pixel_shuffle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, ENOUGH, Extent, MOST_BLOCKS, MOST_CHANNELS, Transform, Unfit, last_place, made, read_by,
    results, shuffled, within,
};
use super::init::Init;
use super::layer::{ConvLayer, enlarge_nearest};
use super::order::Order;
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// Settings of `type = "compact"`: the compact network of Real-ESRGAN (`SRVGGNetCompact`), scales 1 to 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompactConfig {
    /// Channels of the features, at least 1. Default 64.
    pub num_feat: usize,
    /// Convolutions between the first and the last. Default 16.
    pub num_conv: usize,
    /// What follows every convolution but the last: `prelu`, `relu` or `leakyrelu`. Default `prelu`.
    pub act_type: ActType,
}

impl Default for CompactConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_conv: 16, act_type: ActType::default() }
    }
}

/// What follows a convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActType {
    /// Values below zero times a slope that every channel learns.
    #[default]
    Prelu,
    /// Values below zero become zero.
    Relu,
    /// Values below zero become a tenth.
    LeakyRelu,
}

impl ActType {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Prelu, Self::Relu, Self::LeakyRelu];

    /// As in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prelu => "prelu",
            Self::Relu => "relu",
            Self::LeakyRelu => "leakyrelu",
        }
    }

    /// What it does, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Prelu => "Values below zero times a slope that every channel learns",
            Self::Relu => "Values below zero become zero",
            Self::LeakyRelu => "Values below zero become a tenth",
        }
    }

    /// What is fused with the convolution; slopes that are learned stand beside it.
    fn fused(self) -> Activation {
        match self {
            Self::Prelu => Activation::None,
            Self::Relu => Activation::Relu,
            Self::LeakyRelu => Activation::LeakyRelu(0.1),
        }
    }
}

impl Architecture for CompactConfig {
    type Network = Compact;

    const ABOUT: &'static str = "The compact network of Real-ESRGAN (SRVGGNetCompact)";
    const SCALES: &'static [usize] = &[1, 2, 3, 4];

    fn check(&self) -> Result<(), Unfit> {
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        within("num_conv", self.num_conv, 0, MOST_BLOCKS)
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> Compact {
        Compact::new(self, scale, in_channels, init)
    }

    /// One of its maps, what the next one becomes, and the result before and after the shuffle.
    fn extent(&self, scale: usize) -> Extent {
        Extent {
            multiple: 1,
            overlap: ENOUGH.min(self.num_conv + 2),
            floats: 2 * self.num_feat + 9 * scale * scale,
        }
    }

    fn with_our_names(state: StateDict) -> StateDict {
        named(&state).unwrap_or(state)
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let slopes = state.get("body.1.weight").is_some();
        Self {
            num_feat: results(state, "body.0.weight", self.num_feat),
            // Convolutions have even places.
            num_conv: (last_place(state, "body.") / 2).saturating_sub(1),
            act_type: match (slopes, self.act_type) {
                (true, _) => ActType::Prelu,
                (false, ActType::Prelu) => ActType::Relu,
                (false, asked) => asked,
            },
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        let last = format!("body.{}.weight", last_place(state, "body."));
        shuffled(state, &last, self.in_channels(state))
    }

    fn in_channels(&self, state: &StateDict) -> usize {
        read_by(state, "body.0.weight")
    }

    fn assumption(&self, asked: &Self) -> Option<String> {
        (self.act_type != asked.act_type && self.act_type == ActType::Relu).then(|| {
            "these weights have no slopes, and do not say what follows their convolutions: relu is taken; pass --act-type \
             leakyrelu if it was that"
                .to_string()
        })
    }
}

/// Names for weights that come without: convolutions in turn with slopes, then the shuffle, and the enlarged input added.
fn named(state: &StateDict) -> Option<StateDict> {
    let order = Order::of(state)?;
    let (convs, slopes) = (order.convs.len(), order.slopes.len());
    let graph = order.count("PixelShuffle") <= 1 && order.count("Interp") <= 1 && order.data.is_empty();
    let places = |from: usize, count: usize| -> Vec<_> {
        (0..count).map(|i| format!("body.{}", 2 * i + from)).collect()
    };
    if graph && slopes + 1 == convs { order.named(&places(0, convs), &places(1, slopes)) } else { None }
}

/// Plain convolutions at the input's size, enlarged at the very end; the output is added to the input, enlarged by
/// repetition, where that is a picture.
#[derive(Module, Debug)]
pub struct Compact {
    /// Convolutions, each but the last with a place for slopes behind it.
    body: Vec<Option<Place>>,
    #[module(skip)]
    scale: usize,
    #[module(skip)]
    adds_input: bool,
}

/// One place of the body.
#[derive(Module, Debug)]
enum Place {
    Conv(ConvLayer),
    Slope(Slope),
}

/// PReLU's slopes, `[C]`.
#[derive(Module, Debug)]
struct Slope {
    weight: Param<Tensor<1>>,
}

impl Compact {
    fn new(config: &CompactConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let f = config.num_feat;
        let at = init.at("body");
        let conv = |place: usize, [out, input]: [usize; 2], gain: f64, activation: Activation| {
            let conv = Conv::same(3).with_activation(activation);
            Some(Place::Conv(at.conv(&place.to_string(), [out, input, 3, 3], gain, conv)))
        };
        let slope = || Place::Slope(Slope { weight: at.full([f], 0.25) });
        let layer = |i: usize| {
            let input = if i == 0 { in_channels } else { f };
            let slope = (config.act_type == ActType::Prelu).then(slope);
            [conv(2 * i, [f, input], 1.0, config.act_type.fused()), slope]
        };
        let mut body: Vec<_> = (0..=config.num_conv).flat_map(layer).collect();
        // It begins close to the enlarged input.
        body.push(conv(body.len(), [made(in_channels) * scale * scale, f], 0.1, Activation::None));
        Self { body, scale, adds_input: in_channels == made(in_channels) }
    }
}

impl Transform for Compact {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut y = x.clone();
        for places in self.body.chunks(2) {
            y = match places {
                [Some(Place::Conv(conv)), Some(Place::Slope(slope))] => {
                    conv.forward_prelu(y, slope.weight.val())
                }
                [Some(Place::Conv(conv)), None] | [Some(Place::Conv(conv))] => conv.forward(y),
                _ => unreachable!("slopes stand behind convolutions"),
            };
        }
        let y = pixel_shuffle(y, self.scale);
        if self.adds_input { y + enlarge_nearest(x, self.scale) } else { y }
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let mut y = x.clone();
        for place in self.body.iter().flatten() {
            y = match place {
                Place::Conv(conv) => conv.draw(graph, &y),
                Place::Slope(slope) => {
                    let slope = graph.of_channels(slope.weight.val());
                    graph.op("PRelu", &[&y, &slope])
                }
            };
        }
        let y = graph.pixel_shuffle(&y, self.scale);
        if !self.adds_input {
            return y;
        }
        let enlarged = graph.enlarge_nearest(x, self.scale);
        graph.add(&y, &enlarged)
    }
}
