//! The discriminator of Real-ESRGAN (Wang et al., *Real-ESRGAN*, ICCV Workshops 2021), in the layout of its public weights
//! (`UNetDiscriminatorSN`).

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv, resize_bilinear};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SLOPE;
use super::architecture::{Architecture, Judge};
use super::spectral::SpectralConv;
use crate::network::{ConvLayer, Init, MOST_CHANNELS, Unfit, within};
use crate::weights::StateDict;

/// Settings of `type = "unet"`: the U-Net with spectral normalisation of Real-ESRGAN (`UNetDiscriminatorSN`), whose
/// published weights load. It judges every pixel. From nothing it needs tens of thousands of steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UNetConfig {
    /// Channels of the first features, 1 to 512; every halving doubles them, up to 8 times. Default 64.
    pub num_feat: usize,
    /// Whether features of the way down are added to those of the way up. Default true.
    pub skip_connection: bool,
}

impl Default for UNetConfig {
    fn default() -> Self {
        Self { num_feat: 64, skip_connection: true }
    }
}

impl Architecture for UNetConfig {
    type Network = UNet;

    const ABOUT: &'static str =
        "The U-Net with spectral normalisation of Real-ESRGAN, a logit for each pixel";

    fn check(&self) -> Result<(), Unfit> {
        within("num_feat", self.num_feat, 1, MOST_CHANNELS / 8)
    }

    fn init(&self, init: &Init) -> UNet {
        UNet::new(self, init)
    }

    fn min_side(&self) -> usize {
        8
    }

    /// PyTorch's newer `parametrizations.spectral_norm` has other names than its older one, which ours are.
    fn with_our_names(state: StateDict) -> StateDict {
        const NEWER: [(&str, &str); 3] =
            [("original", "weight_orig"), ("0._u", "weight_u"), ("0._v", "weight_v")];
        state.renamed(|name| {
            let parts = name.split_once(".parametrizations.weight.");
            let ours = parts.and_then(|(place, part)| {
                let (_, ours) = NEWER.into_iter().find(|(newer, _)| *newer == part)?;
                Some(format!("{place}.{ours}"))
            });
            Some(ours.unwrap_or_else(|| name.to_string()))
        })
    }
}

/// Three halvings and back by bilinear enlargement, leaky ReLU behind every convolution but the last.
///
/// The original takes only sides that are multiples of 8. Here a map is enlarged to exactly the size that was halved, which
/// is the same for those and serves all others.
#[derive(Module, Debug)]
pub struct UNet {
    conv0: ConvLayer,
    conv1: SpectralConv,
    conv2: SpectralConv,
    conv3: SpectralConv,
    conv4: SpectralConv,
    conv5: SpectralConv,
    conv6: SpectralConv,
    conv7: SpectralConv,
    conv8: SpectralConv,
    conv9: ConvLayer,
    #[module(skip)]
    skip_connection: bool,
}

impl UNet {
    fn new(config: &UNetConfig, init: &Init) -> Self {
        let f = config.num_feat;
        let plain = Conv::same(3);
        let leaky = plain.with_activation(Activation::LeakyRelu(SLOPE));
        let down = |name, [from, to]: [usize; 2]| {
            SpectralConv::new(&init.at(name), [to, from, 4, 4], Conv { stride: 2, ..leaky })
        };
        let same = |name, [from, to]: [usize; 2]| SpectralConv::new(&init.at(name), [to, from, 3, 3], leaky);
        Self {
            conv0: init.conv("conv0", [f, 3, 3, 3], 1.0, leaky),
            conv1: down("conv1", [f, 2 * f]),
            conv2: down("conv2", [2 * f, 4 * f]),
            conv3: down("conv3", [4 * f, 8 * f]),
            conv4: same("conv4", [8 * f, 4 * f]),
            conv5: same("conv5", [4 * f, 2 * f]),
            conv6: same("conv6", [2 * f, f]),
            conv7: same("conv7", [f, f]),
            conv8: same("conv8", [f, f]),
            conv9: init.conv("conv9", [1, f, 3, 3], 1.0, plain),
            skip_connection: config.skip_connection,
        }
    }

    /// `conv` of `x` at the size of `skip`, onto `skip`.
    fn up(&self, conv: &SpectralConv, x: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        let [_, height, width, _] = skip.dims();
        let y = conv.forward(resize_bilinear(x, [height, width]));
        if self.skip_connection { y + skip } else { y }
    }
}

impl Judge for UNet {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x0 = self.conv0.forward(x);
        let x1 = self.conv1.forward(x0.clone());
        let x2 = self.conv2.forward(x1.clone());
        let x3 = self.conv3.forward(x2.clone());
        let y = self.up(&self.conv4, x3, x2);
        let y = self.up(&self.conv5, y, x1);
        let y = self.up(&self.conv6, y, x0);
        self.conv9.forward(self.conv8.forward(self.conv7.forward(y)))
    }

    fn renewed(self) -> Self {
        Self {
            conv1: self.conv1.renewed(),
            conv2: self.conv2.renewed(),
            conv3: self.conv3.renewed(),
            conv4: self.conv4.renewed(),
            conv5: self.conv5.renewed(),
            conv6: self.conv6.renewed(),
            conv7: self.conv7.renewed(),
            conv8: self.conv8.renewed(),
            ..self
        }
    }
}
