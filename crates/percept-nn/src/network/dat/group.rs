//! Blocks of DAT.

use burn::module::Module;
use burn::tensor::{Tensor, s};
use percept_conv::{Conv, gelu};

use super::DatConfig;
use super::attention::Attention;
use crate::network::architecture::Pool;
use crate::network::init::Init;
use crate::network::layer::{ConvLayer, LayerNorm, Linear};
use crate::network::upsampler::{Connection, GAIN};
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// Channels that gate others by what stands around.
#[derive(Module, Debug)]
struct Gate {
    norm: LayerNorm,
    conv: ConvLayer,
}

/// Linear maps with a gate between them.
#[derive(Module, Debug)]
struct FeedForward {
    fc1: Linear,
    sg: Gate,
    fc2: Linear,
}

impl FeedForward {
    fn new(c: usize, hidden: usize, at: &Init) -> Self {
        let (half, gate) = (hidden / 2, at.at("sg"));
        Self {
            fc1: Linear::new([hidden, c], &at.at("fc1")),
            sg: Gate {
                norm: LayerNorm::of_torch(half, &gate),
                conv: gate.conv("conv", [half, 1, 3, 3], GAIN, Conv::same(3)),
            },
            fc2: Linear::new([c, half], &at.at("fc2")),
        }
    }

    /// `gated(x) + residual`.
    fn forward_onto(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        let both = gelu(self.fc1.forward(x));
        let half = both.dims()[3] / 2;
        let [one, other] = [0, half].map(|from| both.clone().slice(s![.., .., .., from..from + half]));
        self.fc2.forward_onto(one * self.sg.conv.forward_depthwise(self.sg.norm.forward(other)), residual)
    }

    fn draw_onto(&self, graph: &mut Graph, x: &Value, residual: &Value) -> Value {
        let both = self.fc1.draw(graph, x);
        let both = graph.gelu(&both);
        let half = self.fc2.reads();
        let [one, other] = [0, half].map(|from| graph.channels(&both, from..from + half));
        let other = self.sg.norm.draw(graph, &other);
        let other = self.sg.conv.draw_depthwise(graph, &other);
        let y = graph.mul(&one, &other);
        self.fc2.draw_onto(graph, &y, residual)
    }
}

/// Attention, then a gate, each onto a skip connection.
#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    attn: Attention,
    ffn: FeedForward,
    norm2: LayerNorm,
}

impl Block {
    fn forward(&self, x: Tensor<4>, pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let x = self.attn.forward_onto(self.norm1.forward(x.clone()), x, pool)?;
        Some(self.ffn.forward_onto(self.norm2.forward(x.clone()), x))
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let y = self.norm1.draw(graph, x);
        let x = self.attn.draw_onto(graph, &y, x);
        let y = self.norm2.draw(graph, &x);
        self.ffn.draw_onto(graph, &y, &x)
    }
}

/// Blocks, convolutions, and a skip connection around them.
#[derive(Module, Debug)]
pub(super) struct Group {
    blocks: Vec<Block>,
    conv: Connection,
}

impl Group {
    pub fn new(config: &DatConfig, group: usize, depth: usize, at: &Init) -> Self {
        let c = config.embed_dim;
        let block = |i: usize| {
            let at = at.at("blocks").at(i);
            Block {
                norm1: LayerNorm::of_torch(c, &at),
                attn: Attention::new(config, group, i, &at.at("attn")),
                ffn: FeedForward::new(c, config.hidden(), &at.at("ffn")),
                norm2: LayerNorm::of_torch(c, &at),
            }
        };
        Self {
            blocks: (0..depth).map(block).collect(),
            conv: Connection::new(config.resi_connection, c, at, "conv"),
        }
    }

    pub fn forward(&self, x: Tensor<4>, mut pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let y = self.blocks.iter().try_fold(x.clone(), |y, block| block.forward(y, pool.as_deref_mut()))?;
        Some(self.conv.forward_onto(y, x))
    }

    pub fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let y = self.blocks.iter().fold(x.clone(), |y, block| block.draw(graph, &y));
        self.conv.draw_onto(graph, &y, x)
    }

    /// What authors' files have beside parameters; `side` is that of a photo, or none where it is the longest side of a window.
    pub fn derived(&self, side: Option<usize>) -> StateDict {
        let mut state = StateDict::new();
        for (i, block) in self.blocks.iter().enumerate() {
            state.extend_prefixed(&format!("blocks.{i}.attn."), block.attn.derived(side));
        }
        state
    }

    /// How many blocks there are.
    pub fn depth(&self) -> usize {
        self.blocks.len()
    }
}
