//! SCUNet (Zhang et al., *Practical Blind Image Denoising via Swin-Conv-UNet and Data Synthesis*, arXiv 2203.13278).

use burn::module::{Module, Param};
use burn::tensor::{Tensor, s};
use percept_conv::{Activation, Conv, Windows, conv2d, gelu, pixel_shuffle, window_attention};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, Extent, MOST_BLOCKS, MOST_CHANNELS, Transform, Unfit, made, places, read_by, results,
    within,
};
use super::border::{Border, Edges};
use super::init::Init;
use super::layer::{ConvLayer, LayerNorm, Linear, cut, mirror_to_multiple};
use super::upsampler::GAIN;
use super::window::{by_position, draw_by_position};
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// An overlap that is enough: windows of the lowest level cover 64 pixels.
const ENOUGH: usize = 128;
/// Side of the windows.
const SIDE: usize = 8;
/// Sides are halved three times, and then there are whole windows.
const MULTIPLE: usize = 64;
/// Parts of the U-Net, from the top down and up again.
const PARTS: [&str; 7] = ["m_down1", "m_down2", "m_down3", "m_body", "m_up3", "m_up2", "m_up1"];

/// Settings of `type = "scunet"`: SCUNet, a U-Net for pictures that keep their size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScuNetConfig {
    /// Channels at the first level, doubled at each one below; twice a multiple of `head_dim`. Default 64.
    pub dim: usize,
    /// Blocks by part: three levels down, the bottom, three levels up. Default 4 each.
    pub config: [usize; 7],
    /// Channels of a head of attention, at least 1. Default 32, which all published files have.
    pub head_dim: usize,
}

impl Default for ScuNetConfig {
    fn default() -> Self {
        Self { dim: 64, config: [4; 7], head_dim: 32 }
    }
}

impl Architecture for ScuNetConfig {
    type Network = ScuNet;

    const ABOUT: &'static str =
        "SCUNet, a U-Net with attention in windows, for pictures that keep their size";
    const SCALES: &'static [usize] = &[1];

    fn check(&self) -> Result<(), Unfit> {
        within("dim", self.dim, 2, MOST_CHANNELS / 8)?;
        within("head_dim", self.head_dim, 1, MOST_CHANNELS)?;
        self.config.iter().try_for_each(|blocks| within("config", *blocks, 0, MOST_BLOCKS))?;
        match self.dim.is_multiple_of(2 * self.head_dim) {
            true => Ok(()),
            false => Err((
                "dim",
                format!("must be twice a multiple of head_dim, {}; it is {}", self.head_dim, self.dim),
            )),
        }
    }

    fn init(&self, _: usize, in_channels: usize, init: &Init) -> ScuNet {
        ScuNet::new(self, in_channels, init)
    }

    fn extent(&self, _: usize) -> Extent {
        Extent { multiple: MULTIPLE, overlap: ENOUGH, floats: 10 * self.dim }
    }

    /// As `spandrel` does, first to 40 pixels. Its authors' code repeats the last pixels.
    fn border(&self, multiple: usize) -> Border {
        Border { least: 40, multiple, edges: Edges::Mirrored }
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let dim = results(state, "m_head.0.weight", self.dim);
        // The conv that halves or doubles is no block.
        let blocks = PARTS
            .map(|part| places(state, &format!("{part}.")).saturating_sub(usize::from(part != "m_body")));
        let channels = [1, 2, 4, 8, 4, 2, 1].map(|times| times * dim / 2);
        let head = PARTS.iter().zip(channels).find_map(|(part, channels)| {
            let first = usize::from(part.starts_with("m_up"));
            let name = format!("{part}.{first}.trans_block.msa.relative_position_params");
            channels.checked_div(*state.get(&name)?.shape.first()?)
        });
        Self { dim, config: blocks, head_dim: head.unwrap_or(self.head_dim) }
    }

    fn scale(&self, _: &StateDict) -> Option<usize> {
        Some(1)
    }

    fn in_channels(&self, state: &StateDict) -> usize {
        read_by(state, "m_head.0.weight")
    }
}

fn windows(shift: usize) -> Windows {
    Windows { size: [SIDE; 2], shift: [shift; 2], apart: f64::NEG_INFINITY }
}

/// Attention in windows.
#[derive(Module, Debug)]
struct Msa {
    /// `[heads, 15, 15]`: by how far pixels are apart, down and across.
    relative_position_params: Param<Tensor<3>>,
    embedding_layer: Linear,
    linear: Linear,
}

impl Msa {
    /// `attention(x) + residual`.
    fn forward_onto(&self, x: Tensor<4>, shift: usize, residual: Tensor<4>) -> Tensor<4> {
        let table = self.relative_position_params.val();
        let [heads, down, across] = table.dims();
        let bias = by_position(table.reshape([heads, down * across]).transpose(), [SIDE; 2]);
        let qkv = self.embedding_layer.forward(x);
        self.linear.forward_onto(window_attention(qkv, bias, windows(shift)), residual)
    }

    fn draw_onto(&self, graph: &mut Graph, x: &Value, shift: usize, residual: &Value) -> Value {
        let table = self.relative_position_params.val();
        let [heads, down, across] = table.dims();
        let table = table.reshape([heads, down * across]).transpose();
        let bias = draw_by_position(graph, table, [SIDE; 2]);
        let qkv = self.embedding_layer.draw(graph, x);
        let y = graph.window_attention(&qkv, [self.linear.reads(), heads], &bias, windows(shift));
        self.linear.draw_onto(graph, &y, residual)
    }
}

/// Attention in windows, then two linear maps.
#[derive(Module, Debug)]
struct TransBlock {
    ln1: LayerNorm,
    msa: Msa,
    ln2: LayerNorm,
    /// With the place of an activation between them.
    mlp: Vec<Option<Linear>>,
}

impl TransBlock {
    fn new(c: usize, heads: usize, at: &Init) -> Self {
        let (msa, mlp) = (at.at("msa"), at.at("mlp"));
        let differences = 2 * SIDE - 1;
        Self {
            ln1: LayerNorm::of_torch(c, at),
            msa: Msa {
                relative_position_params: msa.normal(
                    "relative_position_params",
                    [heads, differences, differences],
                    0.02,
                ),
                embedding_layer: Linear::new([3 * c, c], &msa.at("embedding_layer")),
                linear: Linear::new([c, c], &msa.at("linear")),
            },
            ln2: LayerNorm::of_torch(c, at),
            mlp: vec![
                Some(Linear::new([4 * c, c], &mlp.at(0))),
                None,
                Some(Linear::new([c, 4 * c], &mlp.at(2))),
            ],
        }
    }

    fn forward(&self, x: Tensor<4>, shift: usize) -> Tensor<4> {
        let x = self.msa.forward_onto(self.ln1.forward(x.clone()), shift, x);
        match &self.mlp[..] {
            [Some(first), _, Some(second)] => {
                second.forward_onto(gelu(first.forward(self.ln2.forward(x.clone()))), x)
            }
            _ => x,
        }
    }

    fn draw(&self, graph: &mut Graph, x: &Value, shift: usize) -> Value {
        let y = self.ln1.draw(graph, x);
        let x = self.msa.draw_onto(graph, &y, shift, x);
        match &self.mlp[..] {
            [Some(first), _, Some(second)] => {
                let y = self.ln2.draw(graph, &x);
                let y = first.draw(graph, &y);
                let y = graph.gelu(&y);
                second.draw_onto(graph, &y, &x)
            }
            _ => x,
        }
    }
}

/// One half of the channels goes through convolutions, the other through a transformer.
#[derive(Module, Debug)]
struct Block {
    trans_block: TransBlock,
    conv1_1: ConvLayer,
    conv1_2: ConvLayer,
    /// With the place of an activation between them.
    conv_block: Vec<Option<ConvLayer>>,
    #[module(skip)]
    shift: usize,
}

impl Block {
    fn new(c: usize, head_dim: usize, odd: bool, at: &Init) -> Self {
        let (half, inside) = (c / 2, at.at("conv_block"));
        let conv = |name: &str, conv| Some(inside.conv(name, [half, half, 3, 3], GAIN, conv).unbiased());
        Self {
            trans_block: TransBlock::new(half, half / head_dim, &at.at("trans_block")),
            conv1_1: at.conv("conv1_1", [c, c, 1, 1], GAIN, Conv::default()),
            conv1_2: at.conv("conv1_2", [c, c, 1, 1], GAIN, Conv::default()),
            conv_block: vec![
                conv("0", Conv::same(3).with_activation(Activation::Relu)),
                None,
                conv("2", Conv::same(3)),
            ],
            shift: if odd { SIDE / 2 } else { 0 },
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let both = self.conv1_1.forward(x.clone());
        let half = both.dims()[3] / 2;
        let one = both.clone().slice(s![.., .., .., 0..half]);
        let one = match &self.conv_block[..] {
            [Some(first), _, Some(second)] => second.forward_onto(first.forward(one.clone()), one),
            _ => one,
        };
        let other = self.trans_block.forward(both.slice(s![.., .., .., half..2 * half]), self.shift);
        self.conv1_2.forward_onto(Tensor::cat(vec![one, other], 3), x)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let both = self.conv1_1.draw(graph, x);
        let half = self.conv1_1.reads() / 2;
        let [mut one, other] = [0, half].map(|from| graph.channels(&both, from..from + half));
        if let [Some(first), _, Some(second)] = &self.conv_block[..] {
            let y = first.draw(graph, &one);
            one = second.draw_onto(graph, &y, &one);
        }
        let other = self.trans_block.draw(graph, &other, self.shift);
        let both = graph.joined(&[&one, &other]);
        self.conv1_2.draw_onto(graph, &both, x)
    }
}

/// Spreads every pixel over four: a transposed convolution of 2×2, `weight` `[in, out, 2, 2]`.
#[derive(Module, Debug)]
struct Up {
    weight: Param<Tensor<4>>,
    /// Of every pixel by itself.
    #[module(skip)]
    conv: Conv,
}

impl Up {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        pixel_shuffle(conv2d(x, self.kernel(), None, None, self.conv), 2)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let wide = graph.conv(x, self.kernel(), None, self.conv, 1);
        graph.pixel_shuffle(&wide, 2)
    }

    /// The four are the channels of a 1×1 convolution, before they are put in their places.
    fn kernel(&self) -> Tensor<4> {
        let [input, out, ..] = self.weight.dims();
        self.weight.val().permute([1, 2, 3, 0]).reshape([4 * out, input, 1, 1])
    }
}

/// One place of a part.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are blocks")]
enum Place {
    Block(Block),
    Down(ConvLayer),
    Up(Up),
}

/// Blocks on three levels and below, down and up again.
#[derive(Module, Debug)]
pub struct ScuNet {
    m_head: Vec<ConvLayer>,
    m_down1: Vec<Place>,
    m_down2: Vec<Place>,
    m_down3: Vec<Place>,
    m_body: Vec<Place>,
    m_up3: Vec<Place>,
    m_up2: Vec<Place>,
    m_up1: Vec<Place>,
    m_tail: Vec<ConvLayer>,
}

impl ScuNet {
    fn new(config: &ScuNetConfig, in_channels: usize, init: &Init) -> Self {
        let c = config.dim;
        let blocks = |part: usize, channels: usize, first: usize| {
            let at = init.at(PARTS[part]);
            (0..config.config[part]).map(move |i| {
                Place::Block(Block::new(channels, config.head_dim, i % 2 == 1, &at.at(i + first)))
            })
        };
        let down = |part: usize, channels: usize| -> Vec<Place> {
            let place = config.config[part].to_string();
            let halving = Conv { stride: 2, ..Conv::default() };
            let conv = init.at(PARTS[part]).conv(&place, [2 * channels, channels, 2, 2], GAIN, halving);
            blocks(part, channels, 0).chain([Place::Down(conv.unbiased())]).collect()
        };
        let up = |part: usize, channels: usize| -> Vec<Place> {
            let at = init.at(PARTS[part]).at(0);
            // As many numbers are added up for each result as there are channels.
            let deviation = GAIN * (1.0 / channels as f64).sqrt();
            let weight = at.normal("weight", [2 * channels, channels, 2, 2], deviation);
            let up = Up { weight, conv: at.multiplying(Conv::default()) };
            [Place::Up(up)].into_iter().chain(blocks(part, channels, 1)).collect()
        };
        let conv = |name: &str, shape| vec![init.at(name).conv("0", shape, GAIN, Conv::same(3)).unbiased()];
        Self {
            m_head: conv("m_head", [c, in_channels, 3, 3]),
            m_down1: down(0, c),
            m_down2: down(1, 2 * c),
            m_down3: down(2, 4 * c),
            m_body: blocks(3, 8 * c, 0).collect(),
            m_up3: up(4, 4 * c),
            m_up2: up(5, 2 * c),
            m_up1: up(6, c),
            m_tail: conv("m_tail", [made(in_channels), c, 3, 3]),
        }
    }
}

fn through(part: &[Place], x: Tensor<4>) -> Tensor<4> {
    part.iter().fold(x, |x, place| match place {
        Place::Block(block) => block.forward(x),
        Place::Down(conv) => conv.forward(x),
        Place::Up(up) => up.forward(x),
    })
}

fn draw_through(part: &[Place], graph: &mut Graph, x: &Value) -> Value {
    part.iter().fold(x.clone(), |x, place| match place {
        Place::Block(block) => block.draw(graph, &x),
        Place::Down(conv) => conv.draw(graph, &x),
        Place::Up(up) => up.draw(graph, &x),
    })
}

impl Transform for ScuNet {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, h, w, _] = x.dims();
        let plain = |convs: &[ConvLayer], x| convs.iter().fold(x, |x, conv| conv.forward(x));
        let first = plain(&self.m_head, mirror_to_multiple(x, MULTIPLE));
        let second = through(&self.m_down1, first.clone());
        let third = through(&self.m_down2, second.clone());
        let fourth = through(&self.m_down3, third.clone());
        let y = through(&self.m_body, fourth.clone());
        let y = through(&self.m_up3, y + fourth);
        let y = through(&self.m_up2, y + third);
        let y = through(&self.m_up1, y + second);
        cut(plain(&self.m_tail, y + first), h, w)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let plain = |convs: &[ConvLayer], graph: &mut Graph, x: &Value| {
            convs.iter().fold(x.clone(), |x, conv| conv.draw(graph, &x))
        };
        let first = plain(&self.m_head, graph, x);
        let second = draw_through(&self.m_down1, graph, &first);
        let third = draw_through(&self.m_down2, graph, &second);
        let fourth = draw_through(&self.m_down3, graph, &third);
        let mut y = draw_through(&self.m_body, graph, &fourth);
        for (part, beside) in [(&self.m_up3, &fourth), (&self.m_up2, &third), (&self.m_up1, &second)] {
            let sum = graph.add(&y, beside);
            y = draw_through(part, graph, &sum);
        }
        let sum = graph.add(&y, &first);
        plain(&self.m_tail, graph, &sum)
    }
}
