//! The convolution: what networks, backbones and losses call.

mod autodiff;
mod backend;
mod flex;

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::{Tensor, activation};

use super::or_zeros;
use crate::conv::{Activation, Conv};
use crate::packs::Packs;

pub(super) use backend::{ConvBackend, options, to_first, to_last};
pub(super) use flex::{convolved, forward, source_gradient};

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
    let bias = or_zeros(bias, &weight);
    convolve(x, weight, bias, residual, conv, None)
}

/// [`conv2d`], with the packed weights of a frozen layer where there are any.
pub(in crate::op) fn convolve(
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
    let fused = match conv.activation.shows_in_result() {
        true => conv,
        false => Conv { activation: Activation::None, ..conv },
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
pub(in crate::op) fn activated(y: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::None => y,
        Activation::Relu => activation::relu(y),
        Activation::LeakyRelu(slope) => activation::leaky_relu(y, f64::from(slope)),
    }
}
