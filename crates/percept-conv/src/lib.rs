//! Fast channels-last convolution as a Burn backend extension; the only floor that knows the device.
//!
//! Activations are `[N, H, W, C]`, weights keep PyTorch's `[out, in, kh, kw]`, everything is `f32`.

mod ops;

pub use ops::{Activation, Conv, channel_distance, conv2d, depthwise_conv2d, max_pool2d, pixel_shuffle};
