//! Pixel shuffle: channels become pixels.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Shape, Tensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};

use super::{recorded, tensor};
use crate::kernel::filled;

/// `[N, H, W, C·r²]` → `[N, H·r, W·r, C]`, the channel order of PyTorch's `PixelShuffle`
/// (input channel `c·r² + dy·r + dx`).
pub fn pixel_shuffle(x: Tensor<4>, r: usize) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::shuffle(x.into_dispatch(), r))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait ShuffleBackend: Backend {
    fn shuffle(x: FloatTensor<Self>, r: usize) -> FloatTensor<Self> {
        let [n, h, w, c] = x.shape().dims();
        let c = c / (r * r);
        let x = Self::float_reshape(x, Shape::from([n, h, w, c, r, r]));
        Self::float_reshape(Self::float_permute(x, &[0, 1, 4, 2, 5, 3]), Shape::from([n, h * r, w * r, c]))
    }

    /// The inverse.
    fn unshuffle(x: FloatTensor<Self>, r: usize) -> FloatTensor<Self> {
        let [n, h, w, c] = x.shape().dims();
        let (h, w) = (h / r, w / r);
        let x = Self::float_reshape(x, Shape::from([n, h, r, w, r, c]));
        Self::float_reshape(Self::float_permute(x, &[0, 1, 3, 5, 2, 4]), Shape::from([n, h, w, c * r * r]))
    }
}

#[cfg(feature = "_device")]
impl ShuffleBackend for burn::backend::Cube {}

impl ShuffleBackend for Flex {
    fn shuffle(x: FloatTensor<Self>, r: usize) -> FloatTensor<Self> {
        let [n, h, w, c] = x.shape().dims();
        let (c, x) = (c / (r * r), x.to_contiguous());
        let from = x.storage::<f32>();
        let line = w * r * c;
        let values = filled(n * h * r * line, line, |y, out| {
            let source = &from[y / r * r * line..][..r * line];
            for (i, pixel) in out.chunks_exact_mut(c).enumerate() {
                let start = i / r * c * r * r + y % r * r + i % r;
                let channels = source[start..].iter().step_by(r * r);
                pixel.iter_mut().zip(channels).for_each(|(to, from)| *to = *from);
            }
        });
        tensor(values, &[n, h * r, w * r, c])
    }

    fn unshuffle(x: FloatTensor<Self>, r: usize) -> FloatTensor<Self> {
        let [n, h, w, c] = x.shape().dims();
        let (h, w, x) = (h / r, w / r, x.to_contiguous());
        let from = x.storage::<f32>();
        let line = w * c * r * r;
        let values = filled(n * h * line, line, |y, out| {
            let source = &from[y * line..][..line];
            for (i, pixel) in source.chunks_exact(c).enumerate() {
                let (down, along) = (i / (w * r), i % (w * r));
                let start = along / r * c * r * r + down * r + along % r;
                let channels = out[start..].iter_mut().step_by(r * r);
                channels.zip(pixel).for_each(|(to, from)| *to = *from);
            }
        });
        tensor(values, &[n, h, w, c * r * r])
    }
}

impl<B: ShuffleBackend, C: CheckpointStrategy> ShuffleBackend for Autodiff<B, C> {
    fn shuffle(x: FloatTensor<Self>, r: usize) -> FloatTensor<Self> {
        let y = B::shuffle(x.primitive().clone(), r);
        recorded::<B, C, _, _>(Shuffle, [x.node()], r, y)
    }
}

#[derive(Debug)]
struct Shuffle;

impl<B: ShuffleBackend> Backward<B, 1> for Shuffle {
    type State = usize;

    fn backward(self, ops: Ops<usize, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| B::unshuffle(gradient, ops.state));
    }
}
