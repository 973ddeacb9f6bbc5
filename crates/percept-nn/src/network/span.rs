//! SPAN (Wan et al., *Swift Parameter-free Attention Network for Efficient Super-Resolution*, arXiv 2311.12770).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{Conv, conv2d, odd_gate, pixel_shuffle, silu};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
/// How many times wider a re-parameterised convolution is inside.
const GAIN: usize = 2;
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

/// A 3×3 convolution: as it is trained, or as it is applied.
#[derive(Module, Debug)]
enum Conv3xc {
    Branches(Branches),
    Folded(Folded),
}

/// Wide 1×1, 3×3 and 1×1 convolutions one after the other, and a 1×1 convolution beside them. All are linear, and the
/// input is padded before the first: together they are one 3×3 convolution, which is what is computed.
#[derive(Module, Debug)]
struct Branches {
    sk: ConvLayer,
    conv: Vec<ConvLayer>,
    /// How the one that they amount to moves.
    #[module(skip)]
    whole: Conv,
}

/// The one that they amount to.
#[derive(Module, Debug)]
struct Folded {
    eval_conv: ConvLayer,
}

impl Conv3xc {
    fn new(reparameterized: bool, [out, input]: [usize; 2], gain: f64, at: &Init) -> Self {
        if !reparameterized {
            let eval_conv = at.conv("eval_conv", [out, input, 3, 3], gain, Conv::same(3));
            return Self::Folded(Folded { eval_conv });
        }
        let inside = at.at("conv");
        let (wide_in, wide_out) = (GAIN * input, GAIN * out);
        // Each branch has half of the power. Nothing is cut off between the convolutions, so that the deviation which
        // keeps it is 1/√2 of Kaiming's.
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let conv = |name: &str, shape: [usize; 4], gain: f64| inside.conv(name, shape, gain, Conv::default());
        Self::Branches(Branches {
            sk: at.conv("sk", [out, input, 1, 1], half * gain, Conv::default()),
            conv: vec![
                conv("0", [wide_in, input, 1, 1], half),
                conv("1", [wide_out, wide_in, 3, 3], half),
                conv("2", [out, wide_out, 1, 1], half * gain),
            ],
            whole: at.multiplying(Conv::same(3)),
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Branches(branches) => branches.forward(x),
            Self::Folded(folded) => folded.eval_conv.forward(x),
        }
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        match self {
            Self::Branches(branches) => {
                let (weight, bias) = branches.folded();
                graph.conv(x, weight, Some(bias), branches.whole, 1)
            }
            Self::Folded(folded) => folded.eval_conv.draw(graph, x),
        }
    }
}

impl Folded {
    /// Branches that amount to it, of which only one does anything.
    fn branches(&self) -> Vec<(&'static str, Array, Array)> {
        let (weight, bias) = self.eval_conv.parts();
        let [out, input, ..] = weight.dims();
        let (wide_in, wide_out) = (GAIN * input, GAIN * out);
        let device = weight.device();
        let zeros = |shape: [usize; 4]| Tensor::<4>::zeros(shape, &device);
        let none = |channels: usize| Tensor::<1>::zeros([channels], &device);
        // Channels as they are.
        let same = |channels: usize| Tensor::<2>::eye(channels, &device).reshape([channels, channels, 1, 1]);
        let first = Tensor::cat(vec![same(input), zeros([wide_in - input, input, 1, 1])], 0);
        let read = Tensor::cat(vec![weight, zeros([out, wide_in - input, 3, 3])], 1);
        let middle = Tensor::cat(vec![read, zeros([wide_out - out, wide_in, 3, 3])], 0);
        let last = Tensor::cat(vec![same(out), zeros([out, wide_out - out, 1, 1])], 1);
        vec![
            ("sk", Array::of(zeros([out, input, 1, 1])), Array::of(none(out))),
            ("conv.0", Array::of(first), Array::of(none(wide_in))),
            ("conv.1", Array::of(middle), Array::of(none(wide_out))),
            ("conv.2", Array::of(last), Array::of(bias)),
        ]
    }
}

impl Branches {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = self.folded();
        conv2d(x, weight, Some(bias), None, self.whole)
    }

    /// Weight `[out, in, 3, 3]` and bias of the one convolution.
    fn folded(&self) -> (Tensor<4>, Tensor<1>) {
        let (weight, bias) = centred(&self.sk);
        match &self.conv[..] {
            [first, middle, last] => {
                let (inside, beside) = one_after_the_other(first, middle, last);
                (weight + inside, bias + beside)
            }
            _ => (weight, bias),
        }
    }
}

/// Weight `[out, in, 3, 3]` and bias of a 1×1 convolution that reads the middle.
fn centred(conv: &ConvLayer) -> (Tensor<4>, Tensor<1>) {
    let (weight, bias) = conv.parts();
    let [out, input, ..] = weight.dims();
    let side = Tensor::zeros([out, input, 4], &weight.device());
    let row = Tensor::cat(vec![side.clone(), weight.reshape([out, input, 1]), side], 2);
    (row.reshape([out, input, 3, 3]), bias)
}

/// Weight `[out, in, 3, 3]` and bias of a 1×1, a 3×3 and a 1×1 convolution.
fn one_after_the_other(first: &ConvLayer, middle: &ConvLayer, last: &ConvLayer) -> (Tensor<4>, Tensor<1>) {
    let [(first, first_bias), (middle, middle_bias), (last, last_bias)] =
        [first, middle, last].map(ConvLayer::parts);
    let [wide_in, input, ..] = first.dims();
    let wide_out = middle.dims()[0];
    let out = last.dims()[0];
    // A product of matrices for every position of the kernel: `[out, 3, 3, in]`.
    let middle = middle.permute([0, 2, 3, 1]).reshape([wide_out, 9 * wide_in]);
    let last = last.reshape([out, wide_out]);
    let joined = last.clone().matmul(middle).reshape([9 * out, wide_in]);
    let weight = joined.clone().matmul(first.reshape([wide_in, input]));
    let weight = weight.reshape([out, 3, 3, input]).permute([0, 3, 1, 2]);
    // What is constant goes the same way.
    let from_first = joined.matmul(first_bias.reshape([wide_in, 1])).reshape([out, 9]).sum_dim(1);
    let from_middle = last.matmul(middle_bias.reshape([wide_out, 1]));
    (weight, (from_first + from_middle).reshape([out]) + last_bias)
}

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
