//! Convolutions with a leaky ReLU whose slopes are learned: PReLU (He et al., *Delving Deep into Rectifiers*, 2015).

use burn::backend::{Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops},
};
use burn_flex::FlexTensor;

use super::conv::{ConvBackend, forward};
use super::{by_channel, or_zeros, recorded, tensor};
use crate::conv::{Activation, Conv};
use crate::kernel::{self, Level};

/// [`conv2d`](crate::conv2d) without residual, then PReLU: what is not positive is multiplied with its channel's `slope`,
/// `[out]`. `conv` has no activation of its own.
///
/// Both are one pass where no gradient is wanted. Elsewhere they are two: the gradient to the slopes needs what PReLU is
/// applied to, which its result does not tell where a slope is not positive.
///
/// # Panics
/// If the dimensions do not fit together, or `conv` has an activation.
pub fn conv2d_prelu(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    slope: Tensor<1>,
    conv: Conv,
) -> Tensor<4> {
    let (channels, dims) = (x.dims()[3], weight.dims());
    assert!(channels == dims[1], "{channels} channels, but weights for {}", dims[1]);
    assert!(conv.activation == Activation::None, "a second activation: {:?}", conv.activation);
    let bias = or_zeros(bias, &weight);
    let parameters = [bias.dims(), slope.dims()];
    assert!(parameters == [[dims[0]]; 2], "{parameters:?} parameters for {} results", dims[0]);
    let [x, weight] = [x, weight].map(Tensor::into_dispatch);
    let [bias, slope] = [bias, slope].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::convolve_prelu(x, weight, bias, slope, conv))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait PreluBackend: ConvBackend {
    /// [`sloped`](Self::sloped) of [`convolve`](ConvBackend::convolve).
    fn convolve_prelu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        slope: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        Self::sloped(Self::convolve(x, weight, bias, conv, None), slope)
    }

    /// `x` where positive, `slope · x` elsewhere.
    fn sloped(x: FloatTensor<Self>, slope: FloatTensor<Self>) -> FloatTensor<Self> {
        let on = Self::relu(x.clone());
        let off = Self::float_sub(x, on.clone());
        Self::float_add(on, Self::float_mul(off, by_channel::<Self>(slope)))
    }

    /// The gradients of `sloped` to `x` and to the slopes.
    fn sloped_gradient(
        x: FloatTensor<Self>,
        slope: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let channels = slope.shape();
        let on = Self::relu_backward(Self::relu(x.clone()), gradient.clone());
        let off = Self::float_sub(gradient, on.clone());
        let to_slope = Self::float_sum_dims(Self::float_mul(off.clone(), x), &[0, 1, 2]);
        let to_x = Self::float_add(on, Self::float_mul(off, by_channel::<Self>(slope)));
        (to_x, Self::float_reshape(to_slope, channels))
    }
}

#[cfg(feature = "_device")]
impl PreluBackend for burn::backend::Cube {}

impl PreluBackend for Flex {
    fn convolve_prelu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        slope: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        forward(x, weight, bias, None, Some(slope), conv, None)
    }

    fn sloped(x: FloatTensor<Self>, slope: FloatTensor<Self>) -> FloatTensor<Self> {
        let [x, slope] = [x, slope].map(|t: FlexTensor| t.to_contiguous());
        tensor(kernel::prelu(Level::current(), x.storage(), slope.storage()), &x.shape())
    }

    fn sloped_gradient(
        x: FloatTensor<Self>,
        slope: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [x, slope, gradient] = [x, slope, gradient].map(|t: FlexTensor| t.to_contiguous());
        let [to_x, to_slope] =
            kernel::prelu_gradient(Level::current(), x.storage(), gradient.storage(), slope.storage());
        (tensor(to_x, &x.shape()), tensor(to_slope, &slope.shape()))
    }
}

impl<B: PreluBackend, C: CheckpointStrategy> PreluBackend for Autodiff<B, C> {
    fn convolve_prelu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        slope: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        if [&x, &weight, &bias, &slope].into_iter().any(|parent| parent.is_tracked()) {
            return Self::sloped(Self::convolve(x, weight, bias, conv, None), slope);
        }
        let [x, weight, bias, slope] = [x, weight, bias, slope].map(|t| t.into_primitive());
        FloatTensor::<Self>::new(B::convolve_prelu(x, weight, bias, slope, conv))
    }

    fn sloped(x: FloatTensor<Self>, slope: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node(), slope.node()];
        let [x, slope] = [x, slope].map(|t| t.into_primitive());
        let y = B::sloped(x.clone(), slope.clone());
        recorded::<B, C, _, _>(Prelu, nodes, (x, slope), y)
    }
}

/// Parents: input and slopes.
#[derive(Debug)]
struct Prelu;

impl<B: PreluBackend> Backward<B, 2> for Prelu {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (x, slope) = ops.state;
        let (to_x, to_slope) = B::sloped_gradient(x, slope, gradient);
        for (node, value) in ops.parents.into_iter().zip([to_x, to_slope]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, value);
            }
        }
    }
}
