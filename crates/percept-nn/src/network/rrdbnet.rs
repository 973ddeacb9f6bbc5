//! RRDBNet, the generator of ESRGAN (Wang et al., ECCV Workshops 2018).

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
use super::order::Order;
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// Share of a dense block's output that is added to its input.
const RESIDUAL: f64 = 0.2;

/// Settings of `type = "rrdbnet"`: RRDBNet, the generator of ESRGAN, scales 1, 2, 4 and 8.
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
    /// Whether dense blocks have ESRGAN+'s additional connections. Default false.
    pub plus: bool,
}

impl Default for RrdbNetConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_block: 23, num_grow_ch: 32, use_pixel_unshuffle: true, plus: false }
    }
}

impl RrdbNetConfig {
    /// How many pixels along each side are folded into one.
    fn fold(&self, scale: usize) -> usize {
        if self.use_pixel_unshuffle { 4 / scale.clamp(1, 4) } else { 1 }
    }
}

impl Architecture for RrdbNetConfig {
    type Network = RrdbNet;

    const ABOUT: &'static str = "RRDBNet, the generator of ESRGAN and Real-ESRGAN";
    const SCALES: &'static [usize] = &[1, 2, 4, 8];

    fn check(&self) -> Result<(), Unfit> {
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        within("num_block", self.num_block, 0, MOST_BLOCKS)?;
        within("num_grow_ch", self.num_grow_ch, 1, MOST_CHANNELS)
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

    /// Its authors leave it to whoever applies the network: Real-ESRGAN's tool mirrors to multiples of 2 for scale 2 and of 4 for
    /// scale 1, `spandrel` to multiples of 4 for both. This is `spandrel`'s.
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
        let reads = state.get("conv_first.weight").and_then(|first| first.shape.get(1).copied());
        let folded = reads.map(|reads| reads >= 4 * self.in_channels(state));
        Self {
            num_feat: results(state, "conv_first.weight", self.num_feat),
            num_block: places(state, "body."),
            num_grow_ch: results(state, "body.0.rdb1.conv1.weight", self.num_grow_ch),
            // Four times and more can be done in one way only.
            use_pixel_unshuffle: enlarged(state) >= 2 && (folded == Some(true) || self.use_pixel_unshuffle),
            plus: state.get("body.0.rdb1.conv1x1.weight").is_some(),
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        let reads = *state.get("conv_first.weight")?.shape.get(1)?;
        let of_photo = self.in_channels(state);
        match (reads / of_photo * usize::from(reads.is_multiple_of(of_photo)), enlarged(state)) {
            (1, times) => Some(1 << times),
            (4, 2) => Some(2),
            (16, 2) => Some(1),
            _ => None,
        }
    }

    /// What it reads may be folded, and what it writes is not.
    fn in_channels(&self, state: &StateDict) -> usize {
        if results(state, "conv_last.weight", 3) == 1 { 1 } else { 3 }
    }
}

/// How often a network of these weights, which are under our names, makes each side twice as long.
fn enlarged(state: &StateDict) -> usize {
    ["conv_up1.weight", "conv_up2.weight", "conv_up3.weight"]
        .into_iter()
        .filter(|name| state.get(name).is_some())
        .count()
}

/// The same of weights under ESRGAN's first names: before the last layers stand three places for each time. Others number the
/// places of a `model` too, but have no blocks at the second one.
fn enlarged_of_first(state: &StateDict) -> Option<usize> {
    state.iter().find(|(name, _)| name.starts_with("model.1.sub."))?;
    let place = |name: &str| name.strip_prefix("model.")?.split('.').next()?.parse::<usize>().ok();
    let before = state.iter().filter_map(|(name, _)| place(name)).max()?.checked_sub(4)?;
    before.is_multiple_of(3).then_some(before / 3)
}

/// Our name for one of ESRGAN's two earlier ones: of its first training code (`model.1.sub.0.RDB1.conv1.0.weight`), and those
/// under which its authors published it (`RRDB_trunk.0.RDB1.conv1.weight`), as BSRGAN's did.
fn our_name(name: &str, enlarged: Option<usize>) -> Option<String> {
    let (place, kind) = name.rsplit_once('.')?;
    let place = match place {
        "trunk_conv" => "conv_body".to_string(),
        "HRconv" => "conv_hr".to_string(),
        other => match other.split_once('.') {
            None => format!("conv_up{}", other.strip_prefix("upconv")?),
            Some(("RRDB_trunk", inside)) => body(inside)?,
            Some(("model", place)) => match place.strip_prefix("1.sub.") {
                Some(inside) => body_of_first(inside)?,
                None => place_of_first(place.parse().ok()?, enlarged?)?,
            },
            _ => return None,
        },
    };
    Some(format!("{place}.{kind}"))
}

/// `3` → `conv_up1`, and what stands before and behind.
fn place_of_first(place: usize, enlarged: usize) -> Option<String> {
    Some(match place {
        0 => "conv_first".to_string(),
        place if place == 3 * enlarged + 2 => "conv_hr".to_string(),
        place if place == 3 * enlarged + 4 => "conv_last".to_string(),
        place if place.is_multiple_of(3) && place <= 3 * enlarged => format!("conv_up{}", place / 3),
        _ => return None,
    })
}

/// Names for weights that come without: each enlargement is seen, fifteen convolutions are a block, and four stand around.
fn named(state: &StateDict) -> Option<StateDict> {
    let order = Order::of(state)?;
    let enlarged = order.count("Interp");
    let inside = order.convs.len().checked_sub(4 + enlarged)?;
    if inside % 15 > 0 || order.count("PixelShuffle") > 0 || !order.data.is_empty() {
        return None;
    }
    let dense = |at: usize| format!("body.{}.rdb{}.conv{}", at / 15, at % 15 / 5 + 1, at % 5 + 1);
    let names = ["conv_first".to_string()]
        .into_iter()
        .chain((0..inside).map(dense))
        .chain(["conv_body".to_string()])
        .chain((1..=enlarged).map(|i| format!("conv_up{i}")))
        .chain(["conv_hr", "conv_last"].map(str::to_string));
    order.named(&names.collect::<Vec<_>>(), &[])
}

/// `7.RDB1.conv3` → `body.7.rdb1.conv3`.
fn body(inside: &str) -> Option<String> {
    let (block, rest) = inside.split_once('.')?;
    let (dense, conv) = rest.split_once('.')?;
    Some(format!("body.{block}.{}.{conv}", dense.to_lowercase()))
}

/// `7.RDB1.conv3.0` → `body.7.rdb1.conv3`, and `7.RDB1.conv1x1` likewise. The last place is the closing convolution and has no dense block inside.
fn body_of_first(inside: &str) -> Option<String> {
    match inside.contains('.') {
        true => body(inside.strip_suffix(".0").unwrap_or(inside)),
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
            conv_hr: conv("conv_hr", leaky),
            conv_last: init.conv("conv_last", [made(in_channels), f, 3, 3], 0.5, plain),
            scale,
            fold,
            in_channels,
        }
    }
}

impl Transform for RrdbNet {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, h, w, _] = x.dims();
        let x = if self.fold > 1 { pixel_unshuffle(mirror_to_multiple(x, self.fold), self.fold) } else { x };
        let first = self.conv_first.forward(x);
        let mut y = first.clone();
        for block in &self.body {
            y = block.forward(y);
        }
        let mut y = self.conv_body.forward_onto(y, first);
        for up in [&self.conv_up1, &self.conv_up2, &self.conv_up3].into_iter().flatten() {
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
        for up in [&self.conv_up1, &self.conv_up2, &self.conv_up3].into_iter().flatten() {
            let larger = graph.enlarge_nearest(&y, 2);
            y = up.draw(graph, &larger);
        }
        let y = self.conv_hr.draw(graph, &y);
        self.conv_last.draw(graph, &y)
    }
}
