//! Images enlarged or made smaller without learned weights.

use std::sync::Arc;

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Shape, Tensor, TensorData};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};

use super::{recorded, tensor};
use crate::kernel::{Level, Mix, mixed};

/// `[N, H, W, C]` at the size `[height, width]`, each pixel the mean of the four around its middle, those at the edge repeated
/// beyond it: PyTorch's `bilinear` with `align_corners = false`. It does not smooth where it makes smaller.
pub fn resize_bilinear(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    resized(x, size, Mix::bilinear)
}

/// `[N, H, W, C]` at the size `[height, width]`, each pixel the nearest one: PyTorch's `nearest`.
pub fn resize_nearest(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    resized(x, size, Mix::nearest)
}

fn resized(x: Tensor<4>, [height, width]: [usize; 2], mix: impl Fn(usize, usize) -> Mix) -> Tensor<4> {
    let [_, h, w, _] = x.dims();
    if [h, w] == [height, width] {
        return x;
    }
    let mixes = Arc::new([mix(h, height), mix(w, width)]);
    Tensor::from_dispatch(Dispatch::mixed(x.into_dispatch(), mixes))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait ResizeBackend: Backend {
    /// Rows, then columns.
    fn mixed(x: FloatTensor<Self>, mixes: Arc<[Mix; 2]>) -> FloatTensor<Self> {
        let [n, h, w, c] = x.shape().dims();
        let device = x.device();
        let [rows, columns] = mixes.as_ref();
        let matrix = |mix: &Mix, from: usize| {
            let data = TensorData::new(mix.matrix(), [1, mix.len(), from]);
            Self::float_from_data(data, &device)
        };
        let x = Self::float_reshape(x, Shape::from([n, h, w * c]));
        let x = Self::float_matmul(matrix(rows, h), x);
        let x = Self::float_reshape(x, Shape::from([n * rows.len(), w, c]));
        let x = Self::float_matmul(matrix(columns, w), x);
        Self::float_reshape(x, Shape::from([n, rows.len(), columns.len(), c]))
    }
}

#[cfg(feature = "_device")]
impl ResizeBackend for burn::backend::Cube {}

impl ResizeBackend for Flex {
    fn mixed(x: FloatTensor<Self>, mixes: Arc<[Mix; 2]>) -> FloatTensor<Self> {
        let [n, _, _, c] = x.shape().dims();
        let x = x.to_contiguous();
        let [rows, columns] = mixes.as_ref();
        tensor(mixed(Level::current(), x.storage(), c, rows, columns), &[n, rows.len(), columns.len(), c])
    }
}

impl<B: ResizeBackend, C: CheckpointStrategy> ResizeBackend for Autodiff<B, C> {
    fn mixed(x: FloatTensor<Self>, mixes: Arc<[Mix; 2]>) -> FloatTensor<Self> {
        let y = B::mixed(x.primitive().clone(), mixes.clone());
        recorded::<B, C, _, _>(Mixed, [x.node()], mixes, y)
    }
}

#[derive(Debug)]
struct Mixed;

impl<B: ResizeBackend> Backward<B, 1> for Mixed {
    type State = Arc<[Mix; 2]>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let back = Arc::new([ops.state[0].transposed(), ops.state[1].transposed()]);
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| B::mixed(gradient, back));
    }
}
