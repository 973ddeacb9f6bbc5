//! The sum of two images, by all cores.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, binary},
};

use super::{recorded, tensor};
use crate::kernel::{self, Level};

/// `a + share · b`, number by number.
///
/// # Panics
/// If the dimensions differ.
pub fn sum(a: Tensor<4>, b: Tensor<4>, share: f32) -> Tensor<4> {
    let dims = [a.dims(), b.dims()];
    assert!(dims[0] == dims[1], "a sum of {:?} and {:?}", dims[0], dims[1]);
    let [a, b] = [a, b].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::summed(a, b, share))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait SumBackend: Backend {
    fn summed(a: FloatTensor<Self>, b: FloatTensor<Self>, share: f32) -> FloatTensor<Self> {
        Self::float_add(a, Self::float_mul_scalar(b, share.into()))
    }
}

#[cfg(feature = "_device")]
impl SumBackend for burn::backend::Cube {}

impl SumBackend for Flex {
    fn summed(a: FloatTensor<Self>, b: FloatTensor<Self>, share: f32) -> FloatTensor<Self> {
        let (a, b) = (a.to_contiguous(), b.to_contiguous());
        tensor(kernel::summed(Level::current(), a.storage(), b.storage(), share), &a.shape())
    }
}

impl<B: SumBackend, C: CheckpointStrategy> SumBackend for Autodiff<B, C> {
    fn summed(a: FloatTensor<Self>, b: FloatTensor<Self>, share: f32) -> FloatTensor<Self> {
        let nodes = [a.node(), b.node()];
        let y = B::summed(a.into_primitive(), b.into_primitive(), share);
        recorded::<B, C, _, _>(Sum, nodes, share, y)
    }
}

#[derive(Debug)]
struct Sum;

impl<B: SumBackend> Backward<B, 2> for Sum {
    type State = f32;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let share = ops.state;
        let to_b = |gradient| match share {
            1.0 => gradient,
            _ => B::float_mul_scalar(gradient, share.into()),
        };
        binary::<B, _, _>(ops.parents, ops.node, grads, |gradient| gradient, to_b);
    }
}
