//! SPAN (Wan et al., *Swift Parameter-free Attention Network for Efficient Super-Resolution*, arXiv 2311.12770).

mod conv3xc;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{Conv, odd_gate, pixel_shuffle, silu};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::conv3xc::Conv3xc;
use super::architecture::{
    Architecture, ENOUGH, Extent, MOST_CHANNELS, Transform, Unfit, made, read_by, results, shuffled, within,
};
use super::init::Init;
use super::layer::ConvLayer;
use super::order::Order;
use crate::onnx::{Graph, Value};
use crate::weights::{Array, StateDict};

/// Convolutions of 3×3 from end to end: the first, three in each of six blocks, the one behind them, the last.
const DEPTH: usize = 21;
/// The largest range of values that is anyone's.
const MOST_RANGE: f64 = 65_535.0;

/// Settings of `type = "span"`: SPAN, scales 1, 2, 3, 4 and 8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpanConfig {
    /// Channels of the features, at least 1. Default 48.
    pub feature_channels: usize,
    /// Channels that the upsampler reads, at least 1. Default as many as `feature_channels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 20)]
    pub cat_channels: Option<usize>,
    /// Whether the mean colour is taken from the photo, and its values grow to `img_range`. The authors have true;
    /// from nothing, false learns far sooner. Default false.
    pub norm: bool,
    /// The range of values that the network reads where `norm` is true, above 0 and at most 65535. Default 255.
    pub img_range: f64,
    /// The mean colour that `norm` takes away, each from 0 to 1. Default 0.4488, 0.4371, 0.4040.
    pub rgb_mean: [f64; 3],
    /// Whether convolutions are trained in three branches that amount to one, as the authors do. A file with folded
    /// convolutions (`eval_conv`) is trained on with false. Both are equally fast. Default true.
    pub reparameterized: bool,
    /// Whether the upsampler is held to answer what is constant with what is constant. A network that has to invent texture
    /// draws a grid of `scale` pixels in smooth parts otherwise. It can be trained on so from any SPAN, and what is saved is
    /// an ordinary one. Default false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(example = true)]
    pub even: bool,
}

impl Default for SpanConfig {
    fn default() -> Self {
        Self {
            feature_channels: 48,
            cat_channels: None,
            norm: false,
            img_range: 255.0,
            rgb_mean: [0.4488, 0.4371, 0.4040],
            reparameterized: true,
            even: false,
        }
    }
}

impl SpanConfig {
    fn cat_channels(&self) -> usize {
        self.cat_channels.unwrap_or(self.feature_channels)
    }
}

impl Architecture for SpanConfig {
    type Network = Span;

    const ABOUT: &'static str = "SPAN, small and fast";
    const SCALES: &'static [usize] = &[1, 2, 3, 4, 8];

    fn check(&self) -> Result<(), Unfit> {
        within("feature_channels", self.feature_channels, 1, MOST_CHANNELS)?;
        within("cat_channels", self.cat_channels(), 1, MOST_CHANNELS)?;
        if !(self.img_range > 0.0 && self.img_range <= MOST_RANGE) {
            return Err((
                "img_range",
                format!("must be above 0 and at most {MOST_RANGE}; it is {}", self.img_range),
            ));
        }
        match self.rgb_mean.iter().find(|mean| !(0.0..=1.0).contains(*mean)) {
            Some(mean) => Err(("rgb_mean", format!("must be from 0 to 1; one is {mean}"))),
            None => Ok(()),
        }
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> Span {
        Span::new(self, scale, in_channels, init)
    }

    /// Four maps that wait for the end, what joins them, and the result before and after the shuffle.
    fn extent(&self, scale: usize) -> Extent {
        Extent {
            multiple: 1,
            overlap: ENOUGH.min(DEPTH),
            floats: 8 * self.feature_channels + self.cat_channels() + 6 * scale * scale,
        }
    }

    /// Beside the branches, the folded convolution is only what they once amounted to; but branches that were made of it are
    /// known by one that does nothing.
    fn with_our_names(mut state: StateDict) -> StateDict {
        if let Some(state) = named(&state) {
            return state;
        }
        // It says what it does by its name, of whatever shape.
        if let Some(array) = state.remove(UNNORMALISED) {
            let data = array.data.into_iter().take(1).collect();
            state.insert(UNNORMALISED, Array { shape: vec![1], data });
        }
        let Some(beside) = state.get("conv_1.sk.weight") else { return state };
        let made = !beside.data.is_empty() && beside.data.iter().all(|value| *value == 0.0);
        let made = made && state.get("conv_1.eval_conv.weight").is_some();
        state.renamed(|name| {
            let folded = name.contains(".eval_conv.");
            let branch = name.contains(".sk.") || name.contains(".conv.");
            let kept = if made { !branch } else { !folded };
            kept.then(|| name.to_string())
        })
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let reparameterized = state.get("conv_1.sk.weight").is_some();
        let first = if reparameterized { "conv_1.sk.weight" } else { "conv_1.eval_conv.weight" };
        Self {
            feature_channels: results(state, first, self.feature_channels),
            cat_channels: Some(results(state, "conv_cat.weight", self.cat_channels())),
            norm: state.get(UNNORMALISED).is_none(),
            reparameterized,
            ..self.clone()
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        shuffled(state, "upsampler.0.weight", self.in_channels(state))
    }

    fn in_channels(&self, state: &StateDict) -> usize {
        let first = ["conv_1.sk.weight", "conv_1.eval_conv.weight"];
        first.into_iter().map(|name| read_by(state, name)).min().unwrap_or(3)
    }

    fn completed(&self) -> Self {
        Self { cat_channels: Some(self.cat_channels()), ..self.clone() }
    }

    fn as_saved(&self) -> Self {
        Self { even: false, ..self.clone() }
    }
}

/// Names for weights that come without, in their order. The only constants are the authors' mean colour.
fn named(state: &StateDict) -> Option<StateDict> {
    let order = Order::of(state)?;
    let mean = SpanConfig::default().rgb_mean;
    let is_mean = |values: &[f32]| values.iter().zip(mean).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-3);
    if order.data.len() > 1 || !order.data.iter().all(|place| order.values(place).is_some_and(is_mean)) {
        return None;
    }
    let blocks = (1..=6).flat_map(|i| (1..=3).map(move |c| format!("block_{i}.c{c}_r.eval_conv")));
    let names = ["conv_1.eval_conv".to_string()]
        .into_iter()
        .chain(blocks)
        .chain(["conv_2.eval_conv", "conv_cat", "upsampler.0"].map(str::to_string));
    let mut state = order.named(&names.collect::<Vec<_>>(), &[])?;
    if order.data.is_empty() {
        state.insert(UNNORMALISED, Array { shape: vec![1], data: vec![0.0] });
    }
    Some(state)
}

/// The name by which weights say that they read photos as they are.
const UNNORMALISED: &str = "no_norm";

/// Three convolutions; what they find is their own attention.
#[derive(Module, Debug)]
struct Spab {
    c1_r: Conv3xc,
    c2_r: Conv3xc,
    c3_r: Conv3xc,
}

impl Spab {
    fn new(reparameterized: bool, c: usize, at: &Init) -> Self {
        let conv = |name: &str| Conv3xc::new(reparameterized, [c, c], 1.0, &at.at(name));
        Self { c1_r: conv("c1_r"), c2_r: conv("c2_r"), c3_r: conv("c3_r") }
    }

    /// Its result, and what the first convolution found.
    fn forward(&self, x: Tensor<4>) -> [Tensor<4>; 2] {
        let first = silu(self.c1_r.forward(x.clone()));
        let second = silu(self.c2_r.forward(first.clone()));
        let third = self.c3_r.forward(second);
        // σ(v) − ½ is an odd function: what is far from zero, on either side, counts.
        [odd_gate(x, third), first]
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> [Value; 2] {
        let first = self.c1_r.draw(graph, x);
        let first = graph.silu(&first);
        let second = self.c2_r.draw(graph, &first);
        let second = graph.silu(&second);
        let third = self.c3_r.draw(graph, &second);
        let sigmoid = graph.op("Sigmoid", &[&third]);
        let half = graph.float(0.5);
        let attention = graph.op("Sub", &[&sigmoid, &half]);
        let sum = graph.add(&third, x);
        [graph.mul(&sum, &attention), first]
    }
}

/// Six blocks whose attention has no parameters, at the input's size; the first features, the first and the last blocks'
/// results are joined and enlarged.
#[derive(Module, Debug)]
pub struct Span {
    conv_1: Conv3xc,
    block_1: Spab,
    block_2: Spab,
    block_3: Spab,
    block_4: Spab,
    block_5: Spab,
    block_6: Spab,
    conv_cat: ConvLayer,
    conv_2: Conv3xc,
    /// A convolution; the pixel shuffle behind it has no parameters.
    upsampler: Vec<ConvLayer>,
    /// Is there where photos are read as they are. Its value says nothing.
    no_norm: Option<Param<Tensor<1>>>,
    #[module(skip)]
    img_range: f64,
    #[module(skip)]
    rgb_mean: [f64; 3],
    #[module(skip)]
    scale: usize,
    /// Other images than photos have no mean colour.
    #[module(skip)]
    centred: bool,
    #[module(skip)]
    even: bool,
}

impl Span {
    fn new(config: &SpanConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let (c, reparameterized) = (config.feature_channels, config.reparameterized);
        let block = |name: &str| Spab::new(reparameterized, c, &init.at(name));
        let conv = |name: &str, shape, gain| Conv3xc::new(reparameterized, shape, gain, &init.at(name));
        Self {
            conv_1: conv("conv_1", [c, in_channels], 1.0),
            block_1: block("block_1"),
            block_2: block("block_2"),
            block_3: block("block_3"),
            block_4: block("block_4"),
            block_5: block("block_5"),
            block_6: block("block_6"),
            conv_cat: init.conv("conv_cat", [config.cat_channels(), 4 * c, 1, 1], 1.0, Conv::default()),
            conv_2: conv("conv_2", [c, c], 1.0),
            upsampler: vec![init.at("upsampler").conv(
                "0",
                [made(in_channels) * scale * scale, config.cat_channels(), 3, 3],
                // Features are as large as `img_range`, and the result is not.
                if config.norm { 0.5 / config.img_range } else { 0.5 },
                Conv::same(3),
            )],
            no_norm: (!config.norm).then(|| init.full([1], 0.0).set_require_grad(false)),
            img_range: config.img_range,
            rgb_mean: config.rgb_mean,
            scale,
            centred: in_channels == 3,
            even: config.even,
        }
    }

    /// Every convolution that may have branches, by its name.
    fn convs(&self) -> impl Iterator<Item = (String, &Conv3xc)> {
        let blocks =
            [&self.block_1, &self.block_2, &self.block_3, &self.block_4, &self.block_5, &self.block_6];
        let inside = blocks.into_iter().enumerate().flat_map(|(i, block)| {
            let convs = [("c1_r", &block.c1_r), ("c2_r", &block.c2_r), ("c3_r", &block.c3_r)];
            convs.map(|(name, conv)| (format!("block_{}.{name}", i + 1), conv))
        });
        let around = [("conv_1", &self.conv_1), ("conv_2", &self.conv_2)];
        around.into_iter().map(|(name, conv)| (name.to_string(), conv)).chain(inside)
    }

    /// What the first convolution reads.
    fn normalised(&self, x: Tensor<4>) -> Tensor<4> {
        if self.no_norm.is_some() {
            return x;
        }
        let x = if self.centred {
            let mean = Tensor::<1>::from_floats(self.rgb_mean, &x.device());
            x - mean.reshape([1, 1, 1, 3])
        } else {
            x
        };
        x.mul_scalar(self.img_range)
    }
}

impl Transform for Span {
    /// The authors' files have the folded convolutions beside the branches, and other tools want both; and the upsampler as it
    /// acts.
    fn saved(&self, mut state: StateDict) -> StateDict {
        for (name, conv) in self.convs() {
            let beside = match conv {
                Conv3xc::Branches(branches) => {
                    let (weight, bias) = branches.folded();
                    vec![("eval_conv", Array::of(weight), Array::of(bias))]
                }
                Conv3xc::Folded(folded) => folded.branches(),
            };
            for (part, weight, bias) in beside {
                state.insert(&format!("{name}.{part}.weight"), weight);
                state.insert(&format!("{name}.{part}.bias"), bias);
            }
        }
        for (i, conv) in self.upsampler.iter().enumerate().filter(|_| self.even) {
            let (weight, bias) = conv.even(self.scale);
            state.insert(&format!("upsampler.{i}.weight"), Array::of(weight));
            if let Some(bias) = bias {
                state.insert(&format!("upsampler.{i}.bias"), Array::of(bias));
            }
        }
        state
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let features = self.conv_1.forward(self.normalised(x));
        let [first, _] = self.block_1.forward(features.clone());
        let mut y = first.clone();
        for block in [&self.block_2, &self.block_3, &self.block_4, &self.block_5] {
            [y, _] = block.forward(y);
        }
        let [y, inside] = self.block_6.forward(y);
        let all = Tensor::cat(vec![features, self.conv_2.forward(y), first, inside], 3);
        let y = self.upsampler.iter().fold(self.conv_cat.forward(all), |y, conv| match self.even {
            true => conv.forward_even(y, self.scale),
            false => conv.forward(y),
        });
        pixel_shuffle(y, self.scale)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let mut x = x.clone();
        if self.no_norm.is_none() {
            if self.centred {
                let mean = graph.floats(&[3, 1, 1], &self.rgb_mean.map(|mean| mean as f32));
                x = graph.op("Sub", &[&x, &mean]);
            }
            x = graph.times(&x, self.img_range);
        }
        let features = self.conv_1.draw(graph, &x);
        let [first, _] = self.block_1.draw(graph, &features);
        let mut y = first.clone();
        for block in [&self.block_2, &self.block_3, &self.block_4, &self.block_5] {
            [y, _] = block.draw(graph, &y);
        }
        let [y, inside] = self.block_6.draw(graph, &y);
        let last = self.conv_2.draw(graph, &y);
        let all = graph.joined(&[&features, &last, &first, &inside]);
        let all = self.conv_cat.draw(graph, &all);
        let y = self.upsampler.iter().fold(all, |y, conv| match self.even {
            true => conv.draw_even(graph, &y, self.scale),
            false => conv.draw(graph, &y),
        });
        graph.pixel_shuffle(&y, self.scale)
    }
}
