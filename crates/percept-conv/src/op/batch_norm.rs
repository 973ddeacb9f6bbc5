//! Normalisation of every channel over a batch, with the leaky ReLU behind it.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops},
};
use burn_flex::FlexTensor;

use super::all_reduce::AllReduce;
use super::attention::AttentionBackend;
use super::prelu::PreluBackend;
use super::{by_channel, recorded, tensor};
use crate::kernel::{self, Level};

/// Batch normalisation (Ioffe and Szegedy, ICML 2015) by the statistics of the batch at hand, then a leaky ReLU: every channel
/// of `x` (`[N, H, W, C]`) less its mean over batch and positions, divided by the root of its variance there and `epsilon`,
/// times `weight`, plus `bias` (both `[C]`); what is not positive is multiplied with `slope`, which is positive. Where `all`
/// processes have a part of the batch, the statistics are those of the whole.
///
/// # Panics
/// If the dimensions do not fit together, or `slope` is not positive.
pub fn batch_norm_leaky(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
    slope: f32,
    all: Option<&AllReduce>,
) -> Tensor<4> {
    let [n, h, w, channels] = x.dims();
    let parameters = [weight.dims(), bias.dims()];
    assert!(parameters == [[channels]; 2], "{parameters:?} parameters for {channels} channels");
    assert!(slope > 0.0, "the sign of a result has to tell that of what it was made of");
    // One image of all: its means are those of the batch.
    let x = x.reshape([1, n * h, w, channels]).into_dispatch();
    let [weight, bias] = [weight, bias].map(Tensor::into_dispatch);
    let y =
        Tensor::<4>::from_dispatch(Dispatch::batch_normalised(x, weight, bias, epsilon, slope, all.cloned()));
    y.reshape([n, h, w, channels])
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait BatchNormBackend: AttentionBackend + PreluBackend {
    /// Of one image.
    fn batch_normalised(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
        slope: f32,
        all: Option<AllReduce>,
    ) -> FloatTensor<Self> {
        Kept::<Self>::new([x, weight, bias], epsilon, slope, all).y
    }

    /// `x · factor + onto`; `factor` is `[1, 1, 1, C]`, `x` and `onto` are one image.
    fn image_scaled_onto(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        onto: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::float_add(Self::float_mul(x, factor), onto)
    }
}

#[cfg(feature = "_device")]
impl BatchNormBackend for burn::backend::Cube {}

impl BatchNormBackend for Flex {
    fn image_scaled_onto(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        onto: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [x, factor, onto] = [x, factor, onto].map(|t: FlexTensor| t.to_contiguous());
        let values = kernel::scaled_onto(Level::current(), x.storage(), factor.storage(), onto.storage());
        tensor(values, &x.shape())
    }
}

/// The result, and what its backward pass needs.
#[derive(Clone, Debug)]
struct Kept<B: Backend> {
    /// `x` less its means.
    centred: FloatTensor<B>,
    /// `1 / √(variance + ε)`, `[1, 1, 1, C]`.
    inverse: FloatTensor<B>,
    /// `weight · inverse`, `[1, 1, 1, C]`.
    factor: FloatTensor<B>,
    /// Of the leaky ReLU, `[C]`.
    slopes: FloatTensor<B>,
    y: FloatTensor<B>,
    /// Who have the other parts of the batch.
    all: Option<AllReduce>,
}

impl<B: BatchNormBackend> Kept<B> {
    fn new([x, weight, bias]: [FloatTensor<B>; 3], epsilon: f64, slope: f32, all: Option<AllReduce>) -> Self {
        let count = positions::<B>(&x, all.as_ref());
        let mean = B::float_div_scalar(whole::<B>(B::image_sums(x.clone()), all.as_ref()), count.into());
        let ones = B::float_ones(mean.shape(), &mean.device(), mean.dtype().into());
        let centred = B::image_scaled(x, ones, B::float_neg(mean));
        let squares = whole::<B>(B::image_products(centred.clone(), centred.clone()), all.as_ref());
        let variance = B::float_div_scalar(squares, count.into());
        let inverse = B::float_recip(B::float_sqrt(B::float_add_scalar(variance, epsilon.into())));
        let slopes = B::float_ones(weight.shape(), &weight.device(), weight.dtype().into());
        let slopes = B::float_mul_scalar(slopes, slope.into());
        let factor = B::float_mul(inverse.clone(), by_channel::<B>(weight));
        let normal = B::image_scaled(centred.clone(), factor.clone(), by_channel::<B>(bias));
        let y = B::sloped(normal, slopes.clone());
        Self { centred, inverse, factor, slopes, y, all }
    }

    /// The gradients to `x`, to the weight and to the bias.
    fn gradients(self, gradient: FloatTensor<B>) -> [FloatTensor<B>; 3] {
        let Self { centred, inverse, factor, slopes, y, all } = self;
        let channels = slopes.shape();
        let count = positions::<B>(&centred, all.as_ref());
        // The result has the sign of what the leaky ReLU was applied to.
        let (gradient, _) = B::sloped_gradient(y, slopes, gradient);
        let to_bias = B::image_sums(gradient.clone());
        let to_weight = B::float_mul(B::image_products(gradient.clone(), centred.clone()), inverse.clone());
        // What the means and the variance take back, for every position alike.
        let share = B::float_neg(B::float_div_scalar(factor.clone(), count.into()));
        let [along, shift] = [&to_weight, &to_bias].map(|sum| whole::<B>(sum.clone(), all.as_ref()));
        let along = B::float_mul(B::float_mul(share.clone(), inverse), along);
        let shift = B::float_mul(share, shift);
        let taken = B::image_scaled(centred, along, shift);
        let to_x = B::image_scaled_onto(gradient, factor, taken);
        let flat = |x| B::float_reshape(x, channels.clone());
        [to_x, flat(to_weight), flat(to_bias)]
    }
}

/// Positions of the image `x`, of all processes.
fn positions<B: Backend>(x: &FloatTensor<B>, all: Option<&AllReduce>) -> f64 {
    let [n, h, w, _]: [usize; 4] = x.shape().dims();
    (n * h * w * all.map_or(1, AllReduce::processes)).max(1) as f64
}

/// What this process has the sum of, as the sum over all.
fn whole<B: Backend>(sum: FloatTensor<B>, all: Option<&AllReduce>) -> FloatTensor<B> {
    match all {
        Some(all) => all.sum::<B>(sum),
        None => sum,
    }
}

impl<B: BatchNormBackend, C: CheckpointStrategy> BatchNormBackend for Autodiff<B, C> {
    fn batch_normalised(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
        slope: f32,
        all: Option<AllReduce>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let inputs = [x, weight, bias].map(|t| t.into_primitive());
        let kept = Kept::<B>::new(inputs, epsilon, slope, all);
        let y = kept.y.clone();
        recorded::<B, C, _, _>(BatchNorm, nodes, kept, y)
    }
}

/// Parents: input, weight and bias.
#[derive(Debug)]
struct BatchNorm;

impl<B: BatchNormBackend> Backward<B, 3> for BatchNorm {
    type State = Kept<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let gradients = ops.state.gradients(gradient);
        for (node, value) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<B>(node.id, value);
            }
        }
    }
}
