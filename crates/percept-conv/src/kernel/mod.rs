//! The inner loops. All unsafe code of the crate is here, but for a call of the allocator in `memory`.
//!
//! A *register tile* is a handful of pixels times one to four vectors of result channels. It gathers
//! its sources through pointers, one for each pixel and tap, which point to zeros for padding: so one
//! loop serves every stride, padding and dilation, forward and gradient alike, without copying.

mod bf16;
mod channels;
mod curve;
mod depthwise;
mod direct;
mod epilogue;
mod exp;
mod fill;
mod lanes;
mod level;
mod matrix;
mod mix;
mod norm;
mod normed;
mod outer;
mod pack;
mod pairs;
mod pointwise;
mod signs;
mod simd;
mod similarity;
mod slot;
mod span;
mod tile;
mod unit;
mod window;
mod winograd;

pub(crate) use channels::{
    channel_sums, gated, gated_gradient, joined, part, prelu, prelu_gradient, scaled, scaled_onto,
};
pub(crate) use curve::{
    Curve, SigmoidGate, curved, curved_gradient, sigmoid_gated, sigmoid_gated_gradient, summed,
};
pub(crate) use depthwise::Depthwise;
pub(crate) use direct::convolve_to;
pub(crate) use epilogue::Epilogue;
pub(crate) use fill::{filled, filled_in};
pub(crate) use level::Level;
pub(crate) use mix::{Mix, mixed};
pub(crate) use norm::Norm;
pub(crate) use normed::Normed;
pub(crate) use outer::weight_gradient;
pub(crate) use pack::Packed;
pub(crate) use pointwise::streamed;
pub(crate) use signs::{Derivative, Signs};
pub(crate) use similarity::{Cosines, NEAREST_EPSILON, similarity, similarity_gradient};
pub(crate) use unit::Vectors;
pub(crate) use window::Attention;
pub(crate) use winograd::{Pixels, Transformed, winograd_to, winograd_weight_gradient};

#[cfg(test)]
mod pixel_tests;
#[cfg(test)]
mod tests;
