//! The Gaussian error linear unit.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};

use super::{recorded, tensor};
use crate::kernel::{self, Level};

/// `x · Φ(x)`, where `Φ` is the normal distribution (Hendrycks and Gimpel, arXiv 1606.08415), within 1e-7 of `x`.
pub fn gelu(x: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::gaussian(x.into_dispatch()))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait GeluBackend: Backend {
    fn gaussian(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::gelu(x)
    }

    /// The gradient of `gaussian` to `x`.
    fn gaussian_gradient(x: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::gelu_backward(x, gradient)
    }
}

#[cfg(feature = "_device")]
impl GeluBackend for burn::backend::Cube {}

impl GeluBackend for Flex {
    fn gaussian(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let x = x.to_contiguous();
        tensor(kernel::gelu(Level::current(), x.storage()), &x.shape())
    }

    fn gaussian_gradient(x: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, gradient) = (x.to_contiguous(), gradient.to_contiguous());
        tensor(kernel::gelu_gradient(Level::current(), x.storage(), gradient.storage()), &x.shape())
    }
}

impl<B: GeluBackend, C: CheckpointStrategy> GeluBackend for Autodiff<B, C> {
    fn gaussian(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let x = x.into_primitive();
        let y = B::gaussian(x.clone());
        recorded::<B, C, _, _>(Gaussian, nodes, x, y)
    }
}

#[derive(Debug)]
struct Gaussian;

impl<B: GeluBackend> Backward<B, 1> for Gaussian {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| B::gaussian_gradient(ops.state, gradient));
    }
}
