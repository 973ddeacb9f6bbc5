//! RealPLKSR: Partial Large Kernel CNNs (Lee, Yun and Ro, arXiv 2404.11848) as photos need them, in the layout of neosr's and
//! traiNNer's files.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, s};
use percept_conv::{Conv, join, mish, pixel_shuffle, sigmoid_gate, sum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, Extent, MOST_BLOCKS, MOST_CHANNELS, Pool, Transform, Unfit, last_place, mean, results,
    shuffled, within,
};
use super::dysample::DySample;
use super::init::Init;
use super::layer::{ConvLayer, LayerNorm};
use crate::onnx::{Attribute, Graph, Value};
use crate::weights::StateDict;

/// An overlap that is enough, as for plain convolutions but with kernels that reach further.
const ENOUGH: usize = 64;
/// Sides that kernels may have.
const MOST_SIDE: usize = 127;

/// Settings of `type = "realplksr"`: RealPLKSR, scales 1 to 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RealPlksrConfig {
    /// Channels of the features, at least 1. Default 64.
    pub dim: usize,
    /// Blocks. Default 28.
    pub n_blocks: usize,
    /// Side of the large kernels, odd, from 1 to 127. Default 17.
    pub kernel_size: usize,
    /// Share of the channels that large kernels read, above 0 and at most 1. Default 0.25.
    pub split_ratio: f64,
    /// Whether values are weighted by an attention. Default true.
    pub use_ea: bool,
    /// Groups of channels that are normalised together, a divisor of `dim`. Default 4.
    pub norm_groups: usize,
    /// Whether pixels are normalised over their channels, instead of groups of channels over the photo. Default false.
    pub layer_norm: bool,
    /// Whether the photo is enlarged by DySample, which learns where to read, instead of a pixel shuffle. Default false.
    pub dysample: bool,
}

impl Default for RealPlksrConfig {
    fn default() -> Self {
        Self {
            dim: 64,
            n_blocks: 28,
            kernel_size: 17,
            split_ratio: 0.25,
            use_ea: true,
            norm_groups: 4,
            layer_norm: false,
            dysample: false,
        }
    }
}

impl RealPlksrConfig {
    /// Channels that large kernels read.
    fn part(&self) -> usize {
        // A share that was a quotient may be a little too small.
        (self.dim as f64 * self.split_ratio + 1e-9) as usize
    }
}

impl Architecture for RealPlksrConfig {
    type Network = RealPlksr;

    const ABOUT: &'static str = "RealPLKSR, with large kernels on a part of its channels";
    const SCALES: &'static [usize] = &[1, 2, 3, 4];

    fn check(&self) -> Result<(), Unfit> {
        within("dim", self.dim, 1, MOST_CHANNELS)?;
        within("n_blocks", self.n_blocks, 0, MOST_BLOCKS)?;
        within("kernel_size", self.kernel_size, 1, MOST_SIDE)?;
        within("norm_groups", self.norm_groups, 1, MOST_CHANNELS)?;
        if self.kernel_size.is_multiple_of(2) {
            return Err(("kernel_size", format!("must be odd; it is {}", self.kernel_size)));
        }
        if !self.layer_norm && !self.dim.is_multiple_of(self.norm_groups) {
            return Err(("norm_groups", format!("must divide dim, which is {}", self.dim)));
        }
        if !(self.split_ratio <= 1.0 && self.part() > 0) {
            let problem =
                format!("must be at most 1 and leave a channel of {}; it is {}", self.dim, self.split_ratio);
            return Err(("split_ratio", problem));
        }
        Ok(())
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> RealPlksr {
        RealPlksr::new(self, scale, in_channels, init)
    }

    /// What a block joins and multiplies; DySample reads all its channels at every pixel of the result.
    fn extent(&self, scale: usize) -> Extent {
        let pixels = scale * scale;
        let sampled = if self.dysample { 6 * pixels * pixels + 32 * pixels } else { 0 };
        Extent {
            multiple: 1,
            overlap: ENOUGH.min(self.n_blocks * (self.kernel_size / 2 + 3) + 2),
            floats: 10 * self.dim + 9 * pixels + sampled,
        }
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let dim = results(state, "feats.0.weight", self.dim);
        let large = state.get("feats.1.lk.conv.weight").map(|array| &array.shape[..]);
        let part = large.and_then(|shape| shape.first().copied());
        let asked = Self { dim, ..self.clone() };
        let split_ratio = match part {
            Some(part) if part != asked.part() => part as f64 / dim.max(1) as f64,
            _ => self.split_ratio,
        };
        Self {
            // Behind the blocks stand a place that training needs, and the last convolution.
            n_blocks: last_place(state, "feats.").saturating_sub(2),
            kernel_size: large.and_then(|shape| shape.get(2).copied()).unwrap_or(self.kernel_size),
            split_ratio,
            use_ea: state.get("feats.1.attn.f.0.weight").is_some(),
            layer_norm: state.get("feats.1.layer_norm.weight").is_some(),
            dysample: state.get("to_img.init_pos").is_some(),
            ..asked
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        shuffled(state, &format!("feats.{}.weight", last_place(state, "feats.")), 3)
    }
}

/// What group normalisation adds to the variance.
const EPSILON: f64 = 1e-5;

/// Normalises groups of channels over the whole photo.
#[derive(Module, Debug)]
struct GroupNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    groups: usize,
}

impl GroupNorm {
    fn new(channels: usize, groups: usize, init: &Init) -> Self {
        Self { weight: init.full([channels], 1.0), bias: init.full([channels], 0.0), groups }
    }

    /// Without a pool, with the means of `x`.
    fn forward(&self, x: Tensor<4>, pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let [n, _, _, c] = x.dims();
        let both = Tensor::cat(vec![x.clone(), x.clone().square()], 3);
        let means = match pool {
            Some(pool) => pool(both, &mean)?,
            None => mean(both),
        };
        let (groups, each) = (self.groups, c / self.groups);
        // Of every group, for each of its channels.
        let of_groups = |means: Tensor<4>| {
            let means = means.reshape([n, groups, each]).mean_dim(2);
            means.expand([n, groups, each]).reshape([n, 1, 1, c])
        };
        let mean = of_groups(means.clone().slice(s![.., .., .., 0..c]));
        let squares = of_groups(means.slice(s![.., .., .., c..2 * c]));
        let variance = (squares - mean.clone().square()).clamp_min(0.0);
        let scale = self.weight.val().reshape([1, 1, 1, c]) / variance.add_scalar(EPSILON).sqrt();
        Some((x - mean) * scale + self.bias.val().reshape([1, 1, 1, c]))
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        graph.group_norm(x, self.groups, self.weight.val(), self.bias.val(), EPSILON)
    }
}

/// A large kernel.
#[derive(Module, Debug)]
struct Large {
    conv: ConvLayer,
}

/// What weights values by themselves.
#[derive(Module, Debug)]
struct Attention {
    /// A convolution; what follows it has no parameters.
    f: Vec<ConvLayer>,
}

/// Mixes channels, reads far with a part of them, weights and refines.
#[derive(Module, Debug)]
struct Block {
    layer_norm: Option<LayerNorm>,
    /// Two convolutions with the place of an activation between them.
    channel_mixer: Vec<Option<ConvLayer>>,
    lk: Large,
    attn: Option<Attention>,
    refine: ConvLayer,
    norm: Option<GroupNorm>,
}

impl Block {
    fn new(config: &RealPlksrConfig, at: &Init) -> Self {
        let (c, part, side) = (config.dim, config.part(), config.kernel_size);
        let mixer = at.at("channel_mixer");
        let plain = Conv::same(3);
        let attention = || Attention { f: vec![at.at("attn.f").conv("0", [c, c, 3, 3], 0.5, plain)] };
        Self {
            layer_norm: config.layer_norm.then(|| LayerNorm::new(c, at)),
            channel_mixer: vec![
                Some(mixer.conv("0", [2 * c, c, 3, 3], 1.0, plain)),
                None,
                Some(mixer.conv("2", [c, 2 * c, 3, 3], 1.0, plain)),
            ],
            lk: Large { conv: at.at("lk").conv("conv", [part, part, side, side], 1.0, Conv::same(side)) },
            attn: config.use_ea.then(attention),
            refine: at.conv("refine", [c, c, 1, 1], 0.1, Conv::default()),
            norm: (!config.layer_norm).then(|| GroupNorm::new(c, config.norm_groups, at)),
        }
    }

    fn forward(&self, x: Tensor<4>, pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let mut y = self.layer_norm.iter().fold(x.clone(), |y, norm| norm.forward(y));
        if let [Some(first), _, Some(second)] = &self.channel_mixer[..] {
            y = second.forward(mish(first.forward(y)));
        }
        y = self.lk.forward(y);
        for conv in self.attn.iter().flat_map(|attention| &attention.f) {
            y = sigmoid_gate(y.clone(), conv.forward(y));
        }
        match &self.norm {
            Some(norm) => Some(sum(norm.forward(self.refine.forward(y), pool)?, x, 1.0)),
            None => Some(self.refine.forward_onto(y, x)),
        }
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let mut y = self.layer_norm.iter().fold(x.clone(), |y, norm| norm.draw(graph, &y));
        if let [Some(first), _, Some(second)] = &self.channel_mixer[..] {
            y = first.draw(graph, &y);
            y = graph.mish(&y);
            y = second.draw(graph, &y);
        }
        y = self.lk.draw(graph, &y, self.refine.parts().0.dims()[1]);
        for conv in self.attn.iter().flat_map(|attention| &attention.f) {
            let attention = conv.draw(graph, &y);
            let attention = graph.op("Sigmoid", &[&attention]);
            y = graph.mul(&y, &attention);
        }
        y = self.refine.draw(graph, &y);
        y = self.norm.iter().fold(y, |y, norm| norm.draw(graph, &y));
        graph.add(&y, x)
    }
}

impl Large {
    /// The first channels as the kernel makes them, the others as they are.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (all, part) = (x.dims()[3], self.conv.parts().0.dims()[0]);
        let read = self.conv.forward(x.clone().slice(s![.., .., .., 0..part]));
        if part == all { read } else { join(read, x.slice(s![.., .., .., part..all])) }
    }

    /// Where `x` has `all` channels.
    fn draw(&self, graph: &mut Graph, x: &Value, all: usize) -> Value {
        let part = self.conv.parts().0.dims()[0];
        if part == all {
            return self.conv.draw(graph, x);
        }
        let [read, kept] = [0..part, part..all].map(|range| graph.channels(x, range));
        let read = self.conv.draw(graph, &read);
        graph.joined(&[&read, &kept])
    }
}

/// One place of the features.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are blocks")]
enum Place {
    Conv(ConvLayer),
    Block(Block),
}

/// Blocks at the input's size, enlarged at the end; the input is added before that where it is a picture.
#[derive(Module, Debug)]
pub struct RealPlksr {
    feats: Vec<Option<Place>>,
    to_img: Option<DySample>,
    #[module(skip)]
    scale: usize,
    #[module(skip)]
    adds_input: bool,
}

impl RealPlksr {
    fn new(config: &RealPlksrConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let at = init.at("feats");
        let results = 3 * scale * scale;
        let conv = |place: usize, [out, input]: [usize; 2], gain| {
            Some(Place::Conv(at.conv(&place.to_string(), [out, input, 3, 3], gain, Conv::same(3))))
        };
        let blocks = (1..=config.n_blocks).map(|i| Some(Place::Block(Block::new(config, &at.at(i)))));
        let feats = [conv(0, [config.dim, in_channels], 1.0)]
            .into_iter()
            .chain(blocks)
            // It begins close to the enlarged input.
            .chain([None, conv(config.n_blocks + 2, [results, config.dim], 0.1)]);
        Self {
            feats: feats.collect(),
            to_img: config.dysample.then(|| DySample::new(results, scale, &init.at("to_img"))),
            scale,
            adds_input: in_channels == 3,
        }
    }

    fn through(&self, x: Tensor<4>, mut pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let mut y = x.clone();
        for place in self.feats.iter().flatten() {
            y = match place {
                Place::Conv(conv) => conv.forward(y),
                Place::Block(block) => block.forward(y, pool.as_deref_mut())?,
            };
        }
        if self.adds_input {
            let [n, h, w, c] = x.dims();
            let times = self.scale * self.scale;
            let repeated = x.reshape([n, h, w, c, 1]).expand([n, h, w, c, times]);
            y = y + repeated.reshape([n, h, w, c * times]);
        }
        Some(match &self.to_img {
            Some(dysample) => dysample.forward(y),
            None => pixel_shuffle(y, self.scale),
        })
    }
}

impl Transform for RealPlksr {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let ([n, h, w, _], device) = (x.dims(), x.device());
        // Only a pool stops, so there is always a result.
        let none = || Tensor::zeros([n, h * self.scale, w * self.scale, 3], &device);
        self.through(x, None).unwrap_or_else(none)
    }

    /// With other means than those of `x`: of the image that `x` is a tile of.
    fn forward_pooled(&self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
        self.through(x, Some(pool))
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let mut y = x.clone();
        for place in self.feats.iter().flatten() {
            y = match place {
                Place::Conv(conv) => conv.draw(graph, &y),
                Place::Block(block) => block.draw(graph, &y),
            };
        }
        if self.adds_input {
            let times = self.scale * self.scale;
            let places: Vec<_> = (0..3 * times).map(|place| (place / times) as i64).collect();
            let places = graph.ints(&places);
            let repeated = graph.node("Gather", &[x, &places], &[("axis", Attribute::Int(1))]);
            y = graph.add(&y, &repeated);
        }
        match &self.to_img {
            Some(dysample) => dysample.draw(graph, &y),
            None => graph.pixel_shuffle(&y, self.scale),
        }
    }
}
