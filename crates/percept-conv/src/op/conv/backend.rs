//! The extension trait: what a device must be able to compute, and how it does with Burn's own operations.

use std::sync::Arc;

use burn::backend::{Backend, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Shape, ops::ConvOptions};

use crate::conv::{Activation, Conv};
use crate::packs::Packs;

/// Operations that have a fast form on some devices. The bodies here, in Burn's primitives, serve all others.
///
/// `x` is `[N, H, W, in]`, `weight` `[out, in, kh, kw]` and `gradient` is that to the result.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait ConvBackend: Backend {
    /// `activation(conv(x, weight) + bias)`; `packs` keeps what a frozen layer computes once.
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Conv,
        packs: Option<Arc<Packs>>,
    ) -> FloatTensor<Self> {
        let _ = packs;
        activated::<Self>(plain::<Self>(x, weight, bias, conv), conv.activation)
    }

    /// `activation(conv(x, weight) + bias + residual)`.
    fn convolve_residual(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let y = Self::float_add(plain::<Self>(x, weight, bias, conv), residual);
        activated::<Self>(y, conv.activation)
    }

    /// `gradient` before the activation whose result is `y`.
    fn activation_gradient(
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        match activation {
            Activation::None => gradient,
            Activation::Relu => Self::relu_backward(y, gradient),
            // The result has the sign of what the activation was applied to.
            Activation::LeakyRelu(slope) => {
                let on = Self::relu_backward(y, gradient.clone());
                let rest = Self::float_mul_scalar(gradient, slope.into());
                Self::float_add(rest, Self::float_mul_scalar(on, (1.0 - slope).into()))
            }
        }
    }

    /// Gradient to an input of the dimensions `source`; `gradient` is that before the activation.
    fn input_gradient(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        source: [usize; 4],
        conv: Conv,
        packs: Option<Arc<Packs>>,
    ) -> FloatTensor<Self> {
        let _ = packs;
        let zeros = Self::float_zeros(Shape::from(source), &gradient.device(), gradient.dtype().into());
        to_last::<Self>(Self::conv2d_x_backward(
            to_first::<Self>(zeros),
            weight,
            to_first::<Self>(gradient),
            options(conv, 1),
        ))
    }

    /// The same through the activation: `gradient` is that to its result `y`.
    fn input_gradient_through(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        y: FloatTensor<Self>,
        source: [usize; 4],
        conv: Conv,
        packs: Option<Arc<Packs>>,
    ) -> FloatTensor<Self> {
        let gradient = Self::activation_gradient(y, gradient, conv.activation);
        Self::input_gradient(weight, gradient, source, conv, packs)
    }

    /// Gradient to weights like `weight`.
    fn weight_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        Self::conv2d_weight_backward(
            to_first::<Self>(x),
            weight,
            to_first::<Self>(gradient),
            options(conv, 1),
        )
    }

    /// Gradient to the bias: sums over all but the last dimension.
    fn bias_gradient(gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        let channels = gradient.shape()[3];
        Self::float_reshape(Self::float_sum_dims(gradient, &[0, 1, 2]), Shape::from([channels]))
    }
}

pub(in crate::op) fn options(conv: Conv, groups: usize) -> ConvOptions<2> {
    ConvOptions::new([conv.stride; 2], [conv.padding; 2], [conv.dilation; 2], groups)
}

fn plain<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    conv: Conv,
) -> FloatTensor<B> {
    to_last::<B>(B::conv2d(to_first::<B>(x), weight, Some(bias), options(conv, 1)))
}

fn activated<B: Backend>(y: FloatTensor<B>, activation: Activation) -> FloatTensor<B> {
    match activation {
        Activation::None => y,
        Activation::Relu => B::relu(y),
        Activation::LeakyRelu(slope) => B::leaky_relu(y, slope.into()),
    }
}

pub(in crate::op) fn to_first<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(x, &[0, 3, 1, 2])
}

pub(in crate::op) fn to_last<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(x, &[0, 2, 3, 1])
}

#[cfg(feature = "_device")]
impl ConvBackend for burn::backend::Cube {}
