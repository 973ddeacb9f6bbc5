//! Fast channels-last convolution as a Burn backend extension; the only floor that knows the device.
//!
//! Activations are `[N, H, W, C]`, weights keep PyTorch's `[out, in, kh, kw]`, everything is `f32`.

mod autodiff;
mod backend;
mod device;
mod flex;
mod frozen;
mod geometry;
mod kernel;
mod memory;
#[cfg(test)]
mod naive;
mod ops;

pub use device::{DeviceError, device, devices};
pub use frozen::FrozenConv;
pub use memory::keep_memory;
pub use ops::{Activation, Conv, channel_distance, conv2d, depthwise_conv2d, max_pool2d, pixel_shuffle};
