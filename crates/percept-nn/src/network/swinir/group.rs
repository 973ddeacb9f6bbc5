//! Blocks of SwinIR.

use burn::module::Module;
use burn::tensor::Tensor;

use super::SwinIrConfig;
use crate::network::init::Init;
use crate::network::layer::{LayerNorm, Mlp};
use crate::network::upsampler::Connection;
use crate::network::window::WindowAttention;
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// Attention in windows, then two linear maps, each onto a skip connection.
#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    attn: WindowAttention,
    norm2: LayerNorm,
    mlp: Mlp,
    #[module(skip)]
    shift: usize,
}

impl Block {
    fn new(config: &SwinIrConfig, heads: usize, odd: bool, at: &Init) -> Self {
        let c = config.embed_dim;
        let attn = WindowAttention::new(c, heads, config.window_size, &at.at("attn"));
        Self {
            norm1: LayerNorm::of_torch(c, at),
            attn: if config.qkv_bias { attn } else { attn.unbiased() },
            norm2: LayerNorm::of_torch(c, at),
            mlp: Mlp::new(c, config.hidden(), &at.at("mlp")),
            shift: if odd { config.window_size / 2 } else { 0 },
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.attn.forward_onto(self.norm1.forward(x.clone()), self.shift, x);
        self.mlp.forward_onto(self.norm2.forward(x.clone()), x)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let y = self.norm1.draw(graph, x);
        let x = self.attn.draw_onto(graph, &y, self.shift, x);
        let y = self.norm2.draw(graph, &x);
        self.mlp.draw_onto(graph, &y, &x)
    }
}

/// The blocks of a group.
#[derive(Module, Debug)]
struct Blocks {
    blocks: Vec<Block>,
}

/// Blocks, convolutions, and a skip connection around them.
#[derive(Module, Debug)]
pub(super) struct Group {
    residual_group: Blocks,
    conv: Connection,
}

impl Group {
    pub fn new(config: &SwinIrConfig, depth: usize, heads: usize, at: &Init) -> Self {
        let inside = at.at("residual_group").at("blocks");
        let blocks = (0..depth).map(|i| Block::new(config, heads, i % 2 == 1, &inside.at(i)));
        Self {
            residual_group: Blocks { blocks: blocks.collect() },
            conv: Connection::new(config.resi_connection, config.embed_dim, at, "conv"),
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.residual_group.blocks.iter().fold(x.clone(), |y, block| block.forward(y));
        self.conv.forward_onto(y, x)
    }

    pub fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let blocks = self.residual_group.blocks.iter();
        let y = blocks.fold(x.clone(), |y, block| block.draw(graph, &y));
        self.conv.draw_onto(graph, &y, x)
    }

    /// What authors' files have beside parameters.
    pub fn derived(&self) -> StateDict {
        let mut state = StateDict::new();
        for (i, block) in self.residual_group.blocks.iter().enumerate() {
            state.extend_prefixed(&format!("residual_group.blocks.{i}."), block.attn.derived(block.shift));
        }
        state
    }
}
