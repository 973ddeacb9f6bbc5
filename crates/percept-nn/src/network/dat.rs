//! DAT (Chen et al., *Dual Aggregation Transformer for Image Super-Resolution*, ICCV 2023).

#![allow(non_snake_case, reason = "a name of the authors' weights")]

use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation, s};
use percept_conv::{Conv, Windows, conv2d, depthwise_conv2d, gelu, pixel_shuffle, window_attention};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, Extent, MOST_CHANNELS, Pool, Transform, Unfit, mean, places, results, shuffled, within,
};
use super::covariance::{by_image, shares, statistics};
use super::init::Init;
use super::layer::{ConvLayer, LayerNorm, Linear, cut, pad_to_multiple};
use super::swinir::{MEAN, check_groups};
use super::upsampler::{self, Connection, FEATURES, GAIN, ResiConnection, Upsampler};
use super::window::{APART, by_position, position_index};
use crate::weights::{Array, StateDict};

/// An overlap that is enough, as for plain convolutions but with windows that reach further.
const ENOUGH: usize = 64;
/// Side of the photos for which other tools take a file to be, where its first group does not show it.
const USUAL: usize = 64;

/// Settings of `type = "dat"`: DAT, scales 1, 2, 3, 4 and 8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatConfig {
    /// Channels of the features: at least 32, and an even number for every two heads. Default 180.
    pub embed_dim: usize,
    /// Blocks by group, in turn with attention in windows and between channels. Default 6, six times.
    pub depth: Vec<usize>,
    /// Heads of attention by group, even. Default 6, six times.
    pub num_heads: Vec<usize>,
    /// Height and width of windows, which half of the heads have turned; one is a multiple of the other. Default 8, 32.
    pub split_size: [usize; 2],
    /// How many times more channels a block has inside, above 0 and at most 64. Default 2 (DAT-2); DAT has 4.
    pub expansion_factor: f64,
    /// Whether queries, keys and values have a bias. Default true.
    pub qkv_bias: bool,
    /// How the photo is enlarged: `pixelshuffle`, or `pixelshuffledirect` (DAT-light). Default `pixelshuffle`.
    pub upsampler: Upsampler,
    /// What stands before skip connections: `1conv`, or `3conv` (DAT-light). Default `1conv`.
    pub resi_connection: ResiConnection,
    /// Channels between enlargements, at least 1. Default 64, which all published files have.
    pub num_feat: usize,
}

impl Default for DatConfig {
    fn default() -> Self {
        Self {
            embed_dim: 180,
            depth: vec![6; 6],
            num_heads: vec![6; 6],
            split_size: [8, 32],
            expansion_factor: 2.0,
            qkv_bias: true,
            upsampler: Upsampler::PixelShuffle,
            resi_connection: ResiConnection::One,
            num_feat: FEATURES,
        }
    }
}

impl DatConfig {
    /// Channels inside a block.
    fn hidden(&self) -> usize {
        // A factor that was a quotient may be a little too small.
        (self.embed_dim as f64 * self.expansion_factor + 1e-9) as usize
    }

    /// The longer side of a window.
    fn longest(&self) -> usize {
        self.split_size[0].max(self.split_size[1])
    }
}

impl Architecture for DatConfig {
    type Network = Dat;

    const ABOUT: &'static str =
        "DAT, a transformer in windows and between channels: DAT, DAT-S, DAT-2, DAT-light";
    const SCALES: &'static [usize] = &[1, 2, 3, 4, 8];

    fn check(&self) -> Result<(), Unfit> {
        within("embed_dim", self.embed_dim, 32, MOST_CHANNELS)?;
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        check_groups(self.embed_dim, ("depth", &self.depth), &self.num_heads)?;
        // Each half of the channels has half of the heads.
        if let Some(heads) = self.num_heads.iter().find(|heads| !heads.is_multiple_of(2)) {
            return Err(("num_heads", format!("must be even; one is {heads}")));
        }
        self.split_size.iter().try_for_each(|side| within("split_size", *side, 1, 64))?;
        let [height, width] = self.split_size;
        if !height.is_multiple_of(width) && !width.is_multiple_of(height) {
            return Err(("split_size", "must have one side that is a multiple of the other".to_string()));
        }
        if !(self.expansion_factor <= 64.0 && self.hidden() > 0 && self.hidden().is_multiple_of(2)) {
            let problem = format!(
                "must be at most 64 and make an even number of channels; it is {}",
                self.expansion_factor
            );
            return Err(("expansion_factor", problem));
        }
        match self.upsampler {
            Upsampler::PixelShuffle | Upsampler::PixelShuffleDirect => Ok(()),
            _ => Err(("upsampler", "must be pixelshuffle or pixelshuffledirect".to_string())),
        }
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> Dat {
        Dat::new(self, scale, in_channels, init)
    }

    /// What a block joins and makes of it, or the enlarged features before and after a shuffle.
    fn extent(&self, scale: usize) -> Extent {
        let enlarged = match self.upsampler {
            Upsampler::PixelShuffle => 3 * self.num_feat * scale * scale,
            _ => 0,
        };
        let floats = (10 * self.embed_dim).max(4 * self.embed_dim + 3 * self.hidden());
        Extent { multiple: 1, overlap: ENOUGH, floats: floats + enlarged + 6 * scale * scale }
    }

    /// Both ways of a window.
    fn alignment(&self) -> usize {
        self.longest()
    }

    /// What follows from the windows and from the size of the photos in training, and counts of steps, are left out.
    fn with_our_names(state: StateDict) -> StateDict {
        let follows = |name: &str| {
            let last = name.rsplit('.').next().unwrap_or(name);
            ["attn_mask_0", "attn_mask_1", "relative_position_index", "num_batches_tracked"].contains(&last)
        };
        state.renamed(|name| (!follows(name)).then(|| name.to_string()))
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let embed_dim = results(state, "conv_first.weight", self.embed_dim);
        let groups = 0..places(state, "layers.");
        let asked = Self { embed_dim, ..self.clone() };
        let hidden = results(state, "layers.0.blocks.0.ffn.fc1.weight", asked.hidden());
        let expansion_factor = match hidden == asked.hidden() {
            true => self.expansion_factor,
            false => hidden as f64 / embed_dim.max(1) as f64,
        };
        let has = |name: &str| state.get(name).is_some();
        let heads = |group: usize| {
            let [channels, windows] = ["1.attn.temperature", "0.attn.attns.0.pos.pos3.2.weight"]
                .map(|name| format!("layers.{group}.blocks.{name}"));
            results(state, &channels, 2 * results(state, &windows, 1))
        };
        let direct = has("upsample.0.weight") && !has("conv_last.weight");
        let upsampler = if direct { Upsampler::PixelShuffleDirect } else { Upsampler::PixelShuffle };
        Self {
            depth: groups.clone().map(|group| places(state, &format!("layers.{group}.blocks."))).collect(),
            num_heads: groups.map(heads).collect(),
            split_size: split_size(state).unwrap_or(self.split_size),
            expansion_factor,
            qkv_bias: has("layers.0.blocks.0.attn.qkv.bias"),
            upsampler,
            resi_connection: ResiConnection::of(state),
            num_feat: results(state, "conv_before_upsample.0.weight", upsampler.features(self.num_feat)),
            ..asked
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        match self.upsampler {
            Upsampler::PixelShuffleDirect => shuffled(state, "upsample.0.weight", 3),
            _ => upsampler::scale_of_stages(state, self.num_feat),
        }
    }

    fn completed(&self) -> Self {
        Self { num_feat: self.upsampler.features(self.num_feat), ..self.clone() }
    }
}

/// Height and width of the windows: the last difference of positions in one, and where values are not there, sides that have as
/// many differences. Other sides of as many have the same shapes.
fn split_size(state: &StateDict) -> Option<[usize; 2]> {
    let differences = state.get("layers.0.blocks.0.attn.attns.0.rpe_biases")?;
    let count = *differences.shape.first()?;
    let fits = |[height, width]: [usize; 2]| (2 * height - 1).checked_mul(2 * width - 1) == Some(count);
    if let [.., height, width] = differences.data[..] {
        let sides = [height, width].map(|side| side as usize + 1);
        return sides
            .iter()
            .all(|side| (1..=64).contains(side))
            .then_some(sides)
            .filter(|sides| fits(*sides));
    }
    (1..=64).map(|height| [height, count.checked_div(2 * height - 1).unwrap_or(0).div_ceil(2)]).find(
        |sides| {
            let [height, width] = *sides;
            (1..=64).contains(&width) && width.is_multiple_of(height) && fits(*sides)
        },
    )
}

/// Normalises channels by means and variances of training, which stay as they are.
#[derive(Module, Debug)]
struct BatchNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    running_mean: Param<Tensor<1>>,
    running_var: Param<Tensor<1>>,
}

impl BatchNorm {
    fn new(channels: usize, init: &Init) -> Self {
        Self {
            weight: init.full([channels], 1.0),
            bias: init.full([channels], 0.0),
            running_mean: init.full([channels], 0.0).set_require_grad(false),
            running_var: init.full([channels], 1.0).set_require_grad(false),
        }
    }

    /// Weight and bias of `conv` with what follows it.
    fn folded(&self, conv: &ConvLayer) -> (Tensor<4>, Tensor<1>) {
        let (weight, bias) = conv.parts();
        let scale = self.weight.val() / self.running_var.val().add_scalar(1e-5).sqrt();
        let bias = (bias - self.running_mean.val()) * scale.clone() + self.bias.val();
        let channels = scale.dims()[0];
        (weight * scale.reshape([channels, 1, 1, 1]), bias)
    }
}

/// A convolution, or what normalises its result.
#[derive(Module, Debug)]
enum Place {
    Conv(ConvLayer),
    Norm(BatchNorm),
}

/// Convolutions without a bias would be none: each has its place, what has no parameters has an empty one.
fn conv(name: &str, [out, input]: [usize; 2], side: usize, at: &Init) -> Option<Place> {
    Some(Place::Conv(at.conv(name, [out, input, side, side], GAIN, Conv::same(side))))
}

fn norm(channels: usize, at: &Init) -> Option<Place> {
    Some(Place::Norm(BatchNorm::new(channels, at)))
}

/// A convolution, normalised, through a Gaussian unit; then another convolution where there is one.
fn through(places: &[Option<Place>], x: Tensor<4>) -> Tensor<4> {
    let found: Vec<&Place> = places.iter().flatten().collect();
    let [Place::Conv(first), Place::Norm(norm), rest @ ..] = &found[..] else { return x };
    let (weight, bias) = norm.folded(first);
    let y = match weight.dims()[1] == x.dims()[3] {
        true => conv2d(x, weight, Some(bias), None, Conv::default()),
        false => depthwise_conv2d(x, weight, Some(bias), Conv::same(3)),
    };
    match rest {
        [Place::Conv(last)] => last.forward(gelu(y)),
        _ => gelu(y),
    }
}

/// What is added by position, computed from it.
#[derive(Module, Debug)]
struct Positions {
    pos_proj: Linear,
    pos1: Vec<Option<Step>>,
    pos2: Vec<Option<Step>>,
    pos3: Vec<Option<Step>>,
}

/// A part of it.
#[derive(Module, Debug)]
enum Step {
    Norm(LayerNorm),
    Linear(Linear),
}

impl Positions {
    fn new(channels: usize, heads: usize, at: &Init) -> Self {
        // The authors take a quarter twice.
        let c = channels / 4 / 4;
        let steps = |name: &str, out: usize| {
            let at = at.at(name);
            let norm = Some(Step::Norm(LayerNorm::of_torch(c, &at.at(0))));
            vec![norm, None, Some(Step::Linear(Linear::new([out, c], &at.at(2))))]
        };
        Self {
            pos_proj: Linear::new([c, 2], &at.at("pos_proj")),
            pos1: steps("pos1", c),
            pos2: steps("pos2", c),
            pos3: steps("pos3", heads),
        }
    }

    /// `[differences, 2]` → `[differences, heads]`.
    fn forward(&self, differences: Tensor<2>) -> Tensor<2> {
        let count = differences.dims()[0];
        let y = self.pos_proj.forward(differences.reshape([1, 1, count, 2]));
        let steps = [&self.pos1, &self.pos2, &self.pos3].into_iter().flatten().flatten();
        let y = steps.fold(y, |y, step| match step {
            Step::Norm(norm) => activation::relu(norm.forward(y)),
            Step::Linear(linear) => linear.forward(y),
        });
        let heads = y.dims()[3];
        y.reshape([count, heads])
    }
}

/// Attention of half of the heads, in windows.
#[derive(Module, Debug)]
struct Half {
    /// All differences of positions in a window, down and across.
    rpe_biases: Param<Tensor<2>>,
    pos: Positions,
    #[module(skip)]
    size: [usize; 2],
}

impl Half {
    fn new(channels: usize, heads: usize, size: [usize; 2], at: &Init) -> Self {
        let [height, width] = size.map(|side| side as i32);
        let differences = (1 - height..height)
            .flat_map(move |y| (1 - width..width).flat_map(move |x| [y as f32, x as f32]));
        let count = (2 * size[0] - 1) * (2 * size[1] - 1);
        Self {
            rpe_biases: at.values([count, 2], move || differences.collect()).set_require_grad(false),
            pos: Positions::new(channels, heads, &at.at("pos")),
            size,
        }
    }

    fn windows(&self, shifted: bool) -> Windows {
        let shift = if shifted { self.size.map(|side| side / 2) } else { [0, 0] };
        Windows { size: self.size, shift, apart: APART }
    }

    fn forward(&self, qkv: Tensor<4>, shifted: bool) -> Tensor<4> {
        let bias = by_position(self.pos.forward(self.rpe_biases.val()), self.size);
        window_attention(qkv, bias, self.windows(shifted))
    }
}

/// Attention, a convolution beside it, and each weighted by what the other found.
#[derive(Module, Debug)]
struct Attention {
    qkv: Linear,
    proj: Linear,
    /// In windows one way and the other; none where it is between channels.
    attns: Vec<Half>,
    /// Of attention between channels.
    temperature: Option<Param<Tensor<3>>>,
    dwconv: Vec<Option<Place>>,
    channel_interaction: Vec<Option<Place>>,
    spatial_interaction: Vec<Option<Place>>,
    #[module(skip)]
    shifted: bool,
}

impl Attention {
    fn new(config: &DatConfig, group: usize, block: usize, at: &Init) -> Self {
        let c = config.embed_dim;
        let heads = config.num_heads.get(group).copied().unwrap_or(2);
        let in_windows = block.is_multiple_of(2);
        let [height, width] = config.split_size;
        let half = |i: usize, size| Half::new(c / 2, heads / 2, size, &at.at("attns").at(i));
        let [beside, channel, spatial] =
            ["dwconv", "channel_interaction", "spatial_interaction"].map(|name| at.at(name));
        let qkv = Linear::new([3 * c, c], &at.at("qkv"));
        Self {
            qkv: if config.qkv_bias { qkv } else { qkv.unbiased() },
            proj: Linear::new([c, c], &at.at("proj")),
            attns: if in_windows {
                vec![half(0, [height, width]), half(1, [width, height])]
            } else {
                Vec::new()
            },
            temperature: (!in_windows).then(|| at.full([heads, 1, 1], 1.0)),
            dwconv: vec![conv("0", [c, 1], 3, &beside), norm(c, &beside)],
            channel_interaction: vec![
                None,
                conv("1", [c / 8, c], 1, &channel),
                norm(c / 8, &channel),
                None,
                conv("4", [c, c / 8], 1, &channel),
            ],
            spatial_interaction: vec![
                conv("0", [c / 16, c], 1, &spatial),
                norm(c / 16, &spatial),
                None,
                conv("3", [1, c / 16], 1, &spatial),
            ],
            shifted: match group % 2 {
                0 => block > 0 && block % 4 == 2,
                _ => block.is_multiple_of(4),
            },
        }
    }

    /// `attention(x) + residual`.
    fn forward_onto(
        &self,
        x: Tensor<4>,
        residual: Tensor<4>,
        pool: Option<&mut Pool<'_>>,
    ) -> Option<Tensor<4>> {
        let qkv = self.qkv.forward(x);
        let c = qkv.dims()[3] / 3;
        let values = qkv.clone().slice(s![.., .., .., 2 * c..3 * c]);
        let beside = through(&self.dwconv, values.clone());
        let [channel, spatial] = [&self.channel_interaction, &self.spatial_interaction]
            .map(|places| move |x| activation::sigmoid(through(places, x)));
        let y = match &self.temperature {
            Some(temperature) => {
                let found = match pool {
                    Some(pool) => pool(qkv, &statistics)?,
                    None => statistics(qkv),
                };
                let (shares, mean) = shares(found, temperature.val());
                let attended = by_image(values, shares, None);
                attended * spatial(beside.clone()) + beside * channel(mean)
            }
            None => {
                let attended = self.in_windows(qkv);
                let mean = match pool {
                    Some(pool) => pool(beside.clone(), &mean)?,
                    None => mean(beside.clone()),
                };
                attended.clone() * channel(mean) + beside * spatial(attended)
            }
        };
        Some(self.proj.forward_onto(y, residual))
    }

    /// Both halves of the channels in their windows; beyond the image there are zeros, as the authors have it.
    fn in_windows(&self, qkv: Tensor<4>) -> Tensor<4> {
        let [_, h, w, all] = qkv.dims();
        let (c, half) = (all / 3, all / 6);
        let longest = self.attns.iter().flat_map(|attn| attn.size).max().unwrap_or(1);
        let qkv = pad_to_multiple(qkv, longest);
        let parts = self.attns.iter().enumerate().map(|(i, attn)| {
            let part = |which: usize| {
                let from = which * c + i * half;
                qkv.clone().slice(s![.., .., .., from..from + half])
            };
            attn.forward(Tensor::cat(vec![part(0), part(1), part(2)], 3), self.shifted)
        });
        cut(Tensor::cat(parts.collect(), 3), h, w)
    }
}

/// Channels that gate others by what stands around.
#[derive(Module, Debug)]
struct Gate {
    norm: LayerNorm,
    conv: ConvLayer,
}

/// Linear maps with a gate between them.
#[derive(Module, Debug)]
struct FeedForward {
    fc1: Linear,
    sg: Gate,
    fc2: Linear,
}

impl FeedForward {
    fn new(c: usize, hidden: usize, at: &Init) -> Self {
        let (half, gate) = (hidden / 2, at.at("sg"));
        Self {
            fc1: Linear::new([hidden, c], &at.at("fc1")),
            sg: Gate {
                norm: LayerNorm::of_torch(half, &gate),
                conv: gate.conv("conv", [half, 1, 3, 3], GAIN, Conv::same(3)),
            },
            fc2: Linear::new([c, half], &at.at("fc2")),
        }
    }

    /// `gated(x) + residual`.
    fn forward_onto(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        let both = gelu(self.fc1.forward(x));
        let half = both.dims()[3] / 2;
        let [one, other] = [0, half].map(|from| both.clone().slice(s![.., .., .., from..from + half]));
        self.fc2.forward_onto(one * self.sg.conv.forward_depthwise(self.sg.norm.forward(other)), residual)
    }
}

/// Attention, then a gate, each onto a skip connection.
#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    attn: Attention,
    ffn: FeedForward,
    norm2: LayerNorm,
}

impl Block {
    fn forward(&self, x: Tensor<4>, pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let x = self.attn.forward_onto(self.norm1.forward(x.clone()), x, pool)?;
        Some(self.ffn.forward_onto(self.norm2.forward(x.clone()), x))
    }
}

/// Blocks, convolutions, and a skip connection around them.
#[derive(Module, Debug)]
struct Group {
    blocks: Vec<Block>,
    conv: Connection,
}

impl Group {
    fn new(config: &DatConfig, group: usize, depth: usize, at: &Init) -> Self {
        let c = config.embed_dim;
        let block = |i: usize| {
            let at = at.at("blocks").at(i);
            Block {
                norm1: LayerNorm::of_torch(c, &at),
                attn: Attention::new(config, group, i, &at.at("attn")),
                ffn: FeedForward::new(c, config.hidden(), &at.at("ffn")),
                norm2: LayerNorm::of_torch(c, &at),
            }
        };
        Self {
            blocks: (0..depth).map(block).collect(),
            conv: Connection::new(config.resi_connection, c, at, "conv"),
        }
    }

    fn forward(&self, x: Tensor<4>, mut pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let y = self.blocks.iter().try_fold(x.clone(), |y, block| block.forward(y, pool.as_deref_mut()))?;
        Some(self.conv.forward_onto(y, x))
    }
}

/// Groups of transformer blocks at the input's size; then the picture is enlarged.
#[derive(Module, Debug)]
pub struct Dat {
    conv_first: ConvLayer,
    /// The first place has no parameters.
    before_RG: Vec<Option<LayerNorm>>,
    layers: Vec<Group>,
    norm: LayerNorm,
    conv_after_body: Connection,
    conv_before_upsample: Vec<ConvLayer>,
    upsample: Vec<Option<ConvLayer>>,
    conv_last: Option<ConvLayer>,
    #[module(skip)]
    scale: usize,
}

impl Dat {
    fn new(config: &DatConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let (c, f) = (config.embed_dim, config.num_feat);
        let plain = Conv::same(3);
        let direct = config.upsampler == Upsampler::PixelShuffleDirect;
        let one_step = || init.at("upsample").conv("0", [3 * scale * scale, c, 3, 3], GAIN, plain);
        let groups = config.depth.iter().enumerate();
        Self {
            conv_first: init.conv("conv_first", [c, in_channels, 3, 3], GAIN, plain),
            before_RG: vec![None, Some(LayerNorm::of_torch(c, init))],
            layers: groups
                .map(|(i, depth)| Group::new(config, i, *depth, &init.at("layers").at(i)))
                .collect(),
            norm: LayerNorm::of_torch(c, init),
            conv_after_body: Connection::new(config.resi_connection, c, init, "conv_after_body"),
            conv_before_upsample: if direct { Vec::new() } else { upsampler::before(c, f, init) },
            upsample: if direct { vec![Some(one_step())] } else { upsampler::stages(scale, f, init) },
            conv_last: (!direct).then(|| init.conv("conv_last", [3, f, 3, 3], GAIN, plain)),
            scale,
        }
    }

    /// Without a pool, means are those of `x`.
    fn through(&self, x: Tensor<4>, mut pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let mean = Tensor::<1>::from_floats(MEAN, &x.device()).reshape([1, 1, 1, 3]);
        // A packed RAW has four channels and no mean colour.
        let photo = x.dims()[3] == 3;
        let first = self.conv_first.forward(if photo { x - mean.clone() } else { x });
        let y = self.before_RG.iter().flatten().fold(first.clone(), |y, norm| norm.forward(y));
        let y = self.layers.iter().try_fold(y, |y, group| group.forward(y, pool.as_deref_mut()))?;
        let y = self.conv_after_body.forward_onto(self.norm.forward(y), first);
        let y = match &self.conv_last {
            Some(last) => {
                let y = self.conv_before_upsample.iter().fold(y, |y, conv| conv.forward(y));
                last.forward(upsampler::shuffle_up(&self.upsample, y, self.scale))
            }
            None => {
                let y = self.upsample.iter().flatten().fold(y, |y, conv| conv.forward(y));
                pixel_shuffle(y, self.scale)
            }
        };
        Some(if photo { y + mean } else { y })
    }
}

impl Transform for Dat {
    /// The authors' files have, for each block, where pixels of a window stand to each other, and for shifted windows which of
    /// them are apart in photos of the size of training, which is the side of a window here.
    fn derived(&self) -> StateDict {
        let mut state = StateDict::new();
        let shows_side = self.layers.first().is_some_and(|group| group.blocks.len() > 2);
        for (i, group) in self.layers.iter().enumerate() {
            for (j, block) in group.blocks.iter().enumerate() {
                for (k, half) in block.attn.attns.iter().enumerate() {
                    let at = format!("layers.{i}.blocks.{j}.attn");
                    state.insert(
                        &format!("{at}.attns.{k}.relative_position_index"),
                        position_index(half.size),
                    );
                    if block.attn.shifted {
                        let side = if shows_side { half.size[0].max(half.size[1]) } else { USUAL };
                        let (windows, pixels) = (half.windows(true), half.size[0] * half.size[1]);
                        let shape = vec![side * side / pixels, pixels, pixels];
                        let data = windows.mask([side; 2]);
                        state.insert(&format!("{at}.attn_mask_{k}"), Array { shape, data });
                    }
                }
            }
        }
        state
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let ([n, h, w, _], device) = (x.dims(), x.device());
        // Only a pool stops, so there is always a result.
        let none = || Tensor::zeros([n, h * self.scale, w * self.scale, 3], &device);
        self.through(x, None).unwrap_or_else(none)
    }

    /// With channels compared, and their means taken, over the image that `x` is a tile of.
    fn forward_pooled(&self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
        self.through(x, Some(pool))
    }
}
