//! The simple gate: one half of the channels times the other.

use burn::backend::{Backend, Dispatch, Flex, Slice, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};

use super::{recorded, tensor};
use crate::kernel::{self, Level};

/// Channel `c` times channel `C + c`: `[N, H, W, 2C]` → `[N, H, W, C]`.
///
/// # Panics
/// If the number of channels is odd.
pub fn simple_gate(x: Tensor<4>) -> Tensor<4> {
    let channels = x.dims()[3];
    assert!(channels.is_multiple_of(2), "a gate of {channels} channels");
    Tensor::from_dispatch(Dispatch::gate(x.into_dispatch()))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait GateBackend: Backend {
    fn gate(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let [one, other] = halves::<Self>(x);
        Self::float_mul(one, other)
    }

    /// The gradient of `gate` to `x`.
    fn gate_gradient(x: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        let [one, other] = halves::<Self>(x);
        let parts = [other, one].map(|half| Self::float_mul(gradient.clone(), half));
        Self::float_cat(parts.to_vec(), 3)
    }
}

#[cfg(feature = "_device")]
impl GateBackend for burn::backend::Cube {}

fn halves<B: Backend>(x: FloatTensor<B>) -> [FloatTensor<B>; 2] {
    let [n, h, w, c]: [usize; 4] = x.shape().dims();
    [0, c / 2].map(|from| {
        let ranges = [0..n, 0..h, 0..w, from..from + c / 2].map(Slice::from);
        B::float_slice(x.clone(), &ranges)
    })
}

impl GateBackend for Flex {
    fn gate(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let [n, h, w, c] = x.shape().dims();
        let x = x.to_contiguous();
        tensor(kernel::gated(Level::current(), x.storage(), c / 2), &[n, h, w, c / 2])
    }

    fn gate_gradient(x: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, gradient) = (x.to_contiguous(), gradient.to_contiguous());
        let channels = x.shape()[3] / 2;
        let values = kernel::gated_gradient(Level::current(), x.storage(), gradient.storage(), channels);
        tensor(values, &x.shape())
    }
}

impl<B: GateBackend, C: CheckpointStrategy> GateBackend for Autodiff<B, C> {
    fn gate(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let x = x.into_primitive();
        let y = B::gate(x.clone());
        recorded::<B, C, _, _>(Gate, nodes, x, y)
    }
}

#[derive(Debug)]
struct Gate;

impl<B: GateBackend> Backward<B, 1> for Gate {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| B::gate_gradient(ops.state, gradient));
    }
}
