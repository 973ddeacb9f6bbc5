//! Restormer (Zamir et al., *Restormer: Efficient Transformer for High-Resolution Image Restoration*, CVPR 2022).

mod block;
mod settings;

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Conv, pixel_shuffle};

use super::architecture::{Pool, Transform, made};
use super::init::Init;
use super::layer::{ConvLayer, cut, mirror_to_multiple, pixel_unshuffle};
use super::upsampler::GAIN;
use crate::onnx::{Graph, Value};
use block::Block;
use settings::MULTIPLE;
pub use settings::{LayerNormType, RestormerConfig};

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
            patch_embed: Projection { proj: proj.unbiased() },
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
