//! Attention in windows, and what is added for pixels by where they stand to each other.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData};
use percept_conv::{Windows, window_attention};

use super::init::Init;
use super::layer::Linear;
use crate::onnx::{Attribute, Graph, Value};
use crate::weights::{Array, StateDict};

/// What is added to the similarity of pixels from opposite edges of an image, as Swin's authors have it.
pub(super) const APART: f64 = -100.0;

/// For every pixel of a window and every other one, which of all differences of positions there is between them.
fn positions([height, width]: [usize; 2]) -> Vec<usize> {
    let pixels = height * width;
    let place = |pair: usize| {
        let (a, b) = (pair / pixels, pair % pixels);
        let (down, across) = (a / width + height - 1 - b / width, a % width + width - 1 - b % width);
        down * (2 * width - 1) + across
    };
    (0..pixels * pixels).map(place).collect()
}

/// The same as authors keep it in their files.
pub(super) fn position_index(size: [usize; 2]) -> Array {
    let pixels = size[0] * size[1];
    let data = positions(size).into_iter().map(|place| place as f32).collect();
    Array { shape: vec![pixels, pixels], data }
}

/// `[heads, pixels, pixels]` for windows of this size, from a table `[differences, heads]`.
pub(super) fn by_position(table: Tensor<2>, size: [usize; 2]) -> Tensor<3> {
    let (pixels, heads) = (size[0] * size[1], table.dims()[1]);
    let places: Vec<i64> = positions(size).into_iter().map(|place| place as i64).collect();
    let places = Tensor::<1, Int>::from_data(TensorData::new(places, [pixels * pixels]), &table.device());
    table.select(0, places).reshape([pixels, pixels, heads]).permute([2, 0, 1])
}

/// [`by_position`] in a graph.
pub(super) fn draw_by_position(graph: &mut Graph, table: Tensor<2>, size: [usize; 2]) -> Value {
    let pixels = size[0] * size[1];
    let places: Vec<_> = positions(size).into_iter().map(|place| place as i64).collect();
    let places = graph.indices(&[pixels, pixels], &places);
    let table = graph.weights(table.transpose());
    graph.node("Gather", &[&table, &places], &[("axis", Attribute::Int(1))])
}

/// Attention in square windows, each head with a bias for every difference of positions.
#[derive(Module, Debug)]
pub(super) struct WindowAttention {
    relative_position_bias_table: Param<Tensor<2>>,
    qkv: Linear,
    proj: Linear,
    #[module(skip)]
    side: usize,
}

impl WindowAttention {
    pub fn new(channels: usize, heads: usize, side: usize, init: &Init) -> Self {
        let differences = (2 * side - 1) * (2 * side - 1);
        Self {
            relative_position_bias_table: init.normal(
                "relative_position_bias_table",
                [differences, heads],
                0.02,
            ),
            qkv: Linear::new([3 * channels, channels], &init.at("qkv")),
            proj: Linear::new([channels, channels], &init.at("proj")),
            side,
        }
    }

    /// Without what is added to queries, keys and values.
    pub fn unbiased(self) -> Self {
        Self { qkv: self.qkv.unbiased(), ..self }
    }

    /// `attention(x) + residual`, by windows that are shifted by so many pixels.
    pub fn forward_onto(&self, x: Tensor<4>, shift: usize, residual: Tensor<4>) -> Tensor<4> {
        let bias = by_position(self.relative_position_bias_table.val(), [self.side; 2]);
        self.proj.forward_onto(window_attention(self.qkv.forward(x), bias, self.windows(shift)), residual)
    }

    /// [`forward_onto`](Self::forward_onto) in a graph.
    pub fn draw_onto(&self, graph: &mut Graph, x: &Value, shift: usize, residual: &Value) -> Value {
        let table = self.relative_position_bias_table.val();
        let sizes = [self.proj.reads(), table.dims()[1]];
        let bias = draw_by_position(graph, table, [self.side; 2]);
        let qkv = self.qkv.draw(graph, x);
        let y = graph.window_attention(&qkv, sizes, &bias, self.windows(shift));
        self.proj.draw_onto(graph, &y, residual)
    }

    /// Where pixels of a window stand to each other, and where windows are shifted, which of them are apart, as authors keep it in
    /// their files beside this attention: in a photo of four windows.
    pub fn derived(&self, shift: usize) -> StateDict {
        let (side, pixels) = (self.side, self.side * self.side);
        let mut state = StateDict::new();
        state.insert("attn.relative_position_index", position_index([side; 2]));
        if shift > 0 {
            let data = self.windows(shift).mask([2 * side; 2]);
            state.insert("attn_mask", Array { shape: vec![4, pixels, pixels], data });
        }
        state
    }

    fn windows(&self, shift: usize) -> Windows {
        Windows { size: [self.side; 2], shift: [shift; 2], apart: APART }
    }
}
