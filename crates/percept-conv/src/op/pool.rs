//! Max pooling.

use burn::backend::{
    Backend, Dispatch, Flex, TensorMetadata, backend_extension,
    tensor::{FloatTensor, IntTensor},
};
use burn::tensor::{Bytes, DType, IntDType, Shape, Tensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

use super::tensor;
use crate::kernel::filled_in;

/// Largest value of every `kernel × kernel` window, windows `stride` apart, no padding, sizes rounded
/// down: `[N, H, W, C]` → `[N, H', W', C]`. The gradient goes to the first of equals.
///
/// `kernel` is at most 16.
pub fn max_pool2d(x: Tensor<4>, kernel: usize, stride: usize) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::pool(x.into_dispatch(), Window { kernel, stride }))
}

/// The windows of a pooling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
}

impl Window {
    /// Dimensions of what becomes of `source`.
    pub(crate) fn size(self, [n, h, w, c]: [usize; 4]) -> [usize; 4] {
        [n, self.result(h), self.result(w), c]
    }

    fn result(self, side: usize) -> usize {
        side.checked_sub(self.kernel).map_or(0, |room| room / self.stride + 1)
    }
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait PoolBackend: Backend {
    fn pool(x: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        Self::pool_indexed(x, window).0
    }

    /// With what the gradient needs to know about the places of the largest values.
    fn pool_indexed(x: FloatTensor<Self>, window: Window) -> (FloatTensor<Self>, IntTensor<Self>) {
        let (kernel, stride) = ([window.kernel; 2], [window.stride; 2]);
        let x = Self::float_permute(x, &[0, 3, 1, 2]);
        let pooled = Self::max_pool2d_with_indices(x, kernel, stride, [0; 2], [1; 2], false, IntDType::I32);
        (Self::float_permute(pooled.output, &[0, 2, 3, 1]), pooled.indices)
    }

    /// Gradient to an input of the dimensions `source`.
    fn pool_gradient(
        indices: IntTensor<Self>,
        gradient: FloatTensor<Self>,
        source: [usize; 4],
        window: Window,
    ) -> FloatTensor<Self> {
        let (kernel, stride) = ([window.kernel; 2], [window.stride; 2]);
        let [n, h, w, c] = source;
        let x = Self::float_zeros(Shape::from([n, c, h, w]), &gradient.device(), gradient.dtype().into());
        let gradient = Self::float_permute(gradient, &[0, 3, 1, 2]);
        let result = Self::max_pool2d_with_indices_backward(
            x, kernel, stride, [0; 2], [1; 2], false, gradient, indices,
        );
        Self::float_permute(result.x_grad, &[0, 2, 3, 1])
    }
}

#[cfg(feature = "_device")]
impl PoolBackend for burn::backend::Cube {}

impl PoolBackend for Flex {
    fn pool(x: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        let size: [usize; 4] = x.shape().dims();
        let x = x.to_contiguous();
        tensor(pooled(Vec::new(), x.storage(), size, window, None), &window.size(size))
    }

    fn pool_indexed(x: FloatTensor<Self>, window: Window) -> (FloatTensor<Self>, IntTensor<Self>) {
        let size: [usize; 4] = x.shape().dims();
        let x = x.to_contiguous();
        let mut taken = Vec::new();
        let values = pooled(Vec::new(), x.storage(), size, window, Some(&mut taken));
        let size = window.size(size);
        let layout = Layout::contiguous(Shape::from(size));
        (tensor(values, &size), FlexTensor::new(Bytes::from_elems(taken), layout, DType::U8))
    }

    fn pool_gradient(
        indices: IntTensor<Self>,
        gradient: FloatTensor<Self>,
        source: [usize; 4],
        window: Window,
    ) -> FloatTensor<Self> {
        let gradient = gradient.to_contiguous();
        tensor(spread(Vec::new(), indices.storage(), gradient.storage(), source, window), &source)
    }
}

/// The largest values in the memory of `spare`; `taken` gets the place of each in its window.
pub(crate) fn pooled(
    spare: Vec<f32>,
    from: &[f32],
    size: [usize; 4],
    window: Window,
    taken: Option<&mut Vec<u8>>,
) -> Vec<f32> {
    let [_, h, w, c] = size;
    let [n, height, width, _] = window.size(size);
    let line = width * c;
    let source = |y: usize, i: usize, tap: usize| {
        let (down, along) = (tap / window.kernel, tap % window.kernel);
        let top = y / height * h + y % height * window.stride + down;
        &from[(top * w + i * window.stride + along) * c..][..c]
    };
    let taps = window.kernel * window.kernel;
    let Some(taken) = taken else {
        return filled_in(spare, n * height * line, line, |y, out| {
            for (i, out) in out.chunks_exact_mut(c).enumerate() {
                out.copy_from_slice(source(y, i, 0));
                for tap in 1..taps {
                    for (out, value) in out.iter_mut().zip(source(y, i, tap)) {
                        *out = if (*value > *out) | value.is_nan() { *value } else { *out };
                    }
                }
            }
        });
    };
    let mut values = spare;
    values.clear();
    values.resize(n * height * line, 0.0);
    taken.clear();
    taken.resize(values.len(), 0);
    if !values.is_empty() {
        let lines = values.par_chunks_mut(line).zip(taken.par_chunks_mut(line)).enumerate();
        lines.for_each(|(y, (out, taken))| {
            for (i, (out, taken)) in out.chunks_exact_mut(c).zip(taken.chunks_exact_mut(c)).enumerate() {
                for tap in 0..taps {
                    for ((out, taken), value) in out.iter_mut().zip(taken.iter_mut()).zip(source(y, i, tap)) {
                        // What is not a number comes through.
                        let larger = (tap == 0) | (*value > *out) | value.is_nan();
                        *out = if larger { *value } else { *out };
                        *taken = if larger { tap as u8 } else { *taken };
                    }
                }
            }
        });
    }
    values
}

/// The gradient to an input of the dimensions `source`, in the memory of `spare`.
pub(crate) fn spread(
    spare: Vec<f32>,
    taken: &[u8],
    gradient: &[f32],
    source: [usize; 4],
    window: Window,
) -> Vec<f32> {
    let [n, h, w, c] = source;
    let [_, height, width, _] = window.size(source);
    filled_in(spare, n * h * w * c, w * c, |line, out| {
        let (image, y) = (line / h, line % h);
        // Every window that reads this line, and by which of its rows.
        let rows = (0..window.kernel).filter_map(|down| {
            let top = y.checked_sub(down).filter(|top| top.is_multiple_of(window.stride))?;
            Some((down, top / window.stride)).filter(|(_, row)| *row < height)
        });
        for (down, row) in rows {
            let start = (image * height + row) * width * c;
            let pixels = gradient[start..][..width * c].chunks_exact(c);
            let pixels = pixels.zip(taken[start..][..width * c].chunks_exact(c)).enumerate();
            for (i, (gradient, taken)) in pixels {
                for along in 0..window.kernel {
                    let tap = (down * window.kernel + along) as u8;
                    let out = &mut out[(i * window.stride + along) * c..][..c];
                    for ((out, gradient), taken) in out.iter_mut().zip(gradient).zip(taken) {
                        *out += if *taken == tap { *gradient } else { 0.0 };
                    }
                }
            }
        }
    })
}

impl<B: PoolBackend, C: CheckpointStrategy> PoolBackend for Autodiff<B, C> {
    fn pool(x: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        let prep = Pool.prepare::<C>([x.node()]).compute_bound();
        let source = x.shape().dims();
        match prep.stateful() {
            OpsKind::Tracked(prep) => {
                let (y, indices) = B::pool_indexed(x.into_primitive(), window);
                prep.finish((indices, source, window), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::pool(x.into_primitive(), window)),
        }
    }
}

#[derive(Debug)]
struct Pool;

impl<B: PoolBackend> Backward<B, 1> for Pool {
    type State = (IntTensor<B>, [usize; 4], Window);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (indices, source, window) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            B::pool_gradient(indices, gradient, source, window)
        });
    }
}
