//! Blocks of Restormer.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, s};
use percept_conv::{Conv, gelu};

use super::settings::{LayerNormType, RestormerConfig, hidden};
use crate::network::architecture::Pool;
use crate::network::covariance::{by_image, shares, statistics};
use crate::network::init::Init;
use crate::network::layer::{ConvLayer, LayerNorm};
use crate::network::upsampler::GAIN;
use crate::onnx::{Graph, Value};

/// Added to variances.
const EPSILON: f64 = 1e-5;

/// Normalises every pixel over its channels, without taking its mean away.
#[derive(Module, Debug)]
struct Scaled {
    weight: Param<Tensor<1>>,
}

impl Scaled {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let centred = x.clone() - x.clone().mean_dim(3);
        let deviation = centred.square().mean_dim(3).add_scalar(EPSILON).sqrt();
        let weight = self.weight.val();
        let channels = weight.dims()[0];
        x / deviation * weight.reshape([1, 1, 1, channels])
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let [_, deviation] = graph.deviation(x, EPSILON);
        let y = graph.op("Div", &[x, &deviation]);
        let weight = graph.of_channels(self.weight.val());
        graph.mul(&y, &weight)
    }
}

/// Either way to normalise.
#[derive(Module, Debug)]
enum Either {
    WithBias(LayerNorm),
    BiasFree(Scaled),
}

/// The place of what normalises.
#[derive(Module, Debug)]
struct Norm {
    body: Either,
}

impl Norm {
    fn new(kind: LayerNormType, channels: usize, init: &Init) -> Self {
        let body = match kind {
            LayerNormType::WithBias => Either::WithBias(LayerNorm::of_torch(channels, init)),
            LayerNormType::BiasFree => Either::BiasFree(Scaled { weight: init.full([channels], 1.0) }),
        };
        Self { body }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.body {
            Either::WithBias(norm) => norm.forward(x),
            Either::BiasFree(norm) => norm.forward(x),
        }
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        match &self.body {
            Either::WithBias(norm) => norm.draw(graph, x),
            Either::BiasFree(norm) => norm.draw(graph, x),
        }
    }
}

/// Attention between channels.
#[derive(Module, Debug)]
struct Attention {
    temperature: Param<Tensor<3>>,
    qkv: ConvLayer,
    qkv_dwconv: ConvLayer,
    project_out: ConvLayer,
}

impl Attention {
    /// `attention(x) + residual`.
    fn forward_onto(
        &self,
        x: Tensor<4>,
        residual: Tensor<4>,
        pool: Option<&mut Pool<'_>>,
    ) -> Option<Tensor<4>> {
        let qkv = self.qkv_dwconv.forward_depthwise(self.qkv.forward(x));
        let found = match pool {
            Some(pool) => pool(qkv.clone(), &statistics)?,
            None => statistics(qkv.clone()),
        };
        let (shares, _) = shares(found, self.temperature.val());
        // One matrix does what two would, one after the other.
        let (weight, bias) = self.project_out.parts();
        let [out, c, ..] = weight.dims();
        let matrices = weight.reshape([1, out, c]).matmul(shares);
        let values = qkv.slice(s![.., .., .., 2 * c..3 * c]);
        Some(by_image(values, matrices, Some(residual)) + bias.reshape([1, 1, 1, out]))
    }

    fn draw_onto(&self, graph: &mut Graph, x: &Value, residual: &Value) -> Value {
        let qkv = self.qkv.draw(graph, x);
        let qkv = self.qkv_dwconv.draw_depthwise(graph, &qkv);
        let y = graph.channel_attention(&qkv, self.project_out.reads(), self.temperature.val());
        self.project_out.draw_onto(graph, &y, residual)
    }
}

/// Channels that gate others.
#[derive(Module, Debug)]
struct FeedForward {
    project_in: ConvLayer,
    dwconv: ConvLayer,
    project_out: ConvLayer,
}

impl FeedForward {
    /// `gated(x) + residual`.
    fn forward_onto(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        let both = self.dwconv.forward_depthwise(self.project_in.forward(x));
        let half = both.dims()[3] / 2;
        let gate = gelu(both.clone().slice(s![.., .., .., 0..half]));
        self.project_out.forward_onto(gate * both.slice(s![.., .., .., half..2 * half]), residual)
    }

    fn draw_onto(&self, graph: &mut Graph, x: &Value, residual: &Value) -> Value {
        let both = self.project_in.draw(graph, x);
        let both = self.dwconv.draw_depthwise(graph, &both);
        let half = self.project_out.reads();
        let [gate, values] = [0, half].map(|from| graph.channels(&both, from..from + half));
        let gate = graph.gelu(&gate);
        let y = graph.mul(&gate, &values);
        self.project_out.draw_onto(graph, &y, residual)
    }
}

/// Attention, then a gate, each onto a skip connection.
#[derive(Module, Debug)]
pub(super) struct Block {
    norm1: Norm,
    attn: Attention,
    norm2: Norm,
    ffn: FeedForward,
}

impl Block {
    pub fn new(config: &RestormerConfig, c: usize, heads: usize, at: &Init) -> Self {
        let inside = hidden(c, config.ffn_expansion_factor);
        let conv = |name: &str, part: &str, shape| {
            config.biased(at.at(part).conv(name, shape, GAIN, Conv::default()))
        };
        let each = |name: &str, part: &str, c| {
            config.biased(at.at(part).conv(name, [c, 1, 3, 3], GAIN, Conv::same(3)))
        };
        Self {
            norm1: Norm::new(config.layer_norm_type, c, at),
            attn: Attention {
                temperature: at.full([heads, 1, 1], 1.0),
                qkv: conv("qkv", "attn", [3 * c, c, 1, 1]),
                qkv_dwconv: each("qkv_dwconv", "attn", 3 * c),
                project_out: conv("project_out", "attn", [c, c, 1, 1]),
            },
            norm2: Norm::new(config.layer_norm_type, c, at),
            ffn: FeedForward {
                project_in: conv("project_in", "ffn", [2 * inside, c, 1, 1]),
                dwconv: each("dwconv", "ffn", 2 * inside),
                project_out: conv("project_out", "ffn", [c, inside, 1, 1]),
            },
        }
    }

    pub fn forward(&self, x: Tensor<4>, pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let x = self.attn.forward_onto(self.norm1.forward(x.clone()), x, pool)?;
        Some(self.ffn.forward_onto(self.norm2.forward(x.clone()), x))
    }

    pub fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let y = self.norm1.draw(graph, x);
        let x = self.attn.draw_onto(graph, &y, x);
        let y = self.norm2.draw(graph, &x);
        self.ffn.draw_onto(graph, &y, &x)
    }
}
