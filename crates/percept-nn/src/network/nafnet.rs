//! NAFNet (Chen et al., *Simple Baselines for Image Restoration*, ECCV 2022).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{Conv, pixel_shuffle, sum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, Extent, MOST_BLOCKS, MOST_CHANNELS, Pool, Transform, Unfit, made, mean, places, read_by,
    results, within,
};
use super::border::{Border, Edges};
use super::init::Init;
use super::layer::{ConvLayer, LayerNorm, cut, pad_to_multiple};
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// An overlap that is enough, as for plain convolutions but on several levels: from here on tiles and the whole image differ
/// by half a level of 8 bits, all gates open.
const ENOUGH: usize = 64;
/// Levels of the U-Net at most: at the ninth a pixel would cover 512 of the image's.
const MOST_LEVELS: usize = 8;

/// Settings of `type = "nafnet"`: NAFNet, a U-Net for images that keep their size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NafNetConfig {
    /// Channels at the first level, doubled at each one below; at least 1. Default 32.
    pub width: usize,
    /// Blocks of the encoder by level. Default 1, 1, 1, 1.
    pub enc_blk_nums: Vec<usize>,
    /// Blocks at the bottom. Default 1.
    pub middle_blk_num: usize,
    /// Blocks of the decoder by level, from the bottom up; as many levels as the encoder. Default 1, 1, 1, 1.
    pub dec_blk_nums: Vec<usize>,
}

impl Default for NafNetConfig {
    fn default() -> Self {
        Self { width: 32, enc_blk_nums: vec![1; 4], middle_blk_num: 1, dec_blk_nums: vec![1; 4] }
    }
}

impl Architecture for NafNetConfig {
    type Network = NafNet;

    const ABOUT: &'static str = "NAFNet, a U-Net for pictures that keep their size";
    const SCALES: &'static [usize] = &[1];

    fn check(&self) -> Result<(), Unfit> {
        within("width", self.width, 1, MOST_CHANNELS)?;
        within("middle_blk_num", self.middle_blk_num, 0, MOST_BLOCKS)?;
        for (key, blocks) in [("enc_blk_nums", &self.enc_blk_nums), ("dec_blk_nums", &self.dec_blk_nums)] {
            blocks.iter().try_for_each(|blocks| within(key, *blocks, 0, MOST_BLOCKS))?;
        }
        if self.enc_blk_nums.len() != self.dec_blk_nums.len() {
            return Err(("dec_blk_nums", "must have as many levels as enc_blk_nums".to_string()));
        }
        if self.enc_blk_nums.len() > MOST_LEVELS {
            return Err(("enc_blk_nums", format!("must have at most {MOST_LEVELS} levels")));
        }
        Ok(())
    }

    fn init(&self, _: usize, in_channels: usize, init: &Init) -> NafNet {
        NafNet::new(self, in_channels, init)
    }

    /// One 3×3 convolution a block; a pixel of level l covers 2^l, and so does what halving reads beside it.
    fn extent(&self, _: usize) -> Extent {
        let levels = self.enc_blk_nums.len();
        let blocks = self.enc_blk_nums.iter().zip(self.dec_blk_nums.iter().rev()).enumerate();
        let sides = blocks.map(|(level, (encoder, decoder))| (encoder + decoder + 2) << level);
        Extent {
            multiple: 1 << levels,
            overlap: ENOUGH.min(2 + sides.sum::<usize>() + (self.middle_blk_num << levels)),
            floats: 12 * self.width,
        }
    }

    /// As its authors do; means are then those of the larger picture.
    fn border(&self, multiple: usize) -> Border {
        Border::to_multiple(multiple, Edges::Black)
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let levels = places(state, "downs.");
        let blocks = |part: &str| -> Vec<usize> {
            (0..levels).map(|level| places(state, &format!("{part}.{level}."))).collect()
        };
        Self {
            width: results(state, "intro.weight", self.width),
            enc_blk_nums: blocks("encoders"),
            middle_blk_num: places(state, "middle_blks."),
            dec_blk_nums: blocks("decoders"),
        }
    }

    fn scale(&self, _: &StateDict) -> Option<usize> {
        Some(1)
    }

    fn in_channels(&self, state: &StateDict) -> usize {
        read_by(state, "intro.weight")
    }
}

/// A block without activation functions: gates are products.
#[derive(Module, Debug)]
struct NafBlock {
    conv1: ConvLayer,
    conv2: ConvLayer,
    conv3: ConvLayer,
    /// Channel attention; its first place is the parameterless pooling.
    sca: Vec<Option<ConvLayer>>,
    conv4: ConvLayer,
    conv5: ConvLayer,
    norm1: LayerNorm,
    norm2: LayerNorm,
    beta: Param<Tensor<4>>,
    gamma: Param<Tensor<4>>,
}

impl NafBlock {
    fn new(c: usize, at: &Init) -> Self {
        let one = Conv::default();
        Self {
            conv1: at.conv("conv1", [2 * c, c, 1, 1], 1.0, one),
            conv2: at.conv("conv2", [2 * c, 1, 3, 3], 1.0, Conv::same(3)),
            conv3: at.conv("conv3", [c, c, 1, 1], 1.0, one),
            sca: vec![None, Some(at.at("sca").conv("1", [c, c, 1, 1], 1.0, one))],
            conv4: at.conv("conv4", [2 * c, c, 1, 1], 1.0, one),
            conv5: at.conv("conv5", [c, c, 1, 1], 1.0, one),
            norm1: LayerNorm::new(c, at),
            norm2: LayerNorm::new(c, at),
            // Blocks begin as the identity.
            beta: at.full([1, c, 1, 1], 0.0),
            gamma: at.full([1, c, 1, 1], 0.0),
        }
    }

    fn forward(&self, x: Tensor<4>, pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let y = self.conv2.forward_normed_gate(x.clone(), self.norm1.before(&self.conv1));
        let beta = self.beta.val();
        let x = match (&self.sca[..], pool) {
            ([_, Some(attention)], None) => self.conv3.forward_attention_onto(y, attention, beta, x),
            ([_, Some(attention)], Some(pool)) => {
                let factor = attention.forward(pool(y.clone(), &mean)?);
                self.conv3.forward_scaled_onto(y * factor, beta, x)
            }
            _ => self.conv3.forward_scaled_onto(y, beta, x),
        };
        Some(self.conv5.forward_fed_forward(x, self.norm2.before(&self.conv4), self.gamma.val()))
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let channels = self.beta.dims()[1];
        let gate = |graph: &mut Graph, y: &Value| {
            let [a, b] = [0..channels, channels..2 * channels].map(|half| graph.channels(y, half));
            graph.mul(&a, &b)
        };
        let y = self.norm1.draw(graph, x);
        let y = self.conv1.draw(graph, &y);
        let y = self.conv2.draw_depthwise(graph, &y);
        let mut y = gate(graph, &y);
        for conv in self.sca.iter().flatten() {
            let mean = graph.mean(&y);
            let attention = conv.draw(graph, &mean);
            y = graph.mul(&y, &attention);
        }
        let x = self.conv3.draw_scaled_onto(graph, &y, self.beta.val(), x);
        let y = self.norm2.draw(graph, &x);
        let y = self.conv4.draw(graph, &y);
        let y = gate(graph, &y);
        self.conv5.draw_scaled_onto(graph, &y, self.gamma.val(), &x)
    }
}

/// A U-Net of such blocks for images that keep their size.
#[derive(Module, Debug)]
pub struct NafNet {
    intro: ConvLayer,
    ending: ConvLayer,
    encoders: Vec<Vec<NafBlock>>,
    decoders: Vec<Vec<NafBlock>>,
    middle_blks: Vec<NafBlock>,
    /// Each holds a convolution; the pixel shuffle behind it has no parameters.
    ups: Vec<Vec<ConvLayer>>,
    downs: Vec<ConvLayer>,
    #[module(skip)]
    adds_input: bool,
}

impl NafNet {
    fn new(config: &NafNetConfig, in_channels: usize, init: &Init) -> Self {
        let blocks = |count: usize, channels: usize, at: Init| -> Vec<NafBlock> {
            (0..count).map(|i| NafBlock::new(channels, &at.at(i))).collect()
        };
        let w = config.width;
        let levels = config.enc_blk_nums.len();
        let encoder = |(i, count): (usize, &usize)| blocks(*count, w << i, init.at("encoders").at(i));
        let decoder =
            |(i, count): (usize, &usize)| blocks(*count, w << (levels - 1 - i), init.at("decoders").at(i));
        let down = |i: usize| {
            let conv = Conv { stride: 2, ..Conv::default() };
            init.at("downs").conv(&i.to_string(), [w << (i + 1), w << i, 2, 2], 1.0, conv)
        };
        let up = |i: usize| {
            let c = w << (levels - i);
            vec![init.at("ups").at(i).conv("0", [2 * c, c, 1, 1], 1.0, Conv::default()).unbiased()]
        };
        Self {
            intro: init.conv("intro", [w, in_channels, 3, 3], 1.0, Conv::same(3)),
            ending: init.conv("ending", [made(in_channels), w, 3, 3], 0.1, Conv::same(3)),
            encoders: config.enc_blk_nums.iter().enumerate().map(encoder).collect(),
            decoders: config.dec_blk_nums.iter().enumerate().map(decoder).collect(),
            middle_blks: blocks(config.middle_blk_num, w << levels, init.at("middle_blks")),
            ups: (0..levels).map(up).collect(),
            downs: (0..levels).map(down).collect(),
            adds_input: in_channels == made(in_channels),
        }
    }

    /// Without a pool, channel attention takes the means of `x`.
    fn through(&self, x: Tensor<4>, mut pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let [_, h, w, _] = x.dims();
        let x = pad_to_multiple(x, 1 << self.downs.len());
        let mut y = self.intro.forward(x.clone());
        let mut skips = Vec::with_capacity(self.downs.len());
        for (encoder, down) in self.encoders.iter().zip(&self.downs) {
            y = through(encoder, y, pool.as_deref_mut())?;
            skips.push(y.clone());
            y = down.forward(y);
        }
        y = through(&self.middle_blks, y, pool.as_deref_mut())?;
        for ((decoder, up), skip) in self.decoders.iter().zip(&self.ups).zip(skips.into_iter().rev()) {
            for conv in up {
                y = pixel_shuffle(conv.forward(y), 2);
            }
            y = through(decoder, sum(y, skip, 1.0), pool.as_deref_mut())?;
        }
        let y = if self.adds_input { self.ending.forward_onto(y, x) } else { self.ending.forward(y) };
        Some(cut(y, h, w))
    }
}

impl Transform for NafNet {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, h, w, _] = x.dims();
        let device = x.device();
        // Only a pool stops, so there is always a result.
        self.through(x, None).unwrap_or_else(|| Tensor::zeros([n, h, w, 3], &device))
    }

    /// With other means than those of `x`: of the image that `x` is a tile of.
    fn forward_pooled(&self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
        self.through(x, Some(pool))
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let mut y = self.intro.draw(graph, x);
        let mut skips = Vec::with_capacity(self.downs.len());
        for (encoder, down) in self.encoders.iter().zip(&self.downs) {
            let skip = encoder.iter().fold(y, |y, block| block.draw(graph, &y));
            y = down.draw(graph, &skip);
            skips.push(skip);
        }
        y = self.middle_blks.iter().fold(y, |y, block| block.draw(graph, &y));
        for ((decoder, up), skip) in self.decoders.iter().zip(&self.ups).zip(skips.iter().rev()) {
            for conv in up {
                let wide = conv.draw(graph, &y);
                y = graph.pixel_shuffle(&wide, 2);
            }
            y = graph.add(&y, skip);
            y = decoder.iter().fold(y, |y, block| block.draw(graph, &y));
        }
        match self.adds_input {
            true => self.ending.draw_onto(graph, &y, x),
            false => self.ending.draw(graph, &y),
        }
    }
}

fn through(blocks: &[NafBlock], x: Tensor<4>, mut pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
    blocks.iter().try_fold(x, |x, block| block.forward(x, pool.as_deref_mut()))
}
