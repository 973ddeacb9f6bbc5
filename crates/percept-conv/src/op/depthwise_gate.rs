//! A depthwise convolution with the simple gate behind it.

use burn::backend::{Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use burn_autodiff::{Autodiff, checkpoint::strategy::CheckpointStrategy};
use burn_flex::FlexTensor;

use super::depthwise::{DepthwiseBackend, by_tap};
use super::gate::GateBackend;
use super::{or_zeros, tensor};
use crate::conv::{Activation, Conv};
use crate::geometry::Geometry;
use crate::kernel::{Depthwise, Level};

/// [`simple_gate`](crate::simple_gate) of [`depthwise_conv2d`](crate::depthwise_conv2d), `conv` without an activation: `[N, H,
/// W, 2C]` → `[N, H, W, C]` where the size stays. Both are one pass where no gradient is wanted.
///
/// # Panics
/// If the dimensions do not fit together, the number of channels is odd, or `conv` has an activation.
pub fn depthwise_gate(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, conv: Conv) -> Tensor<4> {
    let (channels, dims) = (x.dims()[3], weight.dims());
    assert!(dims[0] == channels && dims[1] == 1, "{channels} channels, but depthwise weights of {dims:?}");
    assert!(channels.is_multiple_of(2), "a gate of {channels} channels");
    assert!(conv.activation == Activation::None, "an activation before the gate: {:?}", conv.activation);
    let bias = or_zeros(bias, &weight).into_dispatch();
    let [x, weight] = [x, weight].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::depthwise_gated(x, weight, bias, conv))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait DepthwiseGateBackend: DepthwiseBackend + GateBackend {
    fn depthwise_gated(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        Self::gate(Self::depthwise(x, weight, bias, conv))
    }
}

#[cfg(feature = "_device")]
impl DepthwiseGateBackend for burn::backend::Cube {}

impl DepthwiseGateBackend for Flex {
    fn depthwise_gated(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let g = Geometry::new(x.shape().dims(), weight.shape().dims(), &conv);
        let [x, bias] = [x, bias].map(|t: FlexTensor| t.to_contiguous());
        let weight = by_tap(&weight);
        let values = Depthwise::of_source(x.storage(), &g).gated(Level::current(), &weight, bias.storage());
        let [height, width] = g.result();
        tensor(values, &[g.batch, height, width, g.output / 2])
    }
}

impl<B: DepthwiseGateBackend, C: CheckpointStrategy> DepthwiseGateBackend for Autodiff<B, C> {
    fn depthwise_gated(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        if [&x, &weight, &bias].into_iter().any(|parent| parent.is_tracked()) {
            return Self::gate(Self::depthwise(x, weight, bias, conv));
        }
        let [x, weight, bias] = [x, weight, bias].map(|t| t.into_primitive());
        FloatTensor::<Self>::new(B::depthwise_gated(x, weight, bias, conv))
    }
}
