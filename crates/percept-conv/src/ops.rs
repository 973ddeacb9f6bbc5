//! The operations that networks, backbones and losses are written against.

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::{Tensor, activation};

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
///
/// # Panics
/// If the dimensions do not fit together, as Burn's operations do.
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
    let ([_, _, _, channels], [results, input, ..]) = (x.dims(), weight.dims());
    assert!(channels == input, "{channels} channels, but weights for {input}");
    assert!(bias.dims() == [results], "a bias of {:?} for {results} results", bias.dims());
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

/// `activation` by Burn's operations.
pub(crate) fn activated(y: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::None => y,
        Activation::Relu => activation::relu(y),
        Activation::LeakyRelu(slope) => activation::leaky_relu(y, f64::from(slope)),
    }
}
