//! EDSR (Lim et al., CVPR Workshops 2017), in BasicSR's layout and in its authors'.

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
use super::layer::{ConvLayer, ResidualBlock};
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// Mean colour of DIV2K, which the network's features are centred on.
const MEAN: [f32; 3] = [0.4488, 0.4371, 0.4040];
/// The network works on 8-bit levels, as its public weights do.
const RANGE: f64 = 255.0;
/// From this width on the authors scale residuals down, or training would not settle: section 3.2 of the paper, and the
/// settings of BasicSR's EDSR_L.
const WIDE: usize = 256;

/// Settings of `type = "edsr"`: EDSR, scales 1 to 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EdsrConfig {
    /// Channels of the features, at least 1. Default 64.
    pub num_feat: usize,
    /// Residual blocks. Default 16.
    pub num_block: usize,
    /// Share of a block's output that is added to its input, from 0 to 1. Default as its authors have it: 0.1 from 256
    /// features on, 1 below.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 0.1)]
    pub res_scale: Option<f64>,
}

impl Default for EdsrConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_block: 16, res_scale: None }
    }
}

impl EdsrConfig {
    /// Share of a block's output that is added to its input.
    fn share(&self) -> f64 {
        self.res_scale.unwrap_or(if self.num_feat >= WIDE { 0.1 } else { 1.0 })
    }
}

impl Architecture for EdsrConfig {
    type Network = Edsr;

    const ABOUT: &'static str = "EDSR, as BasicSR's";
    const SCALES: &'static [usize] = &[1, 2, 3, 4];

    fn check(&self) -> Result<(), Unfit> {
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        within("num_block", self.num_block, 0, MOST_BLOCKS)?;
        match (0.0..=1.0).contains(&self.share()) {
            true => Ok(()),
            false => Err(("res_scale", format!("must be from 0 to 1; it is {}", self.share()))),
        }
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> Edsr {
        Edsr::new(self, scale, in_channels, init)
    }

    /// As SRResNet's.
    fn extent(&self, scale: usize) -> Extent {
        Extent {
            multiple: 1,
            overlap: ENOUGH.min(2 * self.num_block + 5),
            floats: self.num_feat * (3 + 2 * scale * scale),
        }
    }

    /// Those of its authors' PyTorch code have the mean colour as layers, which is taken away and put back here without any.
    fn with_our_names(state: StateDict) -> StateDict {
        let theirs = MEAN_LAYERS.iter().all(|(layer, sign)| is_mean(&state, layer, *sign));
        if !theirs || !state.iter().all(|(name, _)| is_mean_layer(name) || our_name(name).is_some()) {
            return state;
        }
        state.renamed(|name| if is_mean_layer(name) { None } else { our_name(name) })
    }

    fn fitted(&self, state: &StateDict) -> Self {
        Self {
            num_feat: results(state, "conv_first.weight", self.num_feat),
            num_block: places(state, "body."),
            ..self.clone()
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        let stages =
            ["upsample.0.weight", "upsample.2.weight"].into_iter().filter(|name| state.get(name).is_some());
        stages.map(|name| shuffled(state, name, results(state, "conv_first.weight", 0))).product()
    }

    fn completed(&self) -> Self {
        Self { res_scale: Some(self.share()), ..self.clone() }
    }

    fn assumption(&self, asked: &Self) -> Option<String> {
        asked.res_scale.is_none().then(|| {
            format!(
                "these weights do not say with which res_scale they were trained: {} is used, as the authors do with {} \
                 features ({WIDE} and more: 0.1, fewer: 1); pass --res-scale if it was another",
                self.share(),
                self.num_feat
            )
        })
    }
}

/// Layers of its authors that take the mean colour away and put it back.
const MEAN_LAYERS: [(&str, f32); 2] = [("sub_mean", -1.0), ("add_mean", 1.0)];

fn is_mean_layer(name: &str) -> bool {
    MEAN_LAYERS.iter().any(|(layer, _)| name.strip_prefix(layer).is_some_and(|rest| rest.starts_with('.')))
}

/// Whether there is such a layer, and it adds nothing but the mean colour with this sign. An outline has no values.
fn is_mean(state: &StateDict, layer: &str, sign: f32) -> bool {
    let values = |kind: &str| state.get(&format!("{layer}.{kind}")).map(|array| &array.data[..]);
    let (Some(weight), Some(bias)) = (values("weight"), values("bias")) else { return false };
    let near = |a: f32, b: f32| (a - b).abs() < 0.01;
    let same = |(i, value): (usize, &f32)| near(*value, if i % 4 == 0 { 1.0 } else { 0.0 });
    let mean = MEAN.map(|mean| sign * mean * RANGE as f32);
    weight.iter().enumerate().all(same) && bias.iter().zip(mean).all(|(a, b)| near(*a, b))
}

/// Our name for one of its authors (`body.3.body.0.weight`, `tail.0.2.bias`).
fn our_name(name: &str) -> Option<String> {
    let (place, kind) = name.rsplit_once('.')?;
    let parts: Vec<_> = place.split('.').collect();
    let place = match parts[..] {
        ["head", "0"] => "conv_first".to_string(),
        ["body", block, "body", "0"] => format!("body.{block}.conv1"),
        ["body", block, "body", "2"] => format!("body.{block}.conv2"),
        ["body", _] => "conv_after_body".to_string(),
        ["tail", "0", stage] => format!("upsample.{stage}"),
        ["tail", "1"] => "conv_last".to_string(),
        _ => return None,
    };
    Some(format!("{place}.{kind}"))
}

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
    /// A packed RAW has four channels and no mean colour.
    #[module(skip)]
    centred: bool,
}

impl Edsr {
    fn new(config: &EdsrConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let f = config.num_feat;
        let plain = Conv::same(3);
        let block = |at: Init| {
            let conv1 = at.conv("conv1", [f, f, 3, 3], 0.1, plain.with_activation(Activation::Relu));
            ResidualBlock::new(conv1, at.conv("conv2", [f, f, 3, 3], 0.1, plain), config.share())
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
            centred: in_channels == 3,
        }
    }
}

impl Transform for Edsr {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mean = Tensor::<1>::from_floats(MEAN, &x.device()).reshape([1, 1, 1, 3]);
        let x = if self.centred { x - mean.clone() } else { x };
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

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let mean = graph.floats(&[3, 1, 1], &MEAN);
        let x = if self.centred { graph.op("Sub", &[x, &mean]) } else { x.clone() };
        let x = graph.times(&x, RANGE);
        let first = self.conv_first.draw(graph, &x);
        let y = self.body.iter().fold(first.clone(), |y, block| block.draw(graph, &y));
        let mut y = self.conv_after_body.draw_onto(graph, &y, &first);
        let step = if self.scale == 3 { 3 } else { 2 };
        for up in self.upsample.iter().flatten() {
            let wide = up.draw(graph, &y);
            y = graph.pixel_shuffle(&wide, step);
        }
        let y = self.conv_last.draw(graph, &y);
        let y = graph.times(&y, 1.0 / RANGE);
        graph.add(&y, &mean)
    }
}
