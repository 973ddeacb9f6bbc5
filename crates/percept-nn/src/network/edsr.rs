//! EDSR (Lim et al., CVPR Workshops 2017), in BasicSR's layout.

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv, pixel_shuffle};

use super::EdsrConfig;
use super::init::Init;
use super::layer::{ConvLayer, ResidualBlock};

/// Mean colour of DIV2K, which the network's features are centred on.
const MEAN: [f32; 3] = [0.4488, 0.4371, 0.4040];
/// The network works on 8-bit levels, as its public weights do.
const RANGE: f64 = 255.0;

/// A deeper, plainer residual network than SRResNet.
#[derive(Module, Debug)]
pub struct Edsr {
    conv_first: ConvLayer,
    body: Vec<ResidualBlock>,
    conv_after_body: ConvLayer,
    /// Convolutions at even places; the odd ones are the parameterless pixel shuffles.
    upsample: Vec<Option<ConvLayer>>,
    conv_last: ConvLayer,
    #[module(skip)]
    scale: usize,
}

impl Edsr {
    pub(super) fn new(config: &EdsrConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let f = config.num_feat;
        let plain = Conv::same(3);
        let block = |at: Init| {
            let conv1 = at.conv("conv1", [f, f, 3, 3], 0.1, plain.with_activation(Activation::Relu));
            ResidualBlock::new(conv1, at.conv("conv2", [f, f, 3, 3], 0.1, plain), config.res_scale)
        };
        let (step, stages) = match scale {
            1 => (1, 0),
            4 => (2, 2),
            scale => (scale, 1),
        };
        let at = init.at("upsample");
        let up = |i: usize| at.conv(&(2 * i).to_string(), [f * step * step, f, 3, 3], 0.5, plain);
        Self {
            conv_first: init.conv("conv_first", [f, in_channels, 3, 3], 0.5, plain),
            body: (0..config.num_block).map(|i| block(init.at("body").at(i))).collect(),
            conv_after_body: init.conv("conv_after_body", [f, f, 3, 3], 0.5, plain),
            upsample: (0..stages).flat_map(|i| [Some(up(i)), None]).collect(),
            conv_last: init.conv("conv_last", [3, f, 3, 3], 0.5, plain),
            scale,
        }
    }

    /// `[N, H, W, in]` → `[N, H·scale, W·scale, 3]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mean = Tensor::<1>::from_floats(MEAN, &x.device()).reshape([1, 1, 1, 3]);
        // A packed RAW has four channels and no mean colour.
        let x = if x.dims()[3] == 3 { x - mean.clone() } else { x };
        let first = self.conv_first.forward(x.mul_scalar(RANGE));
        let mut y = first.clone();
        for block in &self.body {
            y = block.forward(y);
        }
        let mut y = self.conv_after_body.forward_onto(y, first);
        let step = if self.scale == 3 { 3 } else { 2 };
        for up in self.upsample.iter().flatten() {
            y = pixel_shuffle(up.forward(y), step);
        }
        self.conv_last.forward(y).div_scalar(RANGE) + mean
    }
}
