//! Restormer (Zamir et al., *Restormer: Efficient Transformer for High-Resolution Image Restoration*, CVPR 2022).

use burn::module::{Module, Param};
use burn::tensor::{Tensor, s};
use percept_conv::{Conv, gelu, pixel_shuffle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, Extent, MOST_BLOCKS, MOST_CHANNELS, Pool, Transform, Unfit, made, places, read_by, results,
    within,
};
use super::border::{Border, Edges};
use super::covariance::{by_image, shares, statistics};
use super::init::Init;
use super::layer::{ConvLayer, LayerNorm, cut, mirror_to_multiple, pixel_unshuffle};
use super::upsampler::GAIN;
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// An overlap that is enough, as for NAFNet.
const ENOUGH: usize = 64;
/// Levels of the U-Net.
const LEVELS: usize = 4;
/// Sides are halved three times.
const MULTIPLE: usize = 8;

/// Settings of `type = "restormer"`: Restormer, a U-Net for pictures that keep their size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RestormerConfig {
    /// Channels at the first level, doubled at each one below; a multiple of the first number of heads. Default 48.
    pub dim: usize,
    /// Blocks by level, on the way down and up alike. Default 4, 6, 6, 8.
    pub num_blocks: [usize; LEVELS],
    /// Blocks behind the last level. Default 4.
    pub num_refinement_blocks: usize,
    /// Heads of attention by level. Default 1, 2, 4, 8.
    pub heads: [usize; LEVELS],
    /// How many times more channels are gated, above 0 and at most 64. Default 2.66.
    pub ffn_expansion_factor: f64,
    /// Whether convolutions add a bias. Default false.
    pub bias: bool,
    /// How pixels are normalised: `WithBias`, or `BiasFree`, which the authors have for noise. Default `WithBias`.
    pub layer_norm_type: LayerNormType,
}

/// How Restormer normalises pixels over their channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LayerNormType {
    /// To mean 0 and deviation 1, then a weight and a bias.
    #[default]
    WithBias,
    /// To deviation 1, then a weight.
    BiasFree,
}

impl Default for RestormerConfig {
    fn default() -> Self {
        Self {
            dim: 48,
            num_blocks: [4, 6, 6, 8],
            num_refinement_blocks: 4,
            heads: [1, 2, 4, 8],
            ffn_expansion_factor: 2.66,
            bias: false,
            layer_norm_type: LayerNormType::WithBias,
        }
    }
}

/// Channels that are gated, of so many.
fn hidden(channels: usize, factor: f64) -> usize {
    // A factor that was a quotient may be a little too small.
    (channels as f64 * factor + 1e-9) as usize
}

impl Architecture for RestormerConfig {
    type Network = Restormer;

    const ABOUT: &'static str =
        "Restormer, a U-Net with attention between channels, for pictures that keep their size";
    const SCALES: &'static [usize] = &[1];

    fn check(&self) -> Result<(), Unfit> {
        within("dim", self.dim, 2, MOST_CHANNELS >> (LEVELS - 1))?;
        if !self.dim.is_multiple_of(2) {
            return Err(("dim", format!("must be even; it is {}", self.dim)));
        }
        self.num_blocks.iter().try_for_each(|blocks| within("num_blocks", *blocks, 0, MOST_BLOCKS))?;
        within("num_refinement_blocks", self.num_refinement_blocks, 0, MOST_BLOCKS)?;
        for (level, heads) in self.heads.into_iter().enumerate() {
            // The first level's blocks on the way up have twice as many channels.
            if heads == 0 || !(self.dim << level).is_multiple_of(heads) {
                let channels = self.dim << level;
                return Err((
                    "heads",
                    format!("must divide the channels of their level; {heads} and {channels}"),
                ));
            }
        }
        match self.ffn_expansion_factor <= 64.0 && hidden(self.dim, self.ffn_expansion_factor) > 0 {
            true => Ok(()),
            false => {
                let problem = format!("must be above 0 and at most 64; it is {}", self.ffn_expansion_factor);
                Err(("ffn_expansion_factor", problem))
            }
        }
    }

    fn init(&self, _: usize, in_channels: usize, init: &Init) -> Restormer {
        Restormer::new(self, in_channels, init)
    }

    /// Two 3×3 convolutions a block; a pixel of level l covers 2^l. Behind the last level there are twice the channels.
    fn extent(&self, _: usize) -> Extent {
        let levels = self.num_blocks.iter().enumerate();
        let sides = levels.map(|(level, blocks)| (4 * blocks + 4) << level);
        let widest = 2 * self.dim;
        Extent {
            multiple: MULTIPLE,
            overlap: ENOUGH.min(2 + sides.sum::<usize>() + 2 * self.num_refinement_blocks),
            floats: (3 * widest).max(2 * hidden(widest, self.ffn_expansion_factor)) * 2 + 2 * widest,
        }
    }

    /// As its authors' programs do before the network; `spandrel` does not have it.
    fn border(&self, multiple: usize) -> Border {
        Border::to_multiple(multiple, Edges::Mirrored)
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let dim = results(state, "patch_embed.proj.weight", self.dim);
        let has = |name: &str| state.get(name).is_some();
        let deepest = dim << (LEVELS - 1);
        let inside =
            state.get("latent.0.ffn.project_out.weight").and_then(|array| array.shape.get(1).copied());
        let ffn_expansion_factor = match inside {
            Some(inside) if inside != hidden(deepest, self.ffn_expansion_factor) => {
                inside as f64 / deepest.max(1) as f64
            }
            _ => self.ffn_expansion_factor,
        };
        let mut heads = self.heads;
        for (heads, level) in heads.iter_mut().zip(DOWN) {
            *heads = results(state, &format!("{level}.0.attn.temperature"), *heads);
        }
        let with_bias = has("encoder_level1.0.norm1.body.bias") || has("refinement.0.norm1.body.bias");
        Self {
            dim,
            num_blocks: DOWN.map(|level| places(state, &format!("{level}."))),
            num_refinement_blocks: places(state, "refinement."),
            heads,
            ffn_expansion_factor,
            bias: has("output.bias"),
            layer_norm_type: if with_bias { LayerNormType::WithBias } else { LayerNormType::BiasFree },
        }
    }

    fn scale(&self, _: &StateDict) -> Option<usize> {
        Some(1)
    }

    fn in_channels(&self, state: &StateDict) -> usize {
        read_by(state, "patch_embed.proj.weight")
    }
}

/// The levels on the way down.
const DOWN: [&str; LEVELS] = ["encoder_level1", "encoder_level2", "encoder_level3", "latent"];

/// Added to variances.
const EPSILON: f64 = 1e-5;

/// Normalises every pixel over its channels, without taking its mean away.
#[derive(Module, Debug)]
struct Scaled {
    weight: Param<Tensor<1>>,
}

impl Scaled {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let centred = x.clone() - x.clone().mean_dim(3);
        let deviation = centred.square().mean_dim(3).add_scalar(EPSILON).sqrt();
        let weight = self.weight.val();
        let channels = weight.dims()[0];
        x / deviation * weight.reshape([1, 1, 1, channels])
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let [_, deviation] = graph.deviation(x, EPSILON);
        let y = graph.op("Div", &[x, &deviation]);
        let weight = graph.of_channels(self.weight.val());
        graph.mul(&y, &weight)
    }
}

/// Either way to normalise.
#[derive(Module, Debug)]
enum Either {
    WithBias(LayerNorm),
    BiasFree(Scaled),
}

/// The place of what normalises.
#[derive(Module, Debug)]
struct Norm {
    body: Either,
}

impl Norm {
    fn new(kind: LayerNormType, channels: usize, init: &Init) -> Self {
        let body = match kind {
            LayerNormType::WithBias => Either::WithBias(LayerNorm::of_torch(channels, init)),
            LayerNormType::BiasFree => Either::BiasFree(Scaled { weight: init.full([channels], 1.0) }),
        };
        Self { body }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.body {
            Either::WithBias(norm) => norm.forward(x),
            Either::BiasFree(norm) => norm.forward(x),
        }
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        match &self.body {
            Either::WithBias(norm) => norm.draw(graph, x),
            Either::BiasFree(norm) => norm.draw(graph, x),
        }
    }
}

/// Attention between channels.
#[derive(Module, Debug)]
struct Attention {
    temperature: Param<Tensor<3>>,
    qkv: ConvLayer,
    qkv_dwconv: ConvLayer,
    project_out: ConvLayer,
}

impl Attention {
    /// `attention(x) + residual`.
    fn forward_onto(
        &self,
        x: Tensor<4>,
        residual: Tensor<4>,
        pool: Option<&mut Pool<'_>>,
    ) -> Option<Tensor<4>> {
        let qkv = self.qkv_dwconv.forward_depthwise(self.qkv.forward(x));
        let found = match pool {
            Some(pool) => pool(qkv.clone(), &statistics)?,
            None => statistics(qkv.clone()),
        };
        let (shares, _) = shares(found, self.temperature.val());
        // One matrix does what two would, one after the other.
        let (weight, bias) = self.project_out.parts();
        let [out, c, ..] = weight.dims();
        let matrices = weight.reshape([1, out, c]).matmul(shares);
        let values = qkv.slice(s![.., .., .., 2 * c..3 * c]);
        Some(by_image(values, matrices, Some(residual)) + bias.reshape([1, 1, 1, out]))
    }

    fn draw_onto(&self, graph: &mut Graph, x: &Value, residual: &Value) -> Value {
        let qkv = self.qkv.draw(graph, x);
        let qkv = self.qkv_dwconv.draw_depthwise(graph, &qkv);
        let y = graph.channel_attention(&qkv, self.project_out.reads(), self.temperature.val());
        self.project_out.draw_onto(graph, &y, residual)
    }
}

/// Channels that gate others.
#[derive(Module, Debug)]
struct FeedForward {
    project_in: ConvLayer,
    dwconv: ConvLayer,
    project_out: ConvLayer,
}

impl FeedForward {
    /// `gated(x) + residual`.
    fn forward_onto(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        let both = self.dwconv.forward_depthwise(self.project_in.forward(x));
        let half = both.dims()[3] / 2;
        let gate = gelu(both.clone().slice(s![.., .., .., 0..half]));
        self.project_out.forward_onto(gate * both.slice(s![.., .., .., half..2 * half]), residual)
    }

    fn draw_onto(&self, graph: &mut Graph, x: &Value, residual: &Value) -> Value {
        let both = self.project_in.draw(graph, x);
        let both = self.dwconv.draw_depthwise(graph, &both);
        let half = self.project_out.reads();
        let [gate, values] = [0, half].map(|from| graph.channels(&both, from..from + half));
        let gate = graph.gelu(&gate);
        let y = graph.mul(&gate, &values);
        self.project_out.draw_onto(graph, &y, residual)
    }
}

/// Attention, then a gate, each onto a skip connection.
#[derive(Module, Debug)]
struct Block {
    norm1: Norm,
    attn: Attention,
    norm2: Norm,
    ffn: FeedForward,
}

impl Block {
    fn new(config: &RestormerConfig, c: usize, heads: usize, at: &Init) -> Self {
        let inside = hidden(c, config.ffn_expansion_factor);
        let conv = |name: &str, part: &str, shape| {
            config.biased(at.at(part).conv(name, shape, GAIN, Conv::default()))
        };
        let each = |name: &str, part: &str, c| {
            config.biased(at.at(part).conv(name, [c, 1, 3, 3], GAIN, Conv::same(3)))
        };
        Self {
            norm1: Norm::new(config.layer_norm_type, c, at),
            attn: Attention {
                temperature: at.full([heads, 1, 1], 1.0),
                qkv: conv("qkv", "attn", [3 * c, c, 1, 1]),
                qkv_dwconv: each("qkv_dwconv", "attn", 3 * c),
                project_out: conv("project_out", "attn", [c, c, 1, 1]),
            },
            norm2: Norm::new(config.layer_norm_type, c, at),
            ffn: FeedForward {
                project_in: conv("project_in", "ffn", [2 * inside, c, 1, 1]),
                dwconv: each("dwconv", "ffn", 2 * inside),
                project_out: conv("project_out", "ffn", [c, inside, 1, 1]),
            },
        }
    }

    fn forward(&self, x: Tensor<4>, pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let x = self.attn.forward_onto(self.norm1.forward(x.clone()), x, pool)?;
        Some(self.ffn.forward_onto(self.norm2.forward(x.clone()), x))
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let y = self.norm1.draw(graph, x);
        let x = self.attn.draw_onto(graph, &y, x);
        let y = self.norm2.draw(graph, &x);
        self.ffn.draw_onto(graph, &y, &x)
    }
}

impl RestormerConfig {
    fn biased(&self, conv: ConvLayer) -> ConvLayer {
        if self.bias { conv } else { conv.unbiased() }
    }
}

/// The place of a convolution.
#[derive(Module, Debug)]
struct Projection {
    proj: ConvLayer,
}

/// A convolution and what has no parameters: halves the sides, or doubles them.
#[derive(Module, Debug)]
struct Resize {
    body: Vec<ConvLayer>,
}

impl Resize {
    fn new([out, input]: [usize; 2], at: &Init) -> Self {
        Self { body: vec![at.at("body").conv("0", [out, input, 3, 3], GAIN, Conv::same(3)).unbiased()] }
    }

    fn down(&self, x: Tensor<4>) -> Tensor<4> {
        pixel_unshuffle(self.body.iter().fold(x, |x, conv| conv.forward(x)), 2)
    }

    fn up(&self, x: Tensor<4>) -> Tensor<4> {
        pixel_shuffle(self.body.iter().fold(x, |x, conv| conv.forward(x)), 2)
    }

    fn draw_down(&self, graph: &mut Graph, x: &Value) -> Value {
        self.body.iter().fold(x.clone(), |x, conv| {
            let y = conv.draw(graph, &x);
            graph.pixel_unshuffle(&y, conv.reads() / 2, 2)
        })
    }

    fn draw_up(&self, graph: &mut Graph, x: &Value) -> Value {
        let wide = self.body.iter().fold(x.clone(), |x, conv| conv.draw(graph, &x));
        graph.pixel_shuffle(&wide, 2)
    }
}

/// Blocks on four levels, down and up again.
#[derive(Module, Debug)]
pub struct Restormer {
    patch_embed: Projection,
    encoder_level1: Vec<Block>,
    down1_2: Resize,
    encoder_level2: Vec<Block>,
    down2_3: Resize,
    encoder_level3: Vec<Block>,
    down3_4: Resize,
    latent: Vec<Block>,
    up4_3: Resize,
    reduce_chan_level3: ConvLayer,
    decoder_level3: Vec<Block>,
    up3_2: Resize,
    reduce_chan_level2: ConvLayer,
    decoder_level2: Vec<Block>,
    up2_1: Resize,
    decoder_level1: Vec<Block>,
    refinement: Vec<Block>,
    output: ConvLayer,
    #[module(skip)]
    adds_input: bool,
}

impl Restormer {
    fn new(config: &RestormerConfig, in_channels: usize, init: &Init) -> Self {
        let c = config.dim;
        let blocks = |name: &str, count: usize, channels: usize, heads: usize| -> Vec<Block> {
            (0..count).map(|i| Block::new(config, channels, heads, &init.at(name).at(i))).collect()
        };
        let level = |name: &str, level: usize, channels: usize| {
            blocks(name, config.num_blocks[level], channels, config.heads[level])
        };
        let resize = |name: &str, shape| Resize::new(shape, &init.at(name));
        let wide = |name: &str, shape| config.biased(init.conv(name, shape, GAIN, Conv::same(3)));
        let one = |name: &str, shape| config.biased(init.conv(name, shape, GAIN, Conv::default()));
        let proj = init.at("patch_embed").conv("proj", [c, in_channels, 3, 3], GAIN, Conv::same(3));
        Self {
            patch_embed: Projection { proj: config.biased(proj) },
            encoder_level1: level("encoder_level1", 0, c),
            down1_2: resize("down1_2", [c / 2, c]),
            encoder_level2: level("encoder_level2", 1, 2 * c),
            down2_3: resize("down2_3", [c, 2 * c]),
            encoder_level3: level("encoder_level3", 2, 4 * c),
            down3_4: resize("down3_4", [2 * c, 4 * c]),
            latent: level("latent", 3, 8 * c),
            up4_3: resize("up4_3", [16 * c, 8 * c]),
            reduce_chan_level3: one("reduce_chan_level3", [4 * c, 8 * c, 1, 1]),
            decoder_level3: level("decoder_level3", 2, 4 * c),
            up3_2: resize("up3_2", [8 * c, 4 * c]),
            reduce_chan_level2: one("reduce_chan_level2", [2 * c, 4 * c, 1, 1]),
            decoder_level2: level("decoder_level2", 1, 2 * c),
            up2_1: resize("up2_1", [4 * c, 2 * c]),
            decoder_level1: level("decoder_level1", 0, 2 * c),
            refinement: blocks("refinement", config.num_refinement_blocks, 2 * c, config.heads[0]),
            output: wide("output", [made(in_channels), 2 * c, 3, 3]),
            adds_input: in_channels == made(in_channels),
        }
    }

    /// Without a pool, channels are compared over `x` alone.
    fn through(&self, x: Tensor<4>, mut pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let [_, h, w, _] = x.dims();
        let x = mirror_to_multiple(x, MULTIPLE);
        let mut level = |blocks: &[Block], y: Tensor<4>| {
            blocks.iter().try_fold(y, |y, block| block.forward(y, pool.as_deref_mut()))
        };
        let first = level(&self.encoder_level1, self.patch_embed.proj.forward(x.clone()))?;
        let second = level(&self.encoder_level2, self.down1_2.down(first.clone()))?;
        let third = level(&self.encoder_level3, self.down2_3.down(second.clone()))?;
        let y = level(&self.latent, self.down3_4.down(third.clone()))?;
        let beside = |y: Tensor<4>, skip: Tensor<4>| Tensor::cat(vec![y, skip], 3);
        let y = self.reduce_chan_level3.forward(beside(self.up4_3.up(y), third));
        let y = level(&self.decoder_level3, y)?;
        let y = self.reduce_chan_level2.forward(beside(self.up3_2.up(y), second));
        let y = level(&self.decoder_level2, y)?;
        let y = level(&self.decoder_level1, beside(self.up2_1.up(y), first))?;
        let y = level(&self.refinement, y)?;
        let y = if self.adds_input { self.output.forward_onto(y, x) } else { self.output.forward(y) };
        Some(cut(y, h, w))
    }
}

impl Transform for Restormer {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, h, w, _] = x.dims();
        let device = x.device();
        // Only a pool stops, so there is always a result.
        self.through(x, None)
            .unwrap_or_else(|| Tensor::zeros([n, h, w, made(self.patch_embed.proj.reads())], &device))
    }

    /// With channels compared over the image that `x` is a tile of.
    fn forward_pooled(&self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
        self.through(x, Some(pool))
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let level = |blocks: &[Block], graph: &mut Graph, y: Value| {
            blocks.iter().fold(y, |y, block| block.draw(graph, &y))
        };
        let y = self.patch_embed.proj.draw(graph, x);
        let first = level(&self.encoder_level1, graph, y);
        let y = self.down1_2.draw_down(graph, &first);
        let second = level(&self.encoder_level2, graph, y);
        let y = self.down2_3.draw_down(graph, &second);
        let third = level(&self.encoder_level3, graph, y);
        let y = self.down3_4.draw_down(graph, &third);
        let mut y = level(&self.latent, graph, y);
        let levels = [
            (&self.up4_3, &third, Some(&self.reduce_chan_level3), &self.decoder_level3),
            (&self.up3_2, &second, Some(&self.reduce_chan_level2), &self.decoder_level2),
            (&self.up2_1, &first, None, &self.decoder_level1),
        ];
        for (up, skip, reduce, blocks) in levels {
            let larger = up.draw_up(graph, &y);
            let both = graph.joined(&[&larger, skip]);
            y = reduce.into_iter().fold(both, |y, conv| conv.draw(graph, &y));
            y = level(blocks, graph, y);
        }
        y = level(&self.refinement, graph, y);
        match self.adds_input {
            true => self.output.draw_onto(graph, &y, x),
            false => self.output.draw(graph, &y),
        }
    }
}
