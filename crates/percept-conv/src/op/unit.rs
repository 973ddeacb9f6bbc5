//! Feature vectors at unit length: themselves, and how far two are apart.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Shape, Tensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, binary, unary},
};
use burn_flex::FlexTensor;

use super::{by_channel, recorded, tensor};
use crate::kernel::{Level, Vectors};

/// Every vector along the last dimension divided by its length: `[N, P, C]`. `epsilon` is added to the squared
/// length, so that the gradient at a zero vector is finite.
pub fn unit(x: Tensor<3>, epsilon: f64) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::unit(x.into_dispatch(), epsilon))
}

/// `Σ_c w_c (â_c − b̂_c)²` at every position, with the vectors along the last dimension at [unit](unit()) length:
/// two `[N, H, W, C]` → `[N, H, W]`. `weight` is `[C]`, a constant; gradients flow to `a` and `b`.
///
/// # Panics
/// If the dimensions do not fit together.
pub fn unit_distance(a: Tensor<4>, b: Tensor<4>, weight: Tensor<1>, epsilon: f64) -> Tensor<3> {
    let [n, h, w, c] = a.dims();
    assert!([n, h, w, c] == b.dims(), "a distance between {:?} and {:?}", a.dims(), b.dims());
    assert!([c] == weight.dims(), "{:?} weights for {c} channels", weight.dims());
    let [a, b] = [a, b].map(Tensor::into_dispatch);
    Tensor::<3>::from_dispatch(Dispatch::unit_distance(a, b, weight.into_dispatch(), epsilon))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait UnitBackend: Backend {
    /// Along the last dimension.
    fn unit(x: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        let inverse = inverse::<Self>(x.clone(), epsilon);
        Self::float_mul(x, inverse)
    }

    /// The gradient of `unit` to `x`.
    fn unit_gradient(x: FloatTensor<Self>, gradient: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        let last = x.shape().num_dims() - 1;
        let inverse = inverse::<Self>(x.clone(), epsilon);
        let y = Self::float_mul(x, inverse.clone());
        let along = Self::float_sum_dim(Self::float_mul(y.clone(), gradient.clone()), last);
        Self::float_mul(Self::float_sub(gradient, Self::float_mul(y, along)), inverse)
    }

    fn unit_distance(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let [n, h, w, _] = a.shape().dims();
        let apart = Self::float_sub(Self::unit(a, epsilon), Self::unit(b, epsilon));
        let terms = Self::float_mul(Self::float_mul(apart.clone(), apart), by_channel::<Self>(weight));
        Self::float_reshape(Self::float_sum_dim(terms, 3), Shape::from([n, h, w]))
    }

    /// The gradient of `unit_distance` to `a`; that to `b` is the same with the two exchanged.
    fn unit_distance_gradient(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let [n, h, w, _] = a.shape().dims();
        let apart = Self::float_sub(Self::unit(a.clone(), epsilon), Self::unit(b, epsilon));
        let weight = Self::float_mul_scalar(by_channel::<Self>(weight), 2.0.into());
        let gradient = Self::float_reshape(gradient, Shape::from([n, h, w, 1]));
        Self::unit_gradient(a, Self::float_mul(Self::float_mul(apart, weight), gradient), epsilon)
    }
}

#[cfg(feature = "_device")]
impl UnitBackend for burn::backend::Cube {}

/// `1 / √(Σ x² + ε)` along the last dimension.
fn inverse<B: Backend>(x: FloatTensor<B>, epsilon: f64) -> FloatTensor<B> {
    let last = x.shape().num_dims() - 1;
    let square = B::float_sum_dim(B::float_mul(x.clone(), x), last);
    B::float_recip(B::float_sqrt(B::float_add_scalar(square, epsilon.into())))
}

impl UnitBackend for Flex {
    fn unit(x: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        let x = x.to_contiguous();
        tensor(vectors(&x, epsilon).unit(Level::current(), x.storage()), &x.shape())
    }

    fn unit_gradient(x: FloatTensor<Self>, gradient: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        let (x, gradient) = (x.to_contiguous(), gradient.to_contiguous());
        let vectors = vectors(&x, epsilon);
        tensor(vectors.unit_gradient(Level::current(), x.storage(), gradient.storage()), &x.shape())
    }

    fn unit_distance(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let [a, b, weight] = [a, b, weight].map(|t: FlexTensor| t.to_contiguous());
        let pair = [&a, &b].map(FlexTensor::storage::<f32>);
        let values = vectors(&a, epsilon).distance(Level::current(), pair, weight.storage());
        let [n, h, w, _] = a.shape().dims();
        tensor(values, &[n, h, w])
    }

    fn unit_distance_gradient(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let [a, b, weight, gradient] = [a, b, weight, gradient].map(|t: FlexTensor| t.to_contiguous());
        let pair = [&a, &b].map(FlexTensor::storage::<f32>);
        let vectors = vectors(&a, epsilon);
        let values = vectors.distance_gradient(Level::current(), pair, weight.storage(), gradient.storage());
        tensor(values, &a.shape())
    }
}

fn vectors(x: &FlexTensor, epsilon: f64) -> Vectors {
    let shape = x.shape();
    Vectors { channels: shape[shape.num_dims() - 1].max(1), epsilon: epsilon as f32 }
}

impl<B: UnitBackend, C: CheckpointStrategy> UnitBackend for Autodiff<B, C> {
    fn unit(x: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let x = x.into_primitive();
        let y = B::unit(x.clone(), epsilon);
        recorded::<B, C, _, _>(Unit, nodes, (x, epsilon), y)
    }

    fn unit_distance(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let nodes = [a.node(), b.node()];
        let [a, b, weight] = [a, b, weight].map(|t| t.into_primitive());
        let y = B::unit_distance(a.clone(), b.clone(), weight.clone(), epsilon);
        recorded::<B, C, _, _>(UnitDistance, nodes, (a, b, weight, epsilon), y)
    }
}

#[derive(Debug)]
struct Unit;

impl<B: UnitBackend> Backward<B, 1> for Unit {
    type State = (FloatTensor<B>, f64);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, epsilon) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| B::unit_gradient(x, gradient, epsilon));
    }
}

#[derive(Debug)]
struct UnitDistance;

impl<B: UnitBackend> Backward<B, 2> for UnitDistance {
    type State = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>, f64);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (a, b, weight, epsilon) = ops.state;
        let to = |one: &FloatTensor<B>, other: &FloatTensor<B>| {
            let (one, other, weight) = (one.clone(), other.clone(), weight.clone());
            move |gradient| B::unit_distance_gradient(one, other, weight, gradient, epsilon)
        };
        binary::<B, _, _>(ops.parents, ops.node, grads, to(&a, &b), to(&b, &a));
    }
}
