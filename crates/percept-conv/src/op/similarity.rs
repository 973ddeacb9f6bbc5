//! The similarity of the contextual loss.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Shape, Tensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};

use super::{recorded, tensor};
use crate::kernel::{self, Cosines, Level, NEAREST_EPSILON};

/// `CX` of Mechrez, Talmi, Zelnik-Manor, *The Contextual Loss for Image Transformation with Non-Aligned Data*,
/// ECCV 2018, by image: cosines between result and target positions, `[N, P, Q]` → `[N]`, each in `(0, 1]`.
///
/// Cosine distances are divided by that to the nearest target position and become similarities through `bandwidth`
/// (`h`, above 0), which add up to 1 for each result position; every target position takes its largest one,
/// and `CX` is their mean. The gradient goes to the first of equals on the CPU, elsewhere to all of them.
///
/// # Panics
/// Without a position.
pub fn contextual_similarity(cosines: Tensor<3>, bandwidth: f64) -> Tensor<1> {
    let [_, rows, columns] = cosines.dims();
    assert!(rows * columns > 0, "similarity of {rows} and {columns} positions");
    Tensor::from_dispatch(Dispatch::similarity(cosines.into_dispatch(), bandwidth))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait SimilarityBackend: Backend {
    fn similarity(cosines: FloatTensor<Self>, bandwidth: f64) -> FloatTensor<Self> {
        let similarities = Similarities::<Self>::new(cosines, bandwidth);
        let [images, ..]: [usize; 3] = similarities.best.shape().dims();
        Self::float_reshape(Self::float_mean_dim(similarities.best, 2), Shape::from([images]))
    }

    /// The gradient to the cosines.
    fn similarity_gradient(
        cosines: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        bandwidth: f64,
    ) -> FloatTensor<Self> {
        Similarities::<Self>::new(cosines, bandwidth).gradient(gradient)
    }
}

#[cfg(feature = "_device")]
impl SimilarityBackend for burn::backend::Cube {}

/// Similarity by Burn's own operations, for every device.
struct Similarities<B: Backend> {
    cosines: FloatTensor<B>,
    distance: FloatTensor<B>,
    nearest: FloatTensor<B>,
    /// `1 / (nearest + ε)`.
    inverse: FloatTensor<B>,
    similarity: FloatTensor<B>,
    best: FloatTensor<B>,
    bandwidth: f64,
}

impl<B: Backend> Similarities<B> {
    fn new(cosines: FloatTensor<B>, bandwidth: f64) -> Self {
        let distance =
            B::float_mul_scalar(B::float_add_scalar(cosines.clone(), (-1.0).into()), (-0.5).into());
        let distance = B::float_clamp_min(distance, 0.0.into());
        let nearest = B::float_min_dim(distance.clone(), 2);
        let inverse = B::float_recip(B::float_add_scalar(nearest.clone(), NEAREST_EPSILON.into()));
        let exponent = B::float_mul(B::float_sub(nearest.clone(), distance.clone()), inverse.clone());
        let power = B::float_exp(B::float_div_scalar(exponent, bandwidth.into()));
        let similarity = B::float_div(power.clone(), B::float_sum_dim(power, 2));
        let best = B::float_max_dim(similarity.clone(), 1);
        Self { cosines, distance, nearest, inverse, similarity, best, bandwidth }
    }

    fn gradient(self, gradient: FloatTensor<B>) -> FloatTensor<B> {
        let Self { cosines, distance, nearest, inverse, similarity, best, bandwidth } = self;
        let [images, _, columns]: [usize; 3] = cosines.shape().dims();
        // 1 where `value` is not above 0, and 0 where it is.
        let not_above = |value| B::float_add_scalar(B::float_neg(B::float_sign(B::relu(value))), 1.0.into());
        let share = B::float_reshape(
            B::float_div_scalar(gradient, (columns as f64).into()),
            Shape::from([images, 1, 1]),
        );
        let won = B::float_mul(not_above(B::float_sub(best, similarity.clone())), share);
        let gain = B::float_mul(won, similarity.clone());
        let inner = B::float_sum_dim(gain.clone(), 2);
        let step = B::float_sub(gain, B::float_mul(similarity, inner));
        let scale = B::float_div_scalar(inverse.clone(), bandwidth.into());
        let pull = B::float_sum_dim(B::float_mul(step.clone(), distance.clone()), 2);
        let pull = B::float_mul(B::float_mul(pull, scale.clone()), inverse);
        let at = not_above(B::float_sub(distance, nearest));
        let direct = B::float_sub(B::float_mul(step, scale), B::float_mul(at, pull));
        let inside = not_above(B::float_add_scalar(cosines, (-1.0).into()));
        B::float_mul(B::float_mul_scalar(direct, 0.5.into()), inside)
    }
}

impl SimilarityBackend for Flex {
    fn similarity(cosines: FloatTensor<Self>, bandwidth: f64) -> FloatTensor<Self> {
        let size: [usize; 3] = cosines.shape().dims();
        let cosines = cosines.to_contiguous();
        let cosines = Cosines { values: cosines.storage(), size, bandwidth: bandwidth as f32 };
        tensor(kernel::similarity(Level::current(), cosines), &[size[0]])
    }

    fn similarity_gradient(
        cosines: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        bandwidth: f64,
    ) -> FloatTensor<Self> {
        let size: [usize; 3] = cosines.shape().dims();
        let (cosines, gradient) = (cosines.to_contiguous(), gradient.to_contiguous());
        let cosines = Cosines { values: cosines.storage(), size, bandwidth: bandwidth as f32 };
        tensor(kernel::similarity_gradient(Level::current(), cosines, gradient.storage()), &size)
    }
}

impl<B: SimilarityBackend, C: CheckpointStrategy> SimilarityBackend for Autodiff<B, C> {
    fn similarity(cosines: FloatTensor<Self>, bandwidth: f64) -> FloatTensor<Self> {
        let nodes = [cosines.node()];
        let cosines = cosines.into_primitive();
        let y = B::similarity(cosines.clone(), bandwidth);
        recorded::<B, C, _, _>(Similarity, nodes, (cosines, bandwidth), y)
    }
}

#[derive(Debug)]
struct Similarity;

impl<B: SimilarityBackend> Backward<B, 1> for Similarity {
    type State = (FloatTensor<B>, f64);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (cosines, bandwidth) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            B::similarity_gradient(cosines, gradient, bandwidth)
        });
    }
}

#[cfg(test)]
mod tests {
    use burn::backend::ops::FloatTensorOps;

    use super::*;

    /// Cosines without order and without equals.
    fn cosines(size: [usize; 3]) -> Vec<f32> {
        (0..size.iter().product()).map(|i: usize| (i as f32 * 12.9898).sin() * 0.9).collect()
    }

    fn assert_close(a: &[f32], b: &[f32]) {
        let largest = b.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            assert!((a - b).abs() <= 2e-5 * largest, "{i}: {a} for {b}");
        }
        assert_eq!(a.len(), b.len());
    }

    #[test]
    fn kernels_of_all_levels_equal_burns_operations() {
        for size in [[2, 7, 5], [1, 1, 1], [1, 130, 33], [3, 17, 64]] {
            let values = cosines(size);
            let gradient: Vec<f32> = (0..size[0]).map(|image| 1.0 - 0.7 * image as f32).collect();
            let expected = Similarities::<Flex>::new(tensor(values.clone(), &size), 0.5);
            let best = expected.best.clone();
            let expected = expected.gradient(tensor(gradient.clone(), &[size[0]])).to_contiguous();
            let mean = Flex::float_mean_dim(best, 2).to_contiguous();
            for level in Level::available() {
                let cosines = Cosines { values: &values, size, bandwidth: 0.5 };
                assert_close(&kernel::similarity(level, cosines), mean.storage());
                assert_close(&kernel::similarity_gradient(level, cosines, &gradient), expected.storage());
            }
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let size = [2, 300, 70];
        let values = cosines(size);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let cosines = Cosines { values: &values, size, bandwidth: 0.5 };
            pool.install(|| kernel::similarity_gradient(Level::current(), cosines, &[1.0, -2.0]))
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn not_a_number_comes_through() {
        let size = [1, 40, 20];
        let mut values = cosines(size);
        values[333] = f32::NAN;
        let cosines = Cosines { values: &values, size, bandwidth: 0.5 };
        assert!(kernel::similarity(Level::current(), cosines)[0].is_nan());
        let gradient = kernel::similarity_gradient(Level::current(), cosines, &[1.0]);
        assert!(gradient.iter().any(|value| value.is_nan()));
    }

    #[test]
    fn equal_positions_are_perfectly_similar() {
        let size = [1, 64, 64];
        let values: Vec<f32> = (0..64 * 64).map(|i| if i / 64 == i % 64 { 1.0 } else { 0.1 }).collect();
        let cosines = Cosines { values: &values, size, bandwidth: 0.5 };
        assert_eq!(kernel::similarity(Level::current(), cosines), [1.0]);
        let gradient = kernel::similarity_gradient(Level::current(), cosines, &[1.0]);
        assert!(gradient.iter().all(|value| value.is_finite()));
    }
}
