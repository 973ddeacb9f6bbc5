//! Fast channels-last operations as a Burn backend extension; the only floor that knows the device.
//!
//! Activations are `[N, H, W, C]`, weights keep PyTorch's `[out, in, kh, kw]`, everything is `f32`, but for
//! the products of convolutions that are given another [`Precision`].
//!
//! # Tour
//!
//! A call like [`conv2d`] goes down through these:
//!
//! - `op`: the operations, one a file. Each says what it computes, in Burn's own primitives for any device and by kernels
//!   for the CPU, and what its gradient is. Convolutions, trained and frozen, are `op::conv`, `op::frozen` and
//!   `op::stage`.
//! - `packs`: weights in the order of the kernels, kept where a layer is frozen.
//! - `geometry`: the sizes of one convolution, and what each position reads.
//! - `kernel`: the inner loops on slices, and the unsafe code. `kernel::level` finds what the processor can
//!   do; the variable `PERCEPT_SIMD` (`scalar`, `neon`, `avx2`, `avx512`, `avx512-bf16`) asks for less. `kernel::simd` has
//!   the vectors, `kernel::fill` new memory, `kernel::direct` and `kernel::winograd` the two ways to convolve.
//! - `conv`, `precision`, `windows`: what an operation is told.
//! - `device`, `memory`: devices by name; freed memory that is kept.
//!
//! **To add an operation**: one file in `op` (`op::gate` is a small example), its loops in `kernel`, and a test of values
//! and gradients against Burn's operations in `tests/suite/layers.rs`.

mod conv;
mod device;
mod geometry;
mod kernel;
mod memory;
#[cfg(test)]
mod naive;
mod op;
mod packs;
mod precision;
mod windows;

pub use burn::tensor::Device;
pub use conv::{Activation, Conv};
pub use device::{DeviceError, device, devices};
pub use memory::keep_memory;
pub use op::{
    AllReduce, FrozenConv, FrozenLayer, FrozenStage, NormedConv, all_mean, batch_norm_leaky,
    channel_attention, channel_attention_onto, channel_distance, contextual_similarity, conv2d, conv2d_prelu,
    depthwise_conv2d, depthwise_gate, gated_feed_forward, gelu, join, layer_norm, max_pool2d, mish,
    normed_depthwise_gate, odd_gate, pixel_shuffle, resize_bilinear, resize_nearest, sigmoid, sigmoid_gate,
    silu, simple_gate, sum, unit, unit_distance, window_attention,
};
pub use precision::Precision;
pub use windows::Windows;
