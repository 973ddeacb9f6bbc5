//! NAFNet (Chen et al., *Simple Baselines for Image Restoration*, ECCV 2022).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{Conv, layer_norm, pixel_shuffle, simple_gate};

use super::NafNetConfig;
use super::init::Init;
use super::layer::{ConvLayer, cut, pad_to_multiple};

/// Normalises every pixel over its channels.
#[derive(Module, Debug)]
struct LayerNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
}

impl LayerNorm {
    fn new(channels: usize, init: &Init) -> Self {
        Self { weight: init.full([channels], 1.0), bias: init.full([channels], 0.0) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        layer_norm(x, self.weight.val(), self.bias.val(), 1e-6)
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
        let y = self.conv1.forward(self.norm1.forward(x.clone()));
        let y = simple_gate(self.conv2.forward_depthwise(y));
        let mut attention = self.sca.iter().flatten();
        let y = match pool {
            None => attention.fold(y, |y, conv| conv.forward_attention(y)),
            Some(pool) => attention.try_fold(y, |y, conv| Some(y.clone() * conv.forward(pool(y)?)))?,
        };
        let x = self.conv3.forward_scaled_onto(y, self.beta.val(), x);
        let y = simple_gate(self.conv4.forward(self.norm2.forward(x.clone())));
        Some(self.conv5.forward_scaled_onto(y, self.gamma.val(), x))
    }
}

/// What channel attention takes for the mean of the image, `[N, H, W, C]` → `[N, 1, 1, C]`; `None` stops the
/// computation.
pub(crate) type Pool<'a> = dyn FnMut(Tensor<4>) -> Option<Tensor<4>> + 'a;

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
    pub(super) fn new(config: &NafNetConfig, in_channels: usize, init: &Init) -> Self {
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
            ending: init.conv("ending", [3, w, 3, 3], 0.1, Conv::same(3)),
            encoders: config.enc_blk_nums.iter().enumerate().map(encoder).collect(),
            decoders: config.dec_blk_nums.iter().enumerate().map(decoder).collect(),
            middle_blks: blocks(config.middle_blk_num, w << levels, init.at("middle_blks")),
            ups: (0..levels).map(up).collect(),
            downs: (0..levels).map(down).collect(),
            adds_input: in_channels == 3,
        }
    }

    /// `[N, H, W, in]` → `[N, H, W, 3]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, h, w, _] = x.dims();
        let device = x.device();
        // Only a pool stops, so there is always a result.
        self.through(x, None).unwrap_or_else(|| Tensor::zeros([n, h, w, 3], &device))
    }

    /// [`forward`](Self::forward) with other means than those of `x`: of the image that `x` is a tile of.
    pub(crate) fn forward_pooled(&self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
        self.through(x, Some(pool))
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
            y = through(decoder, y + skip, pool.as_deref_mut())?;
        }
        let y = if self.adds_input { self.ending.forward_onto(y, x) } else { self.ending.forward(y) };
        Some(cut(y, h, w))
    }
}

fn through(blocks: &[NafBlock], x: Tensor<4>, mut pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
    blocks.iter().try_fold(x, |x, block| block.forward(x, pool.as_deref_mut()))
}
