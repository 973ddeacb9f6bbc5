//! SwinIR (Liang et al., *SwinIR: Image Restoration Using Swin Transformer*, ICCV Workshops 2021).

mod group;
mod settings;

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv, pixel_shuffle};

use super::architecture::{Transform, made};
use super::init::Init;
use super::layer::{ConvLayer, LayerNorm, cut, enlarge_nearest, mirror_to_multiple};
use super::upsampler::{self, Connection, GAIN, Upsampler};
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;
use group::Group;
pub use settings::SwinIrConfig;
pub(super) use settings::check_groups;

/// Mean colour of DIV2K.
pub(super) const MEAN: [f32; 3] = [0.4488, 0.4371, 0.4040];
/// The convolutions that follow enlargements.
const UPS: [&str; 3] = ["conv_up1", "conv_up2", "conv_up3"];

/// The place of the first normalisation.
#[derive(Module, Debug)]
struct PatchEmbed {
    norm: LayerNorm,
}

/// Groups of transformer blocks at the input's size; then the picture is enlarged.
#[derive(Module, Debug)]
pub struct SwinIr {
    conv_first: ConvLayer,
    patch_embed: Option<PatchEmbed>,
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
            patch_embed: config.patch_norm.then(|| PatchEmbed { norm: LayerNorm::of_torch(c, init) }),
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
    fn saved(&self, mut state: StateDict) -> StateDict {
        for (i, group) in self.layers.iter().enumerate() {
            state.extend_prefixed(&format!("layers.{i}."), group.derived());
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
        let y = match &self.patch_embed {
            Some(embed) => embed.norm.forward(first.clone()),
            None => first.clone(),
        };
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
        let y = match &self.patch_embed {
            Some(embed) => embed.norm.draw(graph, &first),
            None => first.clone(),
        };
        let y = self.layers.iter().fold(y, |y, group| group.draw(graph, &y));
        let y = self.norm.draw(graph, &y);
        let y = self.conv_after_body.draw_onto(graph, &y, &first);
        let y = self.draw_picture(graph, &y, &x);
        let y = graph.times(&y, 1.0 / self.range);
        if centred { graph.add(&y, &mean) } else { y }
    }
}
