//! RRDBNet, the generator of ESRGAN (Wang et al., ECCV Workshops 2018).

mod names;

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv, join, sum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, ENOUGH, Extent, MOST_BLOCKS, MOST_CHANNELS, Transform, Unfit, made, places, results, within,
};
use super::border::{Border, Edges};
use super::init::Init;
use super::layer::{ConvLayer, cut, enlarge_nearest, mirror_to_multiple, pixel_unshuffle};
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;
use names::{enlarged_of_first, first_name, named, our_name};

/// Share of a dense block's output that is added to its input.
const RESIDUAL: f64 = 0.2;

/// Settings of `type = "rrdbnet"`: RRDBNet, the generator of ESRGAN, scales 1, 2, 4, 8 and 16.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RrdbNetConfig {
    /// Channels of the features, at least 1. Default 64.
    pub num_feat: usize,
    /// Residual-in-residual blocks. Default 23.
    pub num_block: usize,
    /// Channels that each convolution of a dense block adds, at least 1. Default 32.
    pub num_grow_ch: usize,
    /// Whether scales 1 and 2 work on a folded photo and enlarge four times, as Real-ESRGAN does: four times as fast for
    /// scale 2, sixteen times for scale 1. Default true.
    pub use_pixel_unshuffle: bool,
    /// How many pixels along each side are folded into one: 1, 2 or 4. Default as `use_pixel_unshuffle` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 2)]
    pub shuffle_factor: Option<usize>,
    /// Whether dense blocks have ESRGAN+'s additional connections. Default false.
    pub plus: bool,
}

impl Default for RrdbNetConfig {
    fn default() -> Self {
        Self {
            num_feat: 64,
            num_block: 23,
            num_grow_ch: 32,
            use_pixel_unshuffle: true,
            shuffle_factor: None,
            plus: false,
        }
    }
}

impl RrdbNetConfig {
    /// How many pixels along each side are folded into one.
    fn fold(&self, scale: usize) -> usize {
        let usual = if self.use_pixel_unshuffle { 4 / scale.clamp(1, 4) } else { 1 };
        self.shuffle_factor.unwrap_or(usual)
    }
}

impl Architecture for RrdbNetConfig {
    type Network = RrdbNet;

    const ABOUT: &'static str = "RRDBNet, the generator of ESRGAN and Real-ESRGAN";
    const SCALES: &'static [usize] = &[1, 2, 4, 8, 16];

    fn check(&self) -> Result<(), Unfit> {
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        within("num_block", self.num_block, 0, MOST_BLOCKS)?;
        within("num_grow_ch", self.num_grow_ch, 1, MOST_CHANNELS)?;
        match self.shuffle_factor {
            None | Some(1 | 2 | 4) => Ok(()),
            Some(other) => Err(("shuffle_factor", format!("must be 1, 2 or 4; it is {other}"))),
        }
    }

    fn check_scale(&self, scale: usize) -> Result<(), Unfit> {
        let most = 1 << UPS.len();
        match scale * self.fold(scale) <= most {
            true => Ok(()),
            false => Err(("shuffle_factor", format!("must leave no more than {most} times to enlarge"))),
        }
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> RrdbNet {
        RrdbNet::new(self, scale, in_channels, init)
    }

    /// Fifteen convolutions a block, on folded pixels.
    fn extent(&self, scale: usize) -> Extent {
        let fold = self.fold(scale);
        let dense = self.num_feat + 4 * self.num_grow_ch;
        Extent {
            multiple: fold,
            overlap: ENOUGH.min((15 * self.num_block + 5) * fold),
            floats: (3 * self.num_feat + 2 * dense) / (fold * fold) + 2 * self.num_feat * scale * scale,
        }
    }

    /// As `spandrel` does, to multiples of 4. Its authors leave it to whoever applies the network: Real-ESRGAN's program mirrors
    /// to multiples of 2 where the scale is 2, so that even sides stay, and of 4 where it is 1.
    fn border(&self, multiple: usize) -> Border {
        let multiple = if multiple > 1 { 4 } else { 1 };
        Border::to_multiple(multiple, Edges::Mirrored)
    }

    fn with_our_names(state: StateDict) -> StateDict {
        if let Some(state) = named(&state) {
            return state;
        }
        let enlarged = enlarged_of_first(&state);
        state.renamed(|name| Some(our_name(name, enlarged).unwrap_or_else(|| name.to_string())))
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let fold = fold_of(state, self.in_channels(state));
        let usual = Self {
            num_feat: results(state, "conv_first.weight", self.num_feat),
            num_block: places(state, "body."),
            num_grow_ch: results(state, "body.0.rdb1.conv1.weight", self.num_grow_ch),
            // Four times and more can be done in one way only.
            use_pixel_unshuffle: enlarged(state) >= 2 && (fold > Some(1) || self.use_pixel_unshuffle),
            shuffle_factor: None,
            plus: state.get("body.0.rdb1.conv1x1.weight").is_some(),
        };
        let other = |fold: &usize| self.scale(state).is_some_and(|scale| usual.fold(scale) != *fold);
        Self { shuffle_factor: fold.filter(other), ..usual }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        let (fold, times) = (fold_of(state, self.in_channels(state))?, 1 << enlarged(state));
        (times >= fold).then_some(times / fold)
    }

    /// What it reads may be folded, and what it writes is not.
    fn in_channels(&self, state: &StateDict) -> usize {
        if results(state, "conv_last.weight", 3) == 1 { 1 } else { 3 }
    }
}

/// The convolutions behind enlargements.
const UPS: [&str; 4] = ["conv_up1", "conv_up2", "conv_up3", "conv_up4"];

/// How often a network of these weights, which are under our names, makes each side twice as long.
fn enlarged(state: &StateDict) -> usize {
    UPS.iter().filter(|name| state.get(&format!("{name}.weight")).is_some()).count()
}

/// How many pixels along each side such a network of photos folds into one.
fn fold_of(state: &StateDict, in_channels: usize) -> Option<usize> {
    let reads = *state.get("conv_first.weight")?.shape.get(1)?;
    [1, 2, 4].into_iter().find(|fold| reads == in_channels * fold * fold)
}

/// Five convolutions, each of which reads everything before it.
#[derive(Module, Debug)]
struct DenseBlock {
    conv1: ConvLayer,
    conv2: ConvLayer,
    conv3: ConvLayer,
    conv4: ConvLayer,
    conv5: ConvLayer,
    /// ESRGAN+ (Rakotonirina and Rasoanaivo, ICASSP 2020) adds what it makes of the input to the second result, and that
    /// to the fourth.
    conv1x1: Option<ConvLayer>,
}

impl DenseBlock {
    fn new(config: &RrdbNetConfig, at: &Init) -> Self {
        let (features, grow) = (config.num_feat, config.num_grow_ch);
        let plain = Conv::same(3);
        let leaky = plain.with_activation(Activation::LeakyRelu(0.2));
        let grown =
            |i: usize| at.conv(&format!("conv{}", i + 1), [grow, features + i * grow, 3, 3], 0.1, leaky);
        let beside = || at.conv("conv1x1", [grow, features, 1, 1], 0.1, Conv::default()).unbiased();
        Self {
            conv1: grown(0),
            conv2: grown(1),
            conv3: grown(2),
            conv4: grown(3),
            conv5: at.conv("conv5", [features, features + 4 * grow, 3, 3], 0.1, plain),
            conv1x1: config.plus.then(beside),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let seen = join(x.clone(), self.conv1.forward(x.clone()));
        let second = self.conv2.forward(seen.clone());
        let second = match &self.conv1x1 {
            Some(beside) => beside.forward_onto(x.clone(), second),
            None => second,
        };
        let seen = join(seen, second.clone());
        let seen = join(seen.clone(), self.conv3.forward(seen));
        let fourth = self.conv4.forward(seen.clone());
        let fourth = if self.conv1x1.is_some() { fourth + second } else { fourth };
        let share = Tensor::full([1, x.dims()[3], 1, 1], RESIDUAL, &x.device());
        self.conv5.forward_scaled_onto(join(seen, fourth), share, x)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let first = self.conv1.draw(graph, x);
        let seen = graph.joined(&[x, &first]);
        let mut second = self.conv2.draw(graph, &seen);
        if let Some(beside) = &self.conv1x1 {
            second = beside.draw_onto(graph, x, &second);
        }
        let seen = graph.joined(&[&seen, &second]);
        let third = self.conv3.draw(graph, &seen);
        let seen = graph.joined(&[&seen, &third]);
        let mut fourth = self.conv4.draw(graph, &seen);
        if self.conv1x1.is_some() {
            fourth = graph.add(&fourth, &second);
        }
        let seen = graph.joined(&[&seen, &fourth]);
        let y = self.conv5.draw(graph, &seen);
        let y = graph.times(&y, RESIDUAL);
        graph.add(x, &y)
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
        sum(x, y, RESIDUAL as f32)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let blocks = [&self.rdb1, &self.rdb2, &self.rdb3];
        let y = blocks.into_iter().fold(x.clone(), |y, block| block.draw(graph, &y));
        let y = graph.times(&y, RESIDUAL);
        graph.add(x, &y)
    }
}

/// A residual network of residual dense blocks; its input may be folded into channels first.
#[derive(Module, Debug)]
pub struct RrdbNet {
    conv_first: ConvLayer,
    body: Vec<Rrdb>,
    conv_body: ConvLayer,
    conv_up1: Option<ConvLayer>,
    conv_up2: Option<ConvLayer>,
    conv_up3: Option<ConvLayer>,
    conv_up4: Option<ConvLayer>,
    conv_hr: ConvLayer,
    conv_last: ConvLayer,
    #[module(skip)]
    scale: usize,
    #[module(skip)]
    fold: usize,
    #[module(skip)]
    in_channels: usize,
}

impl RrdbNet {
    fn new(config: &RrdbNetConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let f = config.num_feat;
        let plain = Conv::same(3);
        let leaky = plain.with_activation(Activation::LeakyRelu(0.2));
        let fold = config.fold(scale);
        let block = |at: Init| Rrdb {
            rdb1: DenseBlock::new(config, &at.at("rdb1")),
            rdb2: DenseBlock::new(config, &at.at("rdb2")),
            rdb3: DenseBlock::new(config, &at.at("rdb3")),
        };
        let conv = |name: &str, conv: Conv| init.conv(name, [f, f, 3, 3], 0.5, conv);
        // Folded, a photo is enlarged more often.
        let up = |name: &str, from: usize| (scale * fold >= from).then(|| conv(name, leaky));
        Self {
            conv_first: init.conv("conv_first", [f, in_channels * fold * fold, 3, 3], 0.5, plain),
            body: (0..config.num_block).map(|i| block(init.at("body").at(i))).collect(),
            conv_body: conv("conv_body", plain),
            conv_up1: up("conv_up1", 2),
            conv_up2: up("conv_up2", 4),
            conv_up3: up("conv_up3", 8),
            conv_up4: up("conv_up4", 16),
            conv_hr: conv("conv_hr", leaky),
            conv_last: init.conv("conv_last", [made(in_channels), f, 3, 3], 0.5, plain),
            scale,
            fold,
            in_channels,
        }
    }

    /// The convolutions behind enlargements.
    fn ups(&self) -> impl Iterator<Item = &ConvLayer> {
        [&self.conv_up1, &self.conv_up2, &self.conv_up3, &self.conv_up4].into_iter().flatten()
    }
}

impl Transform for RrdbNet {
    /// Others read ESRGAN+ by its first names alone: under newer ones they leave its connections out.
    fn saved(&self, state: StateDict) -> StateDict {
        let (blocks, enlarged) = (self.body.len(), enlarged(&state));
        match state.get("body.0.rdb1.conv1x1.weight").is_some() {
            true => state.renamed(|name| first_name(name, blocks, enlarged)),
            false => state,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, h, w, _] = x.dims();
        let x = if self.fold > 1 { pixel_unshuffle(mirror_to_multiple(x, self.fold), self.fold) } else { x };
        let first = self.conv_first.forward(x);
        let mut y = first.clone();
        for block in &self.body {
            y = block.forward(y);
        }
        let mut y = self.conv_body.forward_onto(y, first);
        for up in self.ups() {
            y = up.forward(enlarge_nearest(y, 2));
        }
        let y = self.conv_last.forward(self.conv_hr.forward(y));
        cut(y, h * self.scale, w * self.scale)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let folded = graph.pixel_unshuffle(x, self.in_channels, self.fold);
        let first = self.conv_first.draw(graph, &folded);
        let y = self.body.iter().fold(first.clone(), |y, block| block.draw(graph, &y));
        let mut y = self.conv_body.draw_onto(graph, &y, &first);
        for up in self.ups() {
            let larger = graph.enlarge_nearest(&y, 2);
            y = up.draw(graph, &larger);
        }
        let y = self.conv_hr.draw(graph, &y);
        self.conv_last.draw(graph, &y)
    }
}
