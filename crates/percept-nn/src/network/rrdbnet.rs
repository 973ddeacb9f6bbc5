//! RRDBNet, the generator of ESRGAN (Wang et al., ECCV Workshops 2018).

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, ENOUGH, Extent, MOST_BLOCKS, MOST_CHANNELS, Transform, Unfit, places, results, square,
    within,
};
use super::init::Init;
use super::layer::{ConvLayer, cut, enlarge_nearest, pad_to_multiple, pixel_unshuffle};
use crate::weights::StateDict;

/// Share of a dense block's output that is added to its input.
const RESIDUAL: f64 = 0.2;

/// Settings of `type = "rrdbnet"`: RRDBNet, the generator of ESRGAN, scales 1, 2 and 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RrdbNetConfig {
    /// Channels of the features, at least 1. Default 64.
    pub num_feat: usize,
    /// Residual-in-residual blocks. Default 23.
    pub num_block: usize,
    /// Channels that each convolution of a dense block adds, at least 1. Default 32.
    pub num_grow_ch: usize,
}

impl Default for RrdbNetConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_block: 23, num_grow_ch: 32 }
    }
}

impl Architecture for RrdbNetConfig {
    type Network = RrdbNet;

    const ABOUT: &'static str = "RRDBNet, the generator of ESRGAN and Real-ESRGAN";
    const SCALES: &'static [usize] = &[1, 2, 4];

    fn check(&self) -> Result<(), Unfit> {
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        within("num_block", self.num_block, 0, MOST_BLOCKS)?;
        within("num_grow_ch", self.num_grow_ch, 1, MOST_CHANNELS)
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> RrdbNet {
        RrdbNet::new(self, scale, in_channels, init)
    }

    /// Fifteen convolutions a block, on pixels of 4/scale of the input's.
    fn extent(&self, scale: usize) -> Extent {
        let fold = 4 / scale.clamp(1, 4);
        let dense = self.num_feat + 4 * self.num_grow_ch;
        Extent {
            multiple: fold,
            overlap: ENOUGH.min((15 * self.num_block + 5) * fold),
            floats: (3 * self.num_feat + 2 * dense) / (fold * fold) + 2 * self.num_feat * scale * scale,
        }
    }

    fn with_our_names(state: StateDict) -> StateDict {
        state.renamed(|name| Some(our_name(name).unwrap_or_else(|| name.to_string())))
    }

    fn fitted(&self, state: &StateDict) -> Self {
        Self {
            num_feat: results(state, "conv_first.weight", self.num_feat),
            num_block: places(state, "body."),
            num_grow_ch: results(state, "body.0.rdb1.conv1.weight", self.num_grow_ch),
        }
    }

    /// The input of smaller scales is folded into more channels.
    fn scale(&self, state: &StateDict) -> Option<usize> {
        match state.get("conv_first.weight")?.shape[..] {
            [_, 3, ..] => Some(4),
            [_, 12, ..] => Some(2),
            [_, 48, ..] => Some(1),
            _ => None,
        }
    }

    fn least_values(&self) -> Option<usize> {
        square(if self.num_block == 0 { self.num_feat } else { self.num_feat.max(self.num_grow_ch) })
    }
}

/// Our name for one of ESRGAN's two earlier ones: of its first training code (`model.1.sub.0.RDB1.conv1.0.weight`), and those
/// under which its authors published it (`RRDB_trunk.0.RDB1.conv1.weight`).
fn our_name(name: &str) -> Option<String> {
    let (place, kind) = name.rsplit_once('.')?;
    let place = match place {
        "model.0" => "conv_first".to_string(),
        "trunk_conv" => "conv_body".to_string(),
        "model.3" | "upconv1" => "conv_up1".to_string(),
        "model.6" | "upconv2" => "conv_up2".to_string(),
        "model.8" | "HRconv" => "conv_hr".to_string(),
        "model.10" => "conv_last".to_string(),
        other => match (other.strip_prefix("model.1.sub."), other.strip_prefix("RRDB_trunk.")) {
            (Some(inside), _) => body_of_first(inside)?,
            (_, Some(inside)) => body(inside)?,
            _ => return None,
        },
    };
    Some(format!("{place}.{kind}"))
}

/// `7.RDB1.conv3` → `body.7.rdb1.conv3`.
fn body(inside: &str) -> Option<String> {
    let (block, rest) = inside.split_once('.')?;
    let (dense, conv) = rest.split_once('.')?;
    Some(format!("body.{block}.{}.{conv}", dense.to_lowercase()))
}

/// `7.RDB1.conv3.0` → `body.7.rdb1.conv3`. The last place is the closing convolution and has no dense block inside.
fn body_of_first(inside: &str) -> Option<String> {
    match inside.contains('.') {
        true => body(inside.strip_suffix(".0")?),
        false => Some("conv_body".to_string()),
    }
}

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
    fn new(config: &RrdbNetConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
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
}

impl Transform for RrdbNet {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
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
