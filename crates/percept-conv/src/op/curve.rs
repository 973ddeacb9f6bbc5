//! Functions of single numbers that need powers of e, each in one pass.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};

use super::{recorded, tensor};
use crate::kernel::{self, Curve, Level, SigmoidGate};

/// `σ(x) = 1 / (1 + e⁻ˣ)` of every number.
pub fn sigmoid(x: Tensor<4>) -> Tensor<4> {
    along(x, Curve::Sigmoid)
}

/// `x · σ(x)` of every number: SiLU, or Swish (Elfwing et al., arXiv 1702.03118).
pub fn silu(x: Tensor<4>) -> Tensor<4> {
    along(x, Curve::Silu)
}

/// `x · tanh(ln(1 + eˣ))` of every number (Misra, arXiv 1908.08681).
pub fn mish(x: Tensor<4>) -> Tensor<4> {
    along(x, Curve::Mish)
}

fn along(x: Tensor<4>, curve: Curve) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::along(x.into_dispatch(), curve))
}

/// `x · σ(by)`, number by number.
///
/// # Panics
/// If the dimensions differ.
pub fn sigmoid_gate(x: Tensor<4>, by: Tensor<4>) -> Tensor<4> {
    gated(x, by, SigmoidGate { own: 0.0, shift: 0.0 })
}

/// `(x + by) · (σ(by) − ½)`, number by number: the attention without parameters of SPAN (arXiv 2311.12770).
///
/// # Panics
/// If the dimensions differ.
pub fn odd_gate(x: Tensor<4>, by: Tensor<4>) -> Tensor<4> {
    gated(x, by, SigmoidGate { own: 1.0, shift: 0.5 })
}

fn gated(x: Tensor<4>, by: Tensor<4>, gate: SigmoidGate) -> Tensor<4> {
    let dims = [x.dims(), by.dims()];
    assert!(dims[0] == dims[1], "a gate of {:?} by {:?}", dims[0], dims[1]);
    let [x, by] = [x, by].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::sigmoid_gated(x, by, gate))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait CurveBackend: Backend {
    fn along(x: FloatTensor<Self>, curve: Curve) -> FloatTensor<Self> {
        match curve {
            Curve::Sigmoid => Self::sigmoid(x),
            Curve::Silu => Self::float_mul(x.clone(), Self::sigmoid(x)),
            Curve::Mish => Self::float_mul(x.clone(), tanh_softplus::<Self>(x)),
        }
    }

    /// `gradient` times the slope of the curve at `x`.
    fn along_gradient(x: FloatTensor<Self>, gradient: FloatTensor<Self>, curve: Curve) -> FloatTensor<Self> {
        let sigmoid = Self::sigmoid(x.clone());
        // σ'(x) = σ(x) − σ(x)².
        let steep = |sigmoid: FloatTensor<Self>| {
            Self::float_sub(sigmoid.clone(), Self::float_mul(sigmoid.clone(), sigmoid))
        };
        let slope = match curve {
            Curve::Sigmoid => steep(sigmoid),
            Curve::Silu => Self::float_add(sigmoid.clone(), Self::float_mul(x, steep(sigmoid))),
            Curve::Mish => {
                let value = tanh_softplus::<Self>(x.clone());
                let square = Self::float_mul(value.clone(), value.clone());
                // What tanh gives back is 1 − tanh².
                let rest = Self::float_sub(sigmoid.clone(), Self::float_mul(sigmoid, square));
                Self::float_add(value, Self::float_mul(x, rest))
            }
        };
        Self::float_mul(gradient, slope)
    }

    fn sigmoid_gated(x: FloatTensor<Self>, by: FloatTensor<Self>, gate: SigmoidGate) -> FloatTensor<Self> {
        let factor = Self::float_sub_scalar(Self::sigmoid(by.clone()), gate.shift.into());
        Self::float_mul(beside::<Self>(x, by, gate), factor)
    }

    /// The gradients of `sigmoid_gated` to `x` and to `by`.
    fn sigmoid_gated_gradient(
        x: FloatTensor<Self>,
        by: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        gate: SigmoidGate,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let to_x = Self::sigmoid_gated(gradient.clone(), by.clone(), SigmoidGate { own: 0.0, ..gate });
        let outer = Self::float_mul(beside::<Self>(x, by.clone(), gate), gradient);
        let to_by = Self::along_gradient(by, outer, Curve::Sigmoid);
        (to_x.clone(), Self::float_add(to_by, Self::float_mul_scalar(to_x, gate.own.into())))
    }
}

/// `x + own · by`.
fn beside<B: Backend>(x: FloatTensor<B>, by: FloatTensor<B>, gate: SigmoidGate) -> FloatTensor<B> {
    B::float_add(x, B::float_mul_scalar(by, gate.own.into()))
}

/// `tanh(ln(1 + eˣ))`; `ln(1 + eˣ) = x₊ + ln(1 + e⁻|ˣ|)`.
fn tanh_softplus<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let small = B::float_log1p(B::float_exp(B::float_neg(B::float_abs(x.clone()))));
    B::float_tanh(B::float_add(B::relu(x), small))
}

#[cfg(feature = "_device")]
impl CurveBackend for burn::backend::Cube {}

impl CurveBackend for Flex {
    fn along(x: FloatTensor<Self>, curve: Curve) -> FloatTensor<Self> {
        let x = x.to_contiguous();
        tensor(kernel::curved(Level::current(), curve, x.storage()), &x.shape())
    }

    fn along_gradient(x: FloatTensor<Self>, gradient: FloatTensor<Self>, curve: Curve) -> FloatTensor<Self> {
        let (x, gradient) = (x.to_contiguous(), gradient.to_contiguous());
        tensor(kernel::curved_gradient(Level::current(), curve, x.storage(), gradient.storage()), &x.shape())
    }

    fn sigmoid_gated(x: FloatTensor<Self>, by: FloatTensor<Self>, gate: SigmoidGate) -> FloatTensor<Self> {
        let (x, by) = (x.to_contiguous(), by.to_contiguous());
        tensor(kernel::sigmoid_gated(Level::current(), x.storage(), by.storage(), gate), &x.shape())
    }

    fn sigmoid_gated_gradient(
        x: FloatTensor<Self>,
        by: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        gate: SigmoidGate,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (x, by, gradient) = (x.to_contiguous(), by.to_contiguous(), gradient.to_contiguous());
        let sources = [x.storage(), by.storage()];
        let gradients = kernel::sigmoid_gated_gradient(Level::current(), sources, gradient.storage(), gate);
        gradients.map(|values| tensor(values, &x.shape())).into()
    }
}

impl<B: CurveBackend, C: CheckpointStrategy> CurveBackend for Autodiff<B, C> {
    fn along(x: FloatTensor<Self>, curve: Curve) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let x = x.into_primitive();
        let y = B::along(x.clone(), curve);
        recorded::<B, C, _, _>(Along, nodes, (x, curve), y)
    }

    fn sigmoid_gated(x: FloatTensor<Self>, by: FloatTensor<Self>, gate: SigmoidGate) -> FloatTensor<Self> {
        let nodes = [x.node(), by.node()];
        let (x, by) = (x.into_primitive(), by.into_primitive());
        let y = B::sigmoid_gated(x.clone(), by.clone(), gate);
        recorded::<B, C, _, _>(Gated, nodes, (x, by, gate), y)
    }
}

#[derive(Debug)]
struct Along;

impl<B: CurveBackend> Backward<B, 1> for Along {
    type State = (FloatTensor<B>, Curve);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, curve) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| B::along_gradient(x, gradient, curve));
    }
}

/// Parents: what is gated, and by what.
#[derive(Debug)]
struct Gated;

impl<B: CurveBackend> Backward<B, 2> for Gated {
    type State = (FloatTensor<B>, FloatTensor<B>, SigmoidGate);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (x, by, gate) = ops.state;
        let (to_x, to_by) = B::sigmoid_gated_gradient(x, by, gradient, gate);
        for (node, value) in ops.parents.into_iter().zip([to_x, to_by]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, value);
            }
        }
    }
}
