//! Squared distance of two feature maps by channel.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Shape, Tensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, binary},
};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::{recorded, tensor};
use crate::kernel::filled;

/// Mean squared difference over the positions, by image and channel: two `[N, H, W, C]` → `[N, C]`.
///
/// # Panics
/// If the dimensions differ.
pub fn channel_distance(a: Tensor<4>, b: Tensor<4>) -> Tensor<2> {
    assert!(a.dims() == b.dims(), "a distance between {:?} and {:?}", a.dims(), b.dims());
    Tensor::from_dispatch(Dispatch::distance(a.into_dispatch(), b.into_dispatch()))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait DistanceBackend: Backend {
    fn distance(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let [n, _, _, c] = a.shape().dims();
        let difference = Self::float_sub(a, b);
        let square = Self::float_mul(difference.clone(), difference);
        let mean = Self::float_mean_dim(Self::float_mean_dim(square, 1), 2);
        Self::float_reshape(mean, Shape::from([n, c]))
    }

    /// The gradient to `a`; that to `b` is the same with the two exchanged.
    fn distance_gradient(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [n, h, w, c] = a.shape().dims();
        let scale = 2.0 / (h * w).max(1) as f32;
        let gradient = Self::float_reshape(gradient, Shape::from([n, 1, 1, c]));
        let gradient = Self::float_mul_scalar(gradient, scale.into());
        Self::float_mul(Self::float_sub(a, b), gradient)
    }
}

#[cfg(feature = "_device")]
impl DistanceBackend for burn::backend::Cube {}

/// Pixels whose squares are summed in single precision, before these sums are added in double.
const RUN: usize = 64;

impl DistanceBackend for Flex {
    fn distance(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let [n, h, w, c] = a.shape().dims();
        let (a, b) = (a.to_contiguous(), b.to_contiguous());
        let image = h * w * c;
        let part = (h * w).div_ceil(8).max(1) * c.max(1);
        let (a, b): (&[f32], &[f32]) = (a.storage(), b.storage());
        let values = (0..n).flat_map(|i| {
            let [a, b] = [a, b].map(|all| &all[i * image..][..image]);
            let parts: Vec<_> =
                a.par_chunks(part).zip(b.par_chunks(part)).map(|(a, b)| squares(a, b, c)).collect();
            let total = |channel: usize| parts.iter().map(|part: &Vec<f64>| part[channel]).sum::<f64>();
            (0..c).map(move |channel| (total(channel) / (h * w) as f64) as f32).collect::<Vec<_>>()
        });
        tensor(values.collect(), &[n, c])
    }

    fn distance_gradient(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [n, h, w, c] = a.shape().dims();
        let [a, b, gradient] = [a, b, gradient].map(|t: FlexTensor| t.to_contiguous());
        let [a, b, gradient] = [&a, &b, &gradient].map(FlexTensor::storage::<f32>);
        let line = w * c;
        let scale = 2.0 / (h * w).max(1) as f32;
        let values = filled(n * h * line, line, |y, out| {
            let [a, b] = [a, b].map(|all| &all[y * line..][..line]);
            let factors: Vec<f32> = gradient[y / h * c..][..c].iter().map(|g| g * scale).collect();
            let pixels = out.chunks_exact_mut(c).zip(a.chunks_exact(c).zip(b.chunks_exact(c)));
            for (out, (a, b)) in pixels {
                for (((out, a), b), factor) in out.iter_mut().zip(a).zip(b).zip(&factors) {
                    *out = (a - b) * factor;
                }
            }
        });
        tensor(values, &[n, h, w, c])
    }
}

/// Sums of the squared differences by channel.
fn squares(a: &[f32], b: &[f32], channels: usize) -> Vec<f64> {
    let mut total = vec![0.0; channels];
    let mut sums = vec![0.0f32; channels];
    for (a, b) in a.chunks(RUN * channels).zip(b.chunks(RUN * channels)) {
        sums.fill(0.0);
        for (a, b) in a.chunks_exact(channels).zip(b.chunks_exact(channels)) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += (a - b) * (a - b);
            }
        }
        total.iter_mut().zip(&sums).for_each(|(total, sum)| *total += f64::from(*sum));
    }
    total
}

impl<B: DistanceBackend, C: CheckpointStrategy> DistanceBackend for Autodiff<B, C> {
    fn distance(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [a.node(), b.node()];
        let (a, b) = (a.into_primitive(), b.into_primitive());
        let y = B::distance(a.clone(), b.clone());
        recorded::<B, C, _, _>(Distance, nodes, (a, b), y)
    }
}

#[derive(Debug)]
struct Distance;

impl<B: DistanceBackend> Backward<B, 2> for Distance {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (a, b) = ops.state;
        let to = |one: &FloatTensor<B>, other: &FloatTensor<B>| {
            let (one, other) = (one.clone(), other.clone());
            move |gradient| B::distance_gradient(one, other, gradient)
        };
        binary::<B, _, _>(ops.parents, ops.node, grads, to(&a, &b), to(&b, &a));
    }
}
