//! The operations that networks, backbones and losses are written against.

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::{
    Tensor, activation,
    module::{conv2d as burn_conv2d, max_pool2d as burn_max_pool2d},
    ops::{ConvOptions, MaxPoolOptions},
};

use crate::backend::ConvBackend;
use crate::frozen::Packs;

/// What is applied to a convolution's result before it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(v, 0)`.
    Relu,
    /// `v` where positive, `slope · v` elsewhere.
    LeakyRelu(f32),
}

/// How a kernel moves over its input; `default()` is stride 1, no padding, dilation 1, no activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Step between neighbouring outputs, both directions.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
    /// Distance between neighbouring kernel elements.
    pub dilation: usize,
    /// Applied last, after bias and residual.
    pub activation: Activation,
}

impl Default for Conv {
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1, activation: Activation::None }
    }
}

impl Conv {
    /// Stride 1 with the padding that keeps the size for an odd kernel.
    pub fn same(kernel: usize) -> Self {
        Self { padding: kernel / 2, ..Self::default() }
    }

    /// The same with an activation.
    #[must_use]
    pub fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }
}

/// `activation(conv(x, weight) + bias + residual)`.
///
/// `x` is `[N, H, W, in]`, `weight` `[out, in, kh, kw]`, `bias` `[out]`, `residual` and the result
/// `[N, H', W', out]`.
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<4>>,
    conv: Conv,
) -> Tensor<4> {
    let bias = bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[0]], &weight.device()));
    convolve(x, weight, bias, residual, conv, None)
}

/// [`conv2d`], with the packed weights of a frozen layer where there are any.
pub(crate) fn convolve(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    residual: Option<Tensor<4>>,
    conv: Conv,
    packs: Option<Arc<Packs>>,
) -> Tensor<4> {
    // The sign of the result tells the sign before the activation only where the slope is positive.
    let fused = match conv.activation {
        Activation::LeakyRelu(slope) if slope <= 0.0 => Conv { activation: Activation::None, ..conv },
        _ => conv,
    };
    let [x, weight] = [x, weight].map(Tensor::into_dispatch);
    let bias = bias.into_dispatch();
    let y = Tensor::from_dispatch(match residual {
        None => Dispatch::convolve(x, weight, bias, fused, packs),
        Some(residual) => Dispatch::convolve_residual(x, weight, bias, residual.into_dispatch(), fused),
    });
    if fused == conv { y } else { activated(y, conv.activation) }
}

/// As [`conv2d`] without residual, every channel by itself: `weight` is `[C, 1, kh, kw]`.
pub fn depthwise_conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, conv: Conv) -> Tensor<4> {
    let groups = weight.dims()[0];
    let options = ConvOptions::new([conv.stride; 2], [conv.padding; 2], [conv.dilation; 2], groups);
    activated(to_last(burn_conv2d(to_first(x), weight, bias, options)), conv.activation)
}

fn activated(y: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::None => y,
        Activation::Relu => activation::relu(y),
        Activation::LeakyRelu(slope) => activation::leaky_relu(y, f64::from(slope)),
    }
}

/// Largest value of every `kernel × kernel` window, windows `stride` apart, no padding, sizes rounded
/// down: `[N, H, W, C]` → `[N, H', W', C]`.
pub fn max_pool2d(x: Tensor<4>, kernel: usize, stride: usize) -> Tensor<4> {
    let options = MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]);
    to_last(burn_max_pool2d(to_first(x), options))
}

/// `[N, H, W, C·r²]` → `[N, H·r, W·r, C]`, the channel order of PyTorch's `PixelShuffle`
/// (input channel `c·r² + dy·r + dx`).
pub fn pixel_shuffle(x: Tensor<4>, r: usize) -> Tensor<4> {
    let [n, h, w, c] = x.dims();
    let c = c / (r * r);
    x.reshape([n, h, w, c, r, r]).permute([0, 1, 4, 2, 5, 3]).reshape([n, h * r, w * r, c])
}

/// Mean squared difference over the positions, by image and channel: two `[N, H, W, C]` → `[N, C]`.
pub fn channel_distance(a: Tensor<4>, b: Tensor<4>) -> Tensor<2> {
    let [n, _, _, c] = a.dims();
    let difference = a - b;
    (difference.clone() * difference).mean_dim(1).mean_dim(2).reshape([n, c])
}

fn to_first(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 3, 1, 2])
}

fn to_last(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 2, 3, 1])
}
