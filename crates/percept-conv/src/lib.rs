//! Fast channels-last convolution as a Burn backend extension; the only floor that knows the device.
//!
//! Activations are `[N, H, W, C]`, weights keep PyTorch's `[out, in, kh, kw]`, everything is `f32`, but for
//! the products of frozen layers that are given another [`Precision`].

mod attention;
mod autodiff;
mod backend;
mod depthwise;
mod device;
mod distance;
mod flex;
mod flex_stage;
mod frozen;
mod gate;
mod geometry;
mod kernel;
mod memory;
#[cfg(test)]
mod naive;
mod norm;
mod ops;
mod pool;
mod precision;
mod prelu;
mod shuffle;
mod similarity;
mod stage;
mod unit;

pub use attention::channel_attention;
pub use burn::tensor::Device;
pub use depthwise::depthwise_conv2d;
pub use device::{DeviceError, device, devices};
pub use distance::channel_distance;
pub use frozen::FrozenConv;
pub use gate::simple_gate;
pub use memory::keep_memory;
pub use norm::layer_norm;
pub use ops::{Activation, Conv, conv2d};
pub use pool::max_pool2d;
pub use precision::Precision;
pub use prelu::conv2d_prelu;
pub use shuffle::pixel_shuffle;
pub use similarity::contextual_similarity;
pub use stage::{FrozenLayer, FrozenStage};
pub use unit::{unit, unit_distance};
