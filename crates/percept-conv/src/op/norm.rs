//! Normalisation of every pixel over its channels.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops},
};
use burn_flex::FlexTensor;

use super::{by_channel, recorded, tensor};
use crate::kernel::{Level, Norm};

/// Every pixel of `x` (`[N, H, W, C]`) less its mean, divided by the root of its variance and `epsilon`, times
/// `weight`, plus `bias` (both `[C]`).
///
/// # Panics
/// If the dimensions do not fit together.
pub fn layer_norm(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<4> {
    let channels = [x.dims()[3]];
    let parameters = [weight.dims(), bias.dims()];
    assert!(parameters == [channels; 2], "{parameters:?} parameters for {channels:?} channels");
    let [weight, bias] = [weight, bias].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::normalise(x.into_dispatch(), weight, bias, epsilon))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait NormBackend: Backend {
    fn normalise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let (unit, _) = normalised::<Self>(x, epsilon);
        Self::float_add(Self::float_mul(unit, by_channel::<Self>(weight)), by_channel::<Self>(bias))
    }

    /// The gradients to `x`, to the weight and to the bias.
    fn normalise_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let channels = weight.shape();
        let sum = |x| Self::float_reshape(Self::float_sum_dims(x, &[0, 1, 2]), channels.clone());
        let (unit, inverse) = normalised::<Self>(x, epsilon);
        let to_weight = sum(Self::float_mul(gradient.clone(), unit.clone()));
        let to_bias = sum(gradient.clone());
        let weighted = Self::float_mul(gradient, by_channel::<Self>(weight));
        let along = Self::float_mean_dim(Self::float_mul(weighted.clone(), unit.clone()), 3);
        let level = Self::float_mean_dim(weighted.clone(), 3);
        let rest = Self::float_sub(Self::float_sub(weighted, level), Self::float_mul(unit, along));
        (Self::float_mul(rest, inverse), to_weight, to_bias)
    }
}

#[cfg(feature = "_device")]
impl NormBackend for burn::backend::Cube {}

/// The normalised pixels, and what each was multiplied with.
fn normalised<B: Backend>(x: FloatTensor<B>, epsilon: f64) -> (FloatTensor<B>, FloatTensor<B>) {
    let centred = B::float_sub(x.clone(), B::float_mean_dim(x, 3));
    let variance = B::float_mean_dim(B::float_mul(centred.clone(), centred.clone()), 3);
    let inverse = B::float_recip(B::float_sqrt(B::float_add_scalar(variance, epsilon.into())));
    (B::float_mul(centred, inverse.clone()), inverse)
}

impl NormBackend for Flex {
    fn normalise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let [x, weight, bias] = [x, weight, bias].map(|t: FlexTensor| t.to_contiguous());
        let norm = Norm { x: x.storage(), weight: weight.storage(), epsilon: epsilon as f32 };
        tensor(norm.forward(Level::current(), bias.storage()), &x.shape())
    }

    fn normalise_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [x, weight, gradient] = [x, weight, gradient].map(|t: FlexTensor| t.to_contiguous());
        let norm = Norm { x: x.storage(), weight: weight.storage(), epsilon: epsilon as f32 };
        let [to_x, to_weight, to_bias] = norm.gradient(Level::current(), gradient.storage());
        let channels = weight.shape();
        (tensor(to_x, &x.shape()), tensor(to_weight, &channels), tensor(to_bias, &channels))
    }
}

impl<B: NormBackend, C: CheckpointStrategy> NormBackend for Autodiff<B, C> {
    fn normalise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let [x, weight, bias] = [x, weight, bias].map(|t| t.into_primitive());
        let y = B::normalise(x.clone(), weight.clone(), bias, epsilon);
        recorded::<B, C, _, _>(Normalise, nodes, (x, weight, epsilon), y)
    }
}

/// Parents: input, weight and bias.
#[derive(Debug)]
struct Normalise;

impl<B: NormBackend> Backward<B, 3> for Normalise {
    type State = (FloatTensor<B>, FloatTensor<B>, f64);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (x, weight, epsilon) = ops.state;
        let (to_x, to_weight, to_bias) = B::normalise_gradient(x, weight, gradient, epsilon);
        for (node, value) in ops.parents.into_iter().zip([to_x, to_weight, to_bias]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, value);
            }
        }
    }
}
