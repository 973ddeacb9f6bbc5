//! Fast channels-last convolution as a Burn backend extension; the only floor that knows the device.
//!
//! Activations are `[N, H, W, C]`, weights keep PyTorch's `[out, in, kh, kw]`, everything is `f32`.

mod autodiff;
mod backend;
mod flex;
mod frozen;
mod geometry;
mod kernel;
#[cfg(test)]
mod naive;
mod ops;

pub use frozen::FrozenConv;
pub use ops::{Activation, Conv, channel_distance, conv2d, depthwise_conv2d, max_pool2d, pixel_shuffle};
