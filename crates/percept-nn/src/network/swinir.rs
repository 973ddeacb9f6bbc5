//! SwinIR (Liang et al., *SwinIR: Image Restoration Using Swin Transformer*, ICCV Workshops 2021).

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv, Windows, pixel_shuffle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, Extent, MOST_BLOCKS, MOST_CHANNELS, Transform, Unfit, made, places, read_by, results,
    shuffled, within,
};
use super::border::{Border, Edges};
use super::init::Init;
use super::layer::{ConvLayer, LayerNorm, Mlp, cut, enlarge_nearest, mirror_to_multiple};
use super::upsampler::{self, Connection, FEATURES, GAIN, ResiConnection, Upsampler};
use super::window::{APART, WindowAttention, position_index};
use crate::onnx::{Graph, Value};
use crate::weights::{Array, StateDict};

/// An overlap that is enough: on paper every block sees a window further.
const ENOUGH: usize = 48;
/// Mean colour of DIV2K.
pub(super) const MEAN: [f32; 3] = [0.4488, 0.4371, 0.4040];
/// The window of the models for JPEG files, which read values up to 255.
const JPEG_WINDOW: usize = 7;
/// Windows of more pixels than this would need gigabytes to compare each with every other.
const MOST_WINDOW: usize = 64;

/// Settings of `type = "swinir"`: SwinIR, scales 1, 2, 3, 4 and 8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SwinIrConfig {
    /// Channels of the features, a multiple of every number of heads. Default 60, the lightweight network.
    pub embed_dim: usize,
    /// Blocks by group. Default 6, 6, 6, 6.
    pub depths: Vec<usize>,
    /// Heads of attention by group. Default 6, 6, 6, 6.
    pub num_heads: Vec<usize>,
    /// Side of the windows, from 1 to 64. Default 8.
    pub window_size: usize,
    /// How many times more channels a block has inside, above 0 and at most 64. Default 2.
    pub mlp_ratio: f64,
    /// How the photo is enlarged: `pixelshuffle` (classical), `pixelshuffledirect` (lightweight), `nearest+conv` (real-world;
    /// scales 2, 4 and 8), or an empty text for pictures that keep their size. Default `pixelshuffledirect`.
    pub upsampler: Upsampler,
    /// What stands before skip connections: `1conv` or `3conv`. Default `1conv`.
    pub resi_connection: ResiConnection,
    /// Channels between enlargements, at least 1. Default 64, which all published files have.
    pub num_feat: usize,
    /// The range of values that the network reads, from 0.001 to 65535. Default as its authors have it: 255 with windows
    /// of 7 (their models for JPEG files), 1 with others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 1.0)]
    pub img_range: Option<f64>,
}

impl Default for SwinIrConfig {
    fn default() -> Self {
        Self {
            embed_dim: 60,
            depths: vec![6; 4],
            num_heads: vec![6; 4],
            window_size: 8,
            mlp_ratio: 2.0,
            upsampler: Upsampler::PixelShuffleDirect,
            resi_connection: ResiConnection::One,
            num_feat: FEATURES,
            img_range: None,
        }
    }
}

impl SwinIrConfig {
    /// Channels inside a block.
    fn hidden(&self) -> usize {
        // A ratio that was a quotient may be a little too small.
        (self.embed_dim as f64 * self.mlp_ratio + 1e-9) as usize
    }

    fn range(&self) -> f64 {
        self.img_range.unwrap_or(if self.window_size == JPEG_WINDOW { 255.0 } else { 1.0 })
    }
}

impl Architecture for SwinIrConfig {
    type Network = SwinIr;

    const ABOUT: &'static str =
        "SwinIR, a transformer in windows: classical, lightweight, real-world, denoising";
    const SCALES: &'static [usize] = &[1, 2, 3, 4, 8];

    fn check(&self) -> Result<(), Unfit> {
        within("embed_dim", self.embed_dim, 1, MOST_CHANNELS)?;
        within("window_size", self.window_size, 1, MOST_WINDOW)?;
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        check_groups(self.embed_dim, ("depths", &self.depths), &self.num_heads)?;
        if !(self.mlp_ratio <= 64.0 && self.hidden() > 0) {
            let problem = format!("must be above 0 and at most 64; it is {}", self.mlp_ratio);
            return Err(("mlp_ratio", problem));
        }
        if self.resi_connection == ResiConnection::Three {
            within("embed_dim", self.embed_dim, 4, MOST_CHANNELS)?;
        }
        match (0.001..=65_535.0).contains(&self.range()) {
            true => Ok(()),
            false => Err(("img_range", format!("must be from 0.001 to 65535; it is {}", self.range()))),
        }
    }

    fn check_scale(&self, scale: usize) -> Result<(), Unfit> {
        let fits = match self.upsampler {
            Upsampler::NearestConv => scale > 1 && scale.is_power_of_two(),
            Upsampler::None => scale == 1,
            _ => true,
        };
        match fits {
            true => Ok(()),
            false => Err(("upsampler", format!("cannot be this one where the scale is {scale}"))),
        }
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> SwinIr {
        SwinIr::new(self, scale, in_channels, init)
    }

    /// What a block joins and makes of it, or the enlarged features before and after a shuffle.
    fn extent(&self, scale: usize) -> Extent {
        let enlarged = match self.upsampler {
            Upsampler::PixelShuffle | Upsampler::NearestConv => 3 * self.num_feat * scale * scale,
            _ => 0,
        };
        let blocks = self.depths.iter().sum::<usize>();
        Extent {
            multiple: self.window_size,
            overlap: ENOUGH.min((blocks + 1) * self.window_size),
            floats: 7 * self.embed_dim + 2 * self.hidden() + enlarged + 6 * scale * scale,
        }
    }

    /// As its authors do; sides below 16 pixels as `spandrel` does.
    fn border(&self, multiple: usize) -> Border {
        Border { least: 16, multiple, edges: Edges::Mirrored }
    }

    /// What follows from the window and from the size of the photos in training is left out.
    fn with_our_names(state: StateDict) -> StateDict {
        let follows = |name: &str| name.ends_with(".attn_mask") || name.ends_with(".relative_position_index");
        state.renamed(|name| (!follows(name)).then(|| name.to_string()))
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let embed_dim = results(state, "conv_first.weight", self.embed_dim);
        let groups = 0..places(state, "layers.");
        let table = |group: usize| {
            let name = format!("layers.{group}.residual_group.blocks.0.attn.relative_position_bias_table");
            state.get(&name).and_then(|array| Some((*array.shape.first()?, *array.shape.get(1)?)))
        };
        let window_size = table(0).map_or(self.window_size, |(rows, _)| rows.isqrt().div_ceil(2));
        let asked = Self { embed_dim, window_size, ..self.clone() };
        let hidden = results(state, "layers.0.residual_group.blocks.0.mlp.fc1.weight", asked.hidden());
        let mlp_ratio = match hidden == asked.hidden() {
            true => self.mlp_ratio,
            false => hidden as f64 / embed_dim.max(1) as f64,
        };
        let has = |name: &str| state.get(name).is_some();
        let upsampler = match (has("conv_before_upsample.0.weight"), has("conv_up1.weight")) {
            (true, true) => Upsampler::NearestConv,
            (true, false) => Upsampler::PixelShuffle,
            _ if has("upsample.0.weight") => Upsampler::PixelShuffleDirect,
            _ => Upsampler::None,
        };
        let blocks = |group: usize| places(state, &format!("layers.{group}.residual_group.blocks."));
        Self {
            depths: groups.clone().map(blocks).collect(),
            num_heads: groups.map(|group| table(group).map_or(1, |(_, heads)| heads)).collect(),
            mlp_ratio,
            upsampler,
            resi_connection: ResiConnection::of(state),
            num_feat: results(state, "conv_before_upsample.0.weight", upsampler.features(self.num_feat)),
            img_range: Some(asked.range()),
            ..asked
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        match self.upsampler {
            Upsampler::PixelShuffle => upsampler::scale_of_stages(state, self.num_feat),
            Upsampler::PixelShuffleDirect => {
                shuffled(state, "upsample.0.weight", made(self.in_channels(state)))
            }
            Upsampler::NearestConv => {
                let stages = UPS.iter().filter(|name| state.get(&format!("{name}.weight")).is_some());
                Some(1 << stages.count())
            }
            Upsampler::None => Some(1),
        }
    }

    fn in_channels(&self, state: &StateDict) -> usize {
        read_by(state, "conv_first.weight")
    }

    fn completed(&self) -> Self {
        let num_feat = self.upsampler.features(self.num_feat);
        Self { num_feat, img_range: Some(self.range()), ..self.clone() }
    }
}

/// The convolutions that follow enlargements.
const UPS: [&str; 3] = ["conv_up1", "conv_up2", "conv_up3"];

/// Whether there are as many numbers of heads as groups, each a divisor of the channels; `depths` has its name.
pub(super) fn check_groups(
    embed_dim: usize,
    (name, depths): (&'static str, &[usize]),
    num_heads: &[usize],
) -> Result<(), Unfit> {
    within(name, depths.len(), 0, MOST_BLOCKS)?;
    depths.iter().try_for_each(|depth| within(name, *depth, 0, MOST_BLOCKS))?;
    if num_heads.len() != depths.len() {
        return Err(("num_heads", format!("must have as many groups as {name}")));
    }
    match num_heads.iter().find(|heads| **heads == 0 || !embed_dim.is_multiple_of(**heads)) {
        Some(heads) => {
            Err(("num_heads", format!("must divide embed_dim, which is {embed_dim}; one is {heads}")))
        }
        None => Ok(()),
    }
}

/// Attention in windows, then two linear maps, each onto a skip connection.
#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    attn: WindowAttention,
    norm2: LayerNorm,
    mlp: Mlp,
    #[module(skip)]
    shift: usize,
}

impl Block {
    fn new(config: &SwinIrConfig, heads: usize, odd: bool, at: &Init) -> Self {
        let c = config.embed_dim;
        Self {
            norm1: LayerNorm::of_torch(c, at),
            attn: WindowAttention::new(c, heads, config.window_size, &at.at("attn")),
            norm2: LayerNorm::of_torch(c, at),
            mlp: Mlp::new(c, config.hidden(), &at.at("mlp")),
            shift: if odd { config.window_size / 2 } else { 0 },
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.attn.forward_onto(self.norm1.forward(x.clone()), self.shift, x);
        self.mlp.forward_onto(self.norm2.forward(x.clone()), x)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let y = self.norm1.draw(graph, x);
        let x = self.attn.draw_onto(graph, &y, self.shift, x);
        let y = self.norm2.draw(graph, &x);
        self.mlp.draw_onto(graph, &y, &x)
    }
}

/// The blocks of a group.
#[derive(Module, Debug)]
struct Blocks {
    blocks: Vec<Block>,
}

/// Blocks, convolutions, and a skip connection around them.
#[derive(Module, Debug)]
struct Group {
    residual_group: Blocks,
    conv: Connection,
}

impl Group {
    fn new(config: &SwinIrConfig, depth: usize, heads: usize, at: &Init) -> Self {
        let inside = at.at("residual_group").at("blocks");
        let blocks = (0..depth).map(|i| Block::new(config, heads, i % 2 == 1, &inside.at(i)));
        Self {
            residual_group: Blocks { blocks: blocks.collect() },
            conv: Connection::new(config.resi_connection, config.embed_dim, at, "conv"),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.residual_group.blocks.iter().fold(x.clone(), |y, block| block.forward(y));
        self.conv.forward_onto(y, x)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let blocks = self.residual_group.blocks.iter();
        let y = blocks.fold(x.clone(), |y, block| block.draw(graph, &y));
        self.conv.draw_onto(graph, &y, x)
    }
}

/// The place of the first normalisation.
#[derive(Module, Debug)]
struct PatchEmbed {
    norm: LayerNorm,
}

/// Groups of transformer blocks at the input's size; then the picture is enlarged.
#[derive(Module, Debug)]
pub struct SwinIr {
    conv_first: ConvLayer,
    patch_embed: PatchEmbed,
    layers: Vec<Group>,
    norm: LayerNorm,
    conv_after_body: Connection,
    conv_before_upsample: Vec<ConvLayer>,
    upsample: Vec<Option<ConvLayer>>,
    conv_up1: Option<ConvLayer>,
    conv_up2: Option<ConvLayer>,
    conv_up3: Option<ConvLayer>,
    conv_hr: Option<ConvLayer>,
    conv_last: Option<ConvLayer>,
    #[module(skip)]
    upsampler: Upsampler,
    #[module(skip)]
    window_size: usize,
    #[module(skip)]
    range: f64,
    #[module(skip)]
    scale: usize,
}

impl SwinIr {
    fn new(config: &SwinIrConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let (c, f, made) = (config.embed_dim, config.num_feat, made(in_channels));
        let plain = Conv::same(3);
        let leaky = plain.with_activation(Activation::LeakyRelu(0.2));
        let groups = config.depths.iter().zip(&config.num_heads).enumerate();
        let group = |(i, (depth, heads)): (usize, (&usize, &usize))| {
            Group::new(config, *depth, *heads, &init.at("layers").at(i))
        };
        let nearest = config.upsampler == Upsampler::NearestConv;
        let ups = if nearest { scale.ilog2() as usize } else { 0 };
        let up = |i: usize| (i < ups).then(|| init.conv(UPS[i], [f, f, 3, 3], GAIN, leaky));
        let between = nearest || config.upsampler == Upsampler::PixelShuffle;
        let direct = || init.at("upsample").conv("0", [made * scale * scale, c, 3, 3], GAIN, plain);
        let last = match config.upsampler {
            Upsampler::PixelShuffleDirect => None,
            Upsampler::None => Some(c),
            _ => Some(f),
        };
        Self {
            conv_first: init.conv("conv_first", [c, in_channels, 3, 3], GAIN, plain),
            patch_embed: PatchEmbed { norm: LayerNorm::of_torch(c, init) },
            layers: groups.map(group).collect(),
            norm: LayerNorm::of_torch(c, init),
            conv_after_body: Connection::new(config.resi_connection, c, init, "conv_after_body"),
            conv_before_upsample: if between { upsampler::before(c, f, init) } else { Vec::new() },
            upsample: match config.upsampler {
                Upsampler::PixelShuffle => upsampler::stages(scale, f, init),
                Upsampler::PixelShuffleDirect => vec![Some(direct())],
                _ => Vec::new(),
            },
            conv_up1: up(0),
            conv_up2: up(1),
            conv_up3: up(2),
            conv_hr: nearest.then(|| init.conv("conv_hr", [f, f, 3, 3], GAIN, leaky)),
            conv_last: last.map(|from| init.conv("conv_last", [made, from, 3, 3], GAIN, plain)),
            upsampler: config.upsampler,
            window_size: config.window_size,
            range: config.range(),
            scale,
        }
    }

    /// The convolutions that follow enlargements.
    fn ups(&self) -> impl Iterator<Item = &ConvLayer> {
        [&self.conv_up1, &self.conv_up2, &self.conv_up3].into_iter().flatten()
    }

    /// The last convolutions.
    fn ends(&self) -> impl Iterator<Item = &ConvLayer> {
        self.conv_hr.iter().chain(&self.conv_last)
    }

    /// Whether features become a change of the picture.
    fn adds_input(&self) -> bool {
        self.upsampler == Upsampler::None && self.conv_first.reads() == made(self.conv_first.reads())
    }

    /// From features to the picture, before its values are as they were.
    fn picture(&self, y: Tensor<4>, x: Tensor<4>) -> Tensor<4> {
        let y = self.conv_before_upsample.iter().fold(y, |y, conv| conv.forward(y));
        let y = match self.upsampler {
            Upsampler::PixelShuffle => upsampler::shuffle_up(&self.upsample, y, self.scale),
            Upsampler::PixelShuffleDirect => {
                let y = self.upsample.iter().flatten().fold(y, |y, conv| conv.forward(y));
                pixel_shuffle(y, self.scale)
            }
            Upsampler::NearestConv => self.ups().fold(y, |y, conv| conv.forward(enlarge_nearest(y, 2))),
            Upsampler::None => y,
        };
        match &self.conv_last {
            Some(last) if self.adds_input() => last.forward_onto(y, x),
            _ => self.ends().fold(y, |y, conv| conv.forward(y)),
        }
    }

    fn draw_picture(&self, graph: &mut Graph, y: &Value, x: &Value) -> Value {
        let y = self.conv_before_upsample.iter().fold(y.clone(), |y, conv| conv.draw(graph, &y));
        let y = match self.upsampler {
            Upsampler::PixelShuffle => upsampler::draw_up(&self.upsample, graph, &y, self.scale),
            Upsampler::PixelShuffleDirect => {
                let y = self.upsample.iter().flatten().fold(y, |y, conv| conv.draw(graph, &y));
                graph.pixel_shuffle(&y, self.scale)
            }
            Upsampler::NearestConv => self.ups().fold(y, |y, conv| {
                let large = graph.enlarge_nearest(&y, 2);
                conv.draw(graph, &large)
            }),
            Upsampler::None => y,
        };
        match &self.conv_last {
            Some(last) if self.adds_input() => last.draw_onto(graph, &y, x),
            _ => self.ends().fold(y, |y, conv| conv.draw(graph, &y)),
        }
    }
}

impl Transform for SwinIr {
    /// The authors' files have, for each block, where pixels of a window stand to each other, and for shifted windows which of
    /// them are apart in photos of the size of training. The smallest such photo is four windows.
    fn derived(&self) -> StateDict {
        let mut state = StateDict::new();
        let side = self.window_size;
        for (i, group) in self.layers.iter().enumerate() {
            for (j, block) in group.residual_group.blocks.iter().enumerate() {
                let at = format!("layers.{i}.residual_group.blocks.{j}");
                state.insert(&format!("{at}.attn.relative_position_index"), position_index([side; 2]));
                if block.shift > 0 {
                    let windows = Windows { size: [side; 2], shift: [block.shift; 2], apart: APART };
                    let (shape, data) = (vec![4, side * side, side * side], windows.mask([2 * side; 2]));
                    state.insert(&format!("{at}.attn_mask"), Array { shape, data });
                }
            }
        }
        state
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, h, w, channels] = x.dims();
        let x = mirror_to_multiple(x, self.window_size);
        let mean = Tensor::<1>::from_floats(MEAN, &x.device()).reshape([1, 1, 1, 3]);
        // A packed RAW has four channels and no mean colour.
        let x = if channels == 3 { x - mean.clone() } else { x };
        let x = x.mul_scalar(self.range);
        let first = self.conv_first.forward(x.clone());
        let y = self.patch_embed.norm.forward(first.clone());
        let y = self.layers.iter().fold(y, |y, group| group.forward(y));
        let y = self.conv_after_body.forward_onto(self.norm.forward(y), first);
        let y = self.picture(y, x).div_scalar(self.range);
        let y = if channels == 3 { y + mean } else { y };
        cut(y, h * self.scale, w * self.scale)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let mean = graph.floats(&[3, 1, 1], &MEAN);
        let centred = self.conv_first.reads() == 3;
        let x = if centred { graph.op("Sub", &[x, &mean]) } else { x.clone() };
        let x = graph.times(&x, self.range);
        let first = self.conv_first.draw(graph, &x);
        let y = self.patch_embed.norm.draw(graph, &first);
        let y = self.layers.iter().fold(y, |y, group| group.draw(graph, &y));
        let y = self.norm.draw(graph, &y);
        let y = self.conv_after_body.draw_onto(graph, &y, &first);
        let y = self.draw_picture(graph, &y, &x);
        let y = graph.times(&y, 1.0 / self.range);
        if centred { graph.add(&y, &mean) } else { y }
    }
}
