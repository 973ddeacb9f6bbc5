//! Networks as graphs of ONNX, the format that other runtimes read (`onnx.proto`, operators of opset 17).
//!
//! A [`Graph`] is built from its input to its output: every call adds an operator and gives its result, a [`Value`]. Values are
//! channels-first, `[N, C, H, W]`, as ONNX has them; batch, height and width stay open. What an architecture computes stands
//! beside its `forward`, as `draw` (`Transform` in `network/architecture.rs`).

mod attention;
mod graph;
mod pieces;
mod proto;

pub(crate) use graph::{Attribute, Graph, Value};
