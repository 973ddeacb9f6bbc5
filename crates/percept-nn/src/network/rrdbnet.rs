//! RRDBNet, the generator of ESRGAN (Wang et al., ECCV Workshops 2018).

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv};

use super::RrdbNetConfig;
use super::init::Init;
use super::layer::{ConvLayer, cut, enlarge_nearest, pad_to_multiple, pixel_unshuffle};

/// Share of a dense block's output that is added to its input.
const RESIDUAL: f64 = 0.2;

/// Five convolutions, each of which reads everything before it.
#[derive(Module, Debug)]
struct DenseBlock {
    conv1: ConvLayer,
    conv2: ConvLayer,
    conv3: ConvLayer,
    conv4: ConvLayer,
    conv5: ConvLayer,
}

impl DenseBlock {
    fn new(features: usize, grow: usize, at: &Init) -> Self {
        let plain = Conv::same(3);
        let leaky = plain.with_activation(Activation::LeakyRelu(0.2));
        let grown =
            |i: usize| at.conv(&format!("conv{}", i + 1), [grow, features + i * grow, 3, 3], 0.1, leaky);
        Self {
            conv1: grown(0),
            conv2: grown(1),
            conv3: grown(2),
            conv4: grown(3),
            conv5: at.conv("conv5", [features, features + 4 * grow, 3, 3], 0.1, plain),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut seen = x.clone();
        for conv in [&self.conv1, &self.conv2, &self.conv3, &self.conv4] {
            let grown = conv.forward(seen.clone());
            seen = Tensor::cat(vec![seen, grown], 3);
        }
        x + self.conv5.forward(seen).mul_scalar(RESIDUAL)
    }
}

/// Three dense blocks in a residual.
#[derive(Module, Debug)]
struct Rrdb {
    rdb1: DenseBlock,
    rdb2: DenseBlock,
    rdb3: DenseBlock,
}

impl Rrdb {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.rdb3.forward(self.rdb2.forward(self.rdb1.forward(x.clone())));
        x + y.mul_scalar(RESIDUAL)
    }
}

/// A residual network of residual dense blocks that always enlarges four times; for smaller scales its
/// input is folded into channels first.
#[derive(Module, Debug)]
pub struct RrdbNet {
    conv_first: ConvLayer,
    body: Vec<Rrdb>,
    conv_body: ConvLayer,
    conv_up1: ConvLayer,
    conv_up2: ConvLayer,
    conv_hr: ConvLayer,
    conv_last: ConvLayer,
    #[module(skip)]
    scale: usize,
}

impl RrdbNet {
    pub(super) fn new(config: &RrdbNetConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let (f, g) = (config.num_feat, config.num_grow_ch);
        let plain = Conv::same(3);
        let leaky = plain.with_activation(Activation::LeakyRelu(0.2));
        let fold = 4 / scale;
        let block = |at: Init| Rrdb {
            rdb1: DenseBlock::new(f, g, &at.at("rdb1")),
            rdb2: DenseBlock::new(f, g, &at.at("rdb2")),
            rdb3: DenseBlock::new(f, g, &at.at("rdb3")),
        };
        let conv = |name: &str, conv: Conv| init.conv(name, [f, f, 3, 3], 0.5, conv);
        Self {
            conv_first: init.conv("conv_first", [f, in_channels * fold * fold, 3, 3], 0.5, plain),
            body: (0..config.num_block).map(|i| block(init.at("body").at(i))).collect(),
            conv_body: conv("conv_body", plain),
            conv_up1: conv("conv_up1", leaky),
            conv_up2: conv("conv_up2", leaky),
            conv_hr: conv("conv_hr", leaky),
            conv_last: init.conv("conv_last", [3, f, 3, 3], 0.5, plain),
            scale,
        }
    }

    /// `[N, H, W, in]` → `[N, H·scale, W·scale, 3]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, h, w, _] = x.dims();
        let fold = 4 / self.scale;
        let x = if fold > 1 { pixel_unshuffle(pad_to_multiple(x, fold), fold) } else { x };
        let first = self.conv_first.forward(x);
        let mut y = first.clone();
        for block in &self.body {
            y = block.forward(y);
        }
        let y = self.conv_body.forward_onto(y, first);
        let y = self.conv_up1.forward(enlarge_nearest(y, 2));
        let y = self.conv_up2.forward(enlarge_nearest(y, 2));
        let y = self.conv_last.forward(self.conv_hr.forward(y));
        cut(y, h * self.scale, w * self.scale)
    }
}
