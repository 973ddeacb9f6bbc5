//! The compact network of Real-ESRGAN (Wang et al., *Real-ESRGAN*, ICCV Workshops 2021), in the layout of its public weights
//! (`SRVGGNetCompact`).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{Conv, pixel_shuffle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, ENOUGH, Extent, MOST_BLOCKS, MOST_CHANNELS, Transform, Unfit, places, results, shuffled,
    square, within,
};
use super::init::Init;
use super::layer::{ConvLayer, enlarge_nearest};
use crate::weights::StateDict;

/// Settings of `type = "compact"`: the compact network of Real-ESRGAN (`SRVGGNetCompact`), scales 1 to 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompactConfig {
    /// Channels of the features, at least 1. Default 64.
    pub num_feat: usize,
    /// Convolutions between the first and the last. Default 16.
    pub num_conv: usize,
}

impl Default for CompactConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_conv: 16 }
    }
}

impl Architecture for CompactConfig {
    type Network = Compact;

    const ABOUT: &'static str = "The compact network of Real-ESRGAN (SRVGGNetCompact)";
    const SCALES: &'static [usize] = &[1, 2, 3, 4];

    fn check(&self) -> Result<(), Unfit> {
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        within("num_conv", self.num_conv, 0, MOST_BLOCKS)
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> Compact {
        Compact::new(self, scale, in_channels, init)
    }

    /// One of its maps, what the next one becomes, and the result before and after the shuffle.
    fn extent(&self, scale: usize) -> Extent {
        Extent {
            multiple: 1,
            overlap: ENOUGH.min(self.num_conv + 2),
            floats: 2 * self.num_feat + 9 * scale * scale,
        }
    }

    fn fitted(&self, state: &StateDict) -> Self {
        Self {
            num_feat: results(state, "body.0.weight", self.num_feat),
            // Every convolution but the last has its slopes behind it.
            num_conv: (places(state, "body.") / 2).saturating_sub(1),
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        let last = format!("body.{}.weight", places(state, "body.").checked_sub(1)?);
        shuffled(state, &last, 3)
    }

    fn least_values(&self) -> Option<usize> {
        if self.num_conv == 0 { Some(self.num_feat) } else { square(self.num_feat) }
    }
}

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
    fn new(config: &CompactConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
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
}

impl Transform for Compact {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
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
