//! SRResNet without batch normalisation (Ledig et al., CVPR 2017), in the layout of BasicSR's `MSRResNet`.

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv, pixel_shuffle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, ENOUGH, Extent, MOST_BLOCKS, MOST_CHANNELS, Transform, Unfit, places, results, shuffled,
    within,
};
use super::init::Init;
use super::layer::{ConvLayer, ResidualBlock, enlarge_bilinear};
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// Settings of `type = "srresnet"`: SRResNet without batch normalisation, scales 1 to 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SrResNetConfig {
    /// Channels of the features, at least 1. Default 64.
    pub num_feat: usize,
    /// Residual blocks. Default 16.
    pub num_block: usize,
}

impl Default for SrResNetConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_block: 16 }
    }
}

impl Architecture for SrResNetConfig {
    type Network = SrResNet;

    const ABOUT: &'static str = "SRResNet without batch normalisation, as BasicSR's MSRResNet";
    const SCALES: &'static [usize] = &[1, 2, 3, 4];

    fn check(&self) -> Result<(), Unfit> {
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        within("num_block", self.num_block, 0, MOST_BLOCKS)
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> SrResNet {
        SrResNet::new(self, scale, in_channels, init)
    }

    /// Two 3×3 convolutions a block and four or five around them; where the size grows, two maps of the result's size hold
    /// most of the memory.
    fn extent(&self, scale: usize) -> Extent {
        Extent {
            multiple: 1,
            overlap: ENOUGH.min(2 * self.num_block + 5),
            floats: self.num_feat * (3 + 2 * scale * scale),
        }
    }

    /// MMSR, BasicSR's predecessor, called the body `recon_trunk` and the last but one convolution `HRconv`.
    fn with_our_names(state: StateDict) -> StateDict {
        state.renamed(|name| {
            let old = |prefix| name.strip_prefix(prefix);
            Some(match (old("recon_trunk."), old("HRconv.")) {
                (Some(rest), _) => format!("body.{rest}"),
                (_, Some(rest)) => format!("conv_hr.{rest}"),
                _ => name.to_string(),
            })
        })
    }

    fn fitted(&self, state: &StateDict) -> Self {
        Self {
            num_feat: results(state, "conv_first.weight", self.num_feat),
            num_block: places(state, "body."),
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        let stages =
            ["upconv1.weight", "upconv2.weight"].into_iter().filter(|name| state.get(name).is_some());
        stages.map(|name| shuffled(state, name, results(state, "conv_first.weight", 0))).product()
    }
}

/// A residual network that works at the input's size and enlarges at the end; its output is added to the
/// bilinearly enlarged input where that is a picture.
#[derive(Module, Debug)]
pub struct SrResNet {
    conv_first: ConvLayer,
    body: Vec<ResidualBlock>,
    upconv1: Option<ConvLayer>,
    upconv2: Option<ConvLayer>,
    conv_hr: ConvLayer,
    conv_last: ConvLayer,
    #[module(skip)]
    scale: usize,
    #[module(skip)]
    adds_input: bool,
}

impl SrResNet {
    fn new(config: &SrResNetConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        const GAIN: f64 = 0.1;
        let f = config.num_feat;
        let adds_input = in_channels == 3;
        // Without the input to add to, a signal that every layer makes ten times smaller teaches nothing: after a thousand
        // steps there would be no colour yet.
        let outside = if adds_input { GAIN } else { 1.0 };
        let plain = Conv::same(3);
        let leaky = plain.with_activation(Activation::LeakyRelu(0.1));
        let block = |at: Init| {
            let conv1 = at.conv("conv1", [f, f, 3, 3], GAIN, plain.with_activation(Activation::Relu));
            ResidualBlock::new(conv1, at.conv("conv2", [f, f, 3, 3], GAIN, plain), 1.0)
        };
        let step = if scale == 3 { 3 } else { 2 };
        // Activation and pixel shuffle commute, so the activation is stored with the convolution.
        let up = |name: &str| init.conv(name, [f * step * step, f, 3, 3], outside, leaky);
        Self {
            conv_first: init.conv("conv_first", [f, in_channels, 3, 3], outside, leaky),
            body: (0..config.num_block).map(|i| block(init.at("body").at(i))).collect(),
            upconv1: (scale > 1).then(|| up("upconv1")),
            upconv2: (scale == 4).then(|| up("upconv2")),
            conv_hr: init.conv("conv_hr", [f, f, 3, 3], outside, leaky),
            conv_last: init.conv("conv_last", [3, f, 3, 3], outside, plain),
            scale,
            adds_input,
        }
    }
}

impl Transform for SrResNet {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut y = self.conv_first.forward(x.clone());
        for block in &self.body {
            y = block.forward(y);
        }
        let step = if self.scale == 3 { 3 } else { 2 };
        for up in [&self.upconv1, &self.upconv2].into_iter().flatten() {
            y = pixel_shuffle(up.forward(y), step);
        }
        let y = self.conv_hr.forward(y);
        match (self.adds_input, self.scale) {
            (false, _) => self.conv_last.forward(y),
            (true, 1) => self.conv_last.forward_onto(y, x),
            (true, scale) => self.conv_last.forward_onto(y, enlarge_bilinear(x, scale)),
        }
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let first = self.conv_first.draw(graph, x);
        let mut y = self.body.iter().fold(first, |y, block| block.draw(graph, &y));
        let step = if self.scale == 3 { 3 } else { 2 };
        for up in [&self.upconv1, &self.upconv2].into_iter().flatten() {
            let wide = up.draw(graph, &y);
            y = graph.pixel_shuffle(&wide, step);
        }
        let y = self.conv_hr.draw(graph, &y);
        if !self.adds_input {
            return self.conv_last.draw(graph, &y);
        }
        let enlarged = graph.enlarge_bilinear(x, self.scale);
        self.conv_last.draw_onto(graph, &y, &enlarged)
    }
}
