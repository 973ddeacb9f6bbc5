//! Depthwise convolution: every channel by itself.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Shape, Tensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops},
};
use burn_flex::FlexTensor;

use super::conv::{ConvBackend, activated, options, to_first, to_last};
use super::{or_zeros, recorded, tensor};
use crate::conv::Conv;
use crate::geometry::Geometry;
use crate::kernel::{self, Level};

/// As [`conv2d`](crate::conv2d) without residual, every channel by itself: `weight` is `[C, 1, kh, kw]`.
///
/// # Panics
/// If the dimensions do not fit together, as Burn's operations do.
pub fn depthwise_conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, conv: Conv) -> Tensor<4> {
    let (channels, dims) = (x.dims()[3], weight.dims());
    assert!(dims[0] == channels && dims[1] == 1, "{channels} channels, but depthwise weights of {dims:?}");
    let bias = or_zeros(bias, &weight);
    let [x, weight] = [x, weight].map(Tensor::into_dispatch);
    activated(
        Tensor::from_dispatch(Dispatch::depthwise(x, weight, bias.into_dispatch(), conv)),
        conv.activation,
    )
}

/// The activation is not part of these.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait DepthwiseBackend: ConvBackend {
    fn depthwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let groups = weight.shape()[0];
        to_last::<Self>(Self::conv2d(to_first::<Self>(x), weight, Some(bias), options(conv, groups)))
    }

    /// Gradient to an input of the dimensions `source`.
    fn depthwise_input_gradient(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        source: [usize; 4],
        conv: Conv,
    ) -> FloatTensor<Self> {
        let groups = weight.shape()[0];
        let zeros = Self::float_zeros(Shape::from(source), &gradient.device(), gradient.dtype().into());
        to_last::<Self>(Self::conv2d_x_backward(
            to_first::<Self>(zeros),
            weight,
            to_first::<Self>(gradient),
            options(conv, groups),
        ))
    }

    /// Gradient to weights like `weight`.
    fn depthwise_weight_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let groups = weight.shape()[0];
        let (x, gradient) = (to_first::<Self>(x), to_first::<Self>(gradient));
        Self::conv2d_weight_backward(x, weight, gradient, options(conv, groups))
    }
}

#[cfg(feature = "_device")]
impl DepthwiseBackend for burn::backend::Cube {}

impl DepthwiseBackend for Flex {
    fn depthwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let geometry = Geometry::new(x.shape().dims(), weight.shape().dims(), &conv);
        let [height, width] = geometry.result();
        let (x, bias) = (x.to_contiguous(), bias.to_contiguous());
        let x = kernel::Depthwise::of_source(x.storage(), &geometry);
        let values = x.convolved(Level::current(), &by_tap(&weight), bias.storage());
        tensor(values, &[geometry.batch, height, width, geometry.output])
    }

    fn depthwise_input_gradient(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        source: [usize; 4],
        conv: Conv,
    ) -> FloatTensor<Self> {
        let geometry = Geometry::new(source, weight.shape().dims(), &conv);
        let (gradient, no_bias) = (gradient.to_contiguous(), vec![0.0; geometry.output]);
        let gradient = kernel::Depthwise::of_gradient(gradient.storage(), &geometry);
        tensor(gradient.convolved(Level::current(), &by_tap(&weight), &no_bias), &source)
    }

    fn depthwise_weight_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let shape: [usize; 4] = weight.shape().dims();
        let geometry = Geometry::new(x.shape().dims(), shape, &conv);
        let (channels, taps) = (geometry.output, geometry.taps());
        let (x, gradient) = (x.to_contiguous(), gradient.to_contiguous());
        let sums = kernel::Depthwise::of_source(x.storage(), &geometry)
            .products(Level::current(), gradient.storage());
        tensor((0..channels * taps).map(|i| sums[i % taps * channels + i / taps]).collect(), &shape)
    }
}

/// `[C, 1, kh, kw]` → `[tap][C]`.
pub(super) fn by_tap(weight: &FlexTensor) -> Vec<f32> {
    let [channels, _, down, along] = weight.shape().dims();
    let (weight, taps) = (weight.to_contiguous(), down * along);
    let from = weight.storage::<f32>();
    (0..channels * taps).map(|i| from[i % channels * taps + i / channels]).collect()
}

impl<B: DepthwiseBackend, C: CheckpointStrategy> DepthwiseBackend for Autodiff<B, C> {
    fn depthwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let trained = weight.is_tracked();
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let y = B::depthwise(x.clone(), weight.clone(), bias.into_primitive(), conv);
        let source = x.shape().dims();
        let kept = Kept { x: trained.then_some(x), weight, source, conv };
        recorded::<B, C, _, _>(Depthwise, nodes, kept, y)
    }
}

/// What the backward pass needs, and no more.
#[derive(Clone, Debug)]
struct Kept<B: Backend> {
    /// Only where the weights are trained.
    x: Option<FloatTensor<B>>,
    weight: FloatTensor<B>,
    source: [usize; 4],
    conv: Conv,
}

/// Parents: input, weights and bias.
#[derive(Debug)]
struct Depthwise;

impl<B: DepthwiseBackend> Backward<B, 3> for Depthwise {
    type State = Kept<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let Kept { x, weight, source, conv } = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let [to_x, to_weight, to_bias] = ops.parents;
        if let Some((node, x)) = to_weight.zip(x) {
            let value = B::depthwise_weight_gradient(x, weight.clone(), gradient.clone(), conv);
            grads.register::<B>(node.id, value);
        }
        if let Some(node) = to_bias {
            grads.register::<B>(node.id, B::bias_gradient(gradient.clone()));
        }
        if let Some(node) = to_x {
            grads.register::<B>(node.id, B::depthwise_input_gradient(weight, gradient, source, conv));
        }
    }
}
