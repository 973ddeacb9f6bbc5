//! ESRGAN's kind of discriminator (Wang et al., *ESRGAN*, ECCV Workshops 2018, after Ledig et al., CVPR 2017), without its
//! fully connected layers.

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, AllReduce, Conv};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SLOPE;
use super::architecture::{Architecture, Judge};
use super::norm::BatchNorm;
use crate::network::{ConvLayer, Init, MOST_CHANNELS, Unfit, within};

/// Settings of `type = "vgg"`: a small discriminator with batch normalisation, as ESRGAN's, which learns within a hundred
/// steps. It ends without fully connected layers, so it judges crops of any size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VggConfig {
    /// Channels of the first features, 1 to 512; every halving doubles them, up to 8 times. Default 48.
    pub num_feat: usize,
    /// How many times the image is halved, 1 to 6. Default 2.
    pub num_down: usize,
}

impl Default for VggConfig {
    fn default() -> Self {
        Self { num_feat: 48, num_down: 2 }
    }
}

impl Architecture for VggConfig {
    type Network = Vgg;

    const ABOUT: &'static str = "ESRGAN's kind: small, with batch normalisation, a logit for each patch";

    fn check(&self) -> Result<(), Unfit> {
        within("num_feat", self.num_feat, 1, MOST_CHANNELS / 8)?;
        within("num_down", self.num_down, 1, 6)
    }

    fn init(&self, init: &Init) -> Vgg {
        Vgg::new(self, init)
    }

    /// A channel of a single value would have no deviation to be divided by.
    fn min_side(&self) -> usize {
        2 << self.num_down
    }
}

/// Convolutions that halve the image while channels double, each with batch normalisation and leaky ReLU; the last one
/// makes a logit at each position.
#[derive(Module, Debug)]
pub struct Vgg {
    conv_first: ConvLayer,
    levels: Vec<Level>,
    conv_last: ConvLayer,
}

/// Half the size, then twice the channels.
#[derive(Module, Debug)]
struct Level {
    conv1: ConvLayer,
    bn1: BatchNorm,
    conv2: ConvLayer,
    bn2: BatchNorm,
}

impl Vgg {
    fn new(config: &VggConfig, init: &Init) -> Self {
        let same = Conv::same(3);
        let half = Conv { stride: 2, padding: 1, ..Conv::default() };
        let channels = |level: usize| config.num_feat << level.min(3);
        let level = |at: usize| {
            let (init, [from, to]) = (init.at("levels").at(at), [at, at + 1].map(channels));
            // The normalisation takes out what a bias would add.
            Level {
                conv1: init.conv("conv1", [from, from, 4, 4], 1.0, half).unbiased(),
                bn1: BatchNorm::new(&init.at("bn1"), from),
                conv2: init.conv("conv2", [to, from, 3, 3], 1.0, same).unbiased(),
                bn2: BatchNorm::new(&init.at("bn2"), to),
            }
        };
        let leaky = same.with_activation(Activation::LeakyRelu(SLOPE));
        Self {
            conv_first: init.conv("conv_first", [channels(0), 3, 3, 3], 1.0, leaky),
            levels: (0..config.num_down).map(level).collect(),
            // It begins undecided.
            conv_last: init.conv("conv_last", [1, channels(config.num_down), 3, 3], 0.1, same),
        }
    }
}

impl Judge for Vgg {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut y = self.conv_first.forward(x);
        for Level { conv1, bn1, conv2, bn2 } in &self.levels {
            y = bn1.forward_leaky(conv1.forward(y));
            y = bn2.forward_leaky(conv2.forward(y));
        }
        self.conv_last.forward(y)
    }
    fn see_a_part(&mut self, all: &AllReduce) {
        let norms = self.levels.iter_mut().flat_map(|level| [&mut level.bn1, &mut level.bn2]);
        norms.for_each(|norm| norm.see_a_part(all));
    }
}
