//! Pixels without tensors: files, colour, resize, degradations and classical scores.

mod image;
mod metric;

pub use crate::image::{Image, LengthMismatch, Linear, Luma, PackedBayer, Space, Srgb};
pub use crate::metric::{Better, Metric, MetricError};
