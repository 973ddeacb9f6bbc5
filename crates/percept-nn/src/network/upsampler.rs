//! How SwinIR, and what was made after it, end: convolutions onto a skip connection, and enlargement.

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv, pixel_shuffle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::shuffled;
use super::init::Init;
use super::layer::ConvLayer;
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// Channels between enlargements, in all published files.
pub(super) const FEATURES: usize = 64;
/// PyTorch's own initial weights: a third of the variance that keeps the signal.
pub(super) const GAIN: f64 = 0.41;

/// How features become an enlarged picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Upsampler {
    /// Convolutions and pixel shuffles, two or three times each, and convolutions around them.
    #[serde(rename = "pixelshuffle")]
    PixelShuffle,
    /// One convolution and one pixel shuffle.
    #[serde(rename = "pixelshuffledirect")]
    PixelShuffleDirect,
    /// Every pixel four times and a convolution, as often as needed, and convolutions around them.
    #[serde(rename = "nearest+conv")]
    NearestConv,
    /// Nothing is enlarged; the result is a change of the picture.
    #[serde(rename = "")]
    None,
}

impl Upsampler {
    /// Channels between enlargements: `asked`, or where there are none what published files have.
    pub(super) fn features(self, asked: usize) -> usize {
        match self {
            Self::PixelShuffle | Self::NearestConv => asked,
            Self::PixelShuffleDirect | Self::None => FEATURES,
        }
    }
}

/// What stands before a skip connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ResiConnection {
    /// A convolution.
    #[default]
    #[serde(rename = "1conv")]
    One,
    /// Three with a quarter of the channels between them.
    #[serde(rename = "3conv")]
    Three,
}

impl ResiConnection {
    /// Of the weights of a network that has `conv_after_body`.
    pub(super) fn of(state: &StateDict) -> Self {
        if state.get("conv_after_body.4.weight").is_some() { Self::Three } else { Self::One }
    }
}

/// Convolutions before a skip connection.
#[derive(Module, Debug)]
pub(super) enum Connection {
    One(ConvLayer),
    /// With the places of activations between them.
    Three(Vec<Option<ConvLayer>>),
}

impl Connection {
    /// The parameters below `init.name`.
    pub fn new(kind: ResiConnection, c: usize, init: &Init, name: &str) -> Self {
        if kind == ResiConnection::One {
            return Self::One(init.conv(name, [c, c, 3, 3], GAIN, Conv::same(3)));
        }
        let (inside, at) = (c / 4, init.at(name));
        let leaky = Activation::LeakyRelu(0.2);
        Self::Three(vec![
            Some(at.conv("0", [inside, c, 3, 3], GAIN, Conv::same(3).with_activation(leaky))),
            None,
            Some(at.conv("2", [inside, inside, 1, 1], GAIN, Conv::default().with_activation(leaky))),
            None,
            Some(at.conv("4", [c, inside, 3, 3], GAIN, Conv::same(3))),
        ])
    }

    /// `conv(x) + residual`.
    pub fn forward_onto(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        match self {
            Self::One(conv) => conv.forward_onto(x, residual),
            Self::Three(convs) => convs.iter().flatten().fold(x, |x, conv| conv.forward(x)) + residual,
        }
    }

    /// [`forward_onto`](Self::forward_onto) in a graph.
    pub fn draw_onto(&self, graph: &mut Graph, x: &Value, residual: &Value) -> Value {
        match self {
            Self::One(conv) => conv.draw_onto(graph, x, residual),
            Self::Three(convs) => {
                let y = convs.iter().flatten().fold(x.clone(), |x, conv| conv.draw(graph, &x));
                graph.add(&y, residual)
            }
        }
    }
}

/// The convolution below `init.conv_before_upsample`.
pub(super) fn before(from: usize, to: usize, init: &Init) -> Vec<ConvLayer> {
    let conv = Conv::same(3).with_activation(Activation::LeakyRelu(0.01));
    vec![init.at("conv_before_upsample").conv("0", [to, from, 3, 3], GAIN, conv)]
}

/// Each time by as much, and how many times.
fn steps(scale: usize) -> (usize, usize) {
    match scale {
        1 => (1, 0),
        scale if scale.is_power_of_two() => (2, scale.ilog2() as usize),
        scale => (scale, 1),
    }
}

/// The convolutions before pixel shuffles, below `init.upsample`; the shuffles, at odd places, have no parameters.
pub(super) fn stages(scale: usize, features: usize, init: &Init) -> Vec<Option<ConvLayer>> {
    let (step, count) = steps(scale);
    let shape = [features * step * step, features, 3, 3];
    let conv = |i: usize| Some(init.at("upsample").conv(&(2 * i).to_string(), shape, GAIN, Conv::same(3)));
    (0..count).flat_map(|i| [conv(i), None]).collect()
}

/// `x` enlarged `scale` times by these [`stages`].
pub(super) fn shuffle_up(stages: &[Option<ConvLayer>], x: Tensor<4>, scale: usize) -> Tensor<4> {
    let (step, _) = steps(scale);
    stages.iter().flatten().fold(x, |x, conv| pixel_shuffle(conv.forward(x), step))
}

/// [`shuffle_up`] in a graph.
pub(super) fn draw_up(stages: &[Option<ConvLayer>], graph: &mut Graph, x: &Value, scale: usize) -> Value {
    let (step, _) = steps(scale);
    stages.iter().flatten().fold(x.clone(), |x, conv| {
        let wide = conv.draw(graph, &x);
        graph.pixel_shuffle(&wide, step)
    })
}

/// How many times the weights of [`stages`] enlarge.
pub(super) fn scale_of_stages(state: &StateDict, features: usize) -> Option<usize> {
    let names = (0..4).map(|i| format!("upsample.{}.weight", 2 * i));
    names.filter(|name| state.get(name).is_some()).map(|name| shuffled(state, &name, features)).product()
}
