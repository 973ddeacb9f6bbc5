//! Channels of two images side by side.

use burn::backend::{Backend, Dispatch, Flex, Slice, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops},
};

use super::{recorded, tensor};
use crate::kernel;

/// The channels of `a`, `[N, H, W, A]`, and then those of `b`, `[N, H, W, B]`: `[N, H, W, A + B]`.
///
/// # Panics
/// If the other dimensions differ.
pub fn join(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    let places = [a.dims(), b.dims()].map(|[n, h, w, _]| [n, h, w]);
    assert!(places[0] == places[1], "images of {:?} and of {:?} side by side", a.dims(), b.dims());
    let [a, b] = [a, b].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::joined(a, b))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait JoinBackend: Backend {
    fn joined(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_cat(vec![a, b], 3)
    }

    /// So many channels of `x`, from `first` on.
    fn channels_from(x: FloatTensor<Self>, first: usize, count: usize) -> FloatTensor<Self> {
        let [n, h, w, _]: [usize; 4] = x.shape().dims();
        let ranges = [0..n, 0..h, 0..w, first..first + count].map(Slice::from);
        Self::float_slice(x, &ranges)
    }
}

#[cfg(feature = "_device")]
impl JoinBackend for burn::backend::Cube {}

impl JoinBackend for Flex {
    fn joined(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let ([n, h, w, of_a], of_b) = (a.shape().dims(), b.shape()[3]);
        let (a, b) = (a.to_contiguous(), b.to_contiguous());
        tensor(kernel::joined(a.storage(), b.storage(), [of_a, of_b]), &[n, h, w, of_a + of_b])
    }

    fn channels_from(x: FloatTensor<Self>, first: usize, count: usize) -> FloatTensor<Self> {
        let [n, h, w, channels] = x.shape().dims();
        let x = x.to_contiguous();
        tensor(kernel::part(x.storage(), channels, first..first + count), &[n, h, w, count])
    }
}

impl<B: JoinBackend, C: CheckpointStrategy> JoinBackend for Autodiff<B, C> {
    fn joined(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [a.node(), b.node()];
        let (a, b) = (a.into_primitive(), b.into_primitive());
        let channels = [a.shape()[3], b.shape()[3]];
        recorded::<B, C, _, _>(Join, nodes, channels, B::joined(a, b))
    }
}

/// Parents: both images.
#[derive(Debug)]
struct Join;

impl<B: JoinBackend> Backward<B, 2> for Join {
    type State = [usize; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [of_a, of_b] = ops.state;
        let [a, b] = ops.parents;
        if let Some(a) = a {
            grads.register::<B>(a.id, B::channels_from(gradient.clone(), 0, of_a));
        }
        if let Some(b) = b {
            grads.register::<B>(b.id, B::channels_from(gradient, of_a, of_b));
        }
    }
}
