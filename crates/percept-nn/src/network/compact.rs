//! The compact network of Real-ESRGAN (Wang et al., *Real-ESRGAN*, ICCV Workshops 2021), in the layout of its public weights
//! (`SRVGGNetCompact`).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{Conv, pixel_shuffle};

use super::CompactConfig;
use super::init::Init;
use super::layer::{ConvLayer, enlarge_nearest};

/// Plain convolutions with PReLU at the input's size, enlarged at the very end; the output is added to the input, enlarged
/// by repetition, where that is a picture.
#[derive(Module, Debug)]
pub struct Compact {
    /// Convolutions, each but the last with its slopes behind it.
    body: Vec<Place>,
    #[module(skip)]
    scale: usize,
    #[module(skip)]
    adds_input: bool,
}

/// One place of the body.
#[derive(Module, Debug)]
enum Place {
    Conv(ConvLayer),
    Slope(Slope),
}

/// PReLU's slopes, `[C]`.
#[derive(Module, Debug)]
struct Slope {
    weight: Param<Tensor<1>>,
}

impl Compact {
    pub(super) fn new(config: &CompactConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let f = config.num_feat;
        let at = init.at("body");
        let conv = |place: usize, shape: [usize; 2], gain| {
            let shape = [shape[0], shape[1], 3, 3];
            Place::Conv(at.conv(&place.to_string(), shape, gain, Conv::same(3)))
        };
        let layer = |i: usize| {
            let input = if i == 0 { in_channels } else { f };
            let slope = Slope { weight: at.full([f], 0.25) };
            [conv(2 * i, [f, input], 1.0), Place::Slope(slope)]
        };
        let mut body: Vec<_> = (0..=config.num_conv).flat_map(layer).collect();
        // It begins close to the enlarged input.
        body.push(conv(body.len(), [3 * scale * scale, f], 0.1));
        Self { body, scale, adds_input: in_channels == 3 }
    }

    /// `[N, H, W, in]` → `[N, H·scale, W·scale, 3]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut y = x.clone();
        for places in self.body.chunks(2) {
            y = match places {
                [Place::Conv(conv), Place::Slope(slope)] => conv.forward_prelu(y, slope.weight.val()),
                [Place::Conv(conv)] => conv.forward(y),
                _ => unreachable!("slopes stand behind convolutions"),
            };
        }
        let y = pixel_shuffle(y, self.scale);
        if self.adds_input { y + enlarge_nearest(x, self.scale) } else { y }
    }
}
