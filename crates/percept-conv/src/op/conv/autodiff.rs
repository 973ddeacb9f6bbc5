//! The backward passes of the convolution.

use std::sync::Arc;

use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::ConvBackend;
use crate::conv::{Activation, Conv};
use crate::op::recorded;
use crate::packs::Packs;

impl<B: ConvBackend, C: CheckpointStrategy> ConvBackend for Autodiff<B, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Conv,
        packs: Option<Arc<Packs>>,
    ) -> FloatTensor<Self> {
        let prep = Convolution.prepare::<C>([x.node(), weight.node(), bias.node()]).compute_bound();
        let run = |packs| {
            B::convolve(
                x.primitive().clone(),
                weight.primitive().clone(),
                bias.primitive().clone(),
                conv,
                packs,
            )
        };
        match prep.stateful() {
            OpsKind::Tracked(prep) => {
                let y = run(packs.clone());
                prep.finish(Kept::new::<C>(&x, &weight, &y, conv, packs), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(run(packs)),
        }
    }

    fn convolve_residual(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node(), residual.node()];
        let y = B::convolve_residual(
            x.primitive().clone(),
            weight.primitive().clone(),
            bias.primitive().clone(),
            residual.into_primitive(),
            conv,
        );
        recorded::<B, C, _, _>(Convolution, nodes, Kept::new::<C>(&x, &weight, &y, conv, None), y)
    }
}

/// What the backward pass of a convolution needs, and no more.
#[derive(Clone, Debug)]
struct Kept<B: Backend> {
    /// Only where the weights are trained.
    x: Option<FloatTensor<B>>,
    weight: FloatTensor<B>,
    /// Only where there is an activation.
    y: Option<FloatTensor<B>>,
    source: [usize; 4],
    conv: Conv,
    packs: Option<Arc<Packs>>,
}

impl<B: Backend> Kept<B> {
    fn new<C: CheckpointStrategy>(
        x: &FloatTensor<Autodiff<B, C>>,
        weight: &FloatTensor<Autodiff<B, C>>,
        y: &FloatTensor<B>,
        conv: Conv,
        packs: Option<Arc<Packs>>,
    ) -> Self {
        Self {
            x: weight.is_tracked().then(|| x.primitive().clone()),
            weight: weight.primitive().clone(),
            y: (conv.activation != Activation::None).then(|| y.clone()),
            source: x.primitive().shape().dims(),
            conv,
            packs,
        }
    }
}

/// Parents: input, weights, bias and, where there is one, the residual.
#[derive(Debug)]
struct Convolution;

impl<B: ConvBackend, const N: usize> Backward<B, N> for Convolution {
    type State = Kept<B>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let Kept { x, weight, y, source, conv, packs } = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let [x_id, weight_id, bias_id, residual_id]: [Option<_>; 4] =
            std::array::from_fn(|i| ops.parents.get(i)?.as_ref().map(|node| node.id));
        let (gradient, y) = match (y, weight_id.or(bias_id).or(residual_id)) {
            (Some(y), Some(_)) => (B::activation_gradient(y, gradient, conv.activation), None),
            (y, _) => (gradient, y),
        };
        if let Some((id, x)) = weight_id.zip(x) {
            grads.register::<B>(id, B::weight_gradient(x, weight.clone(), gradient.clone(), conv));
        }
        if let Some(id) = bias_id {
            grads.register::<B>(id, B::bias_gradient(gradient.clone()));
        }
        if let Some(id) = x_id {
            let gradient = gradient.clone();
            grads.register::<B>(
                id,
                match y {
                    Some(y) => B::input_gradient_through(weight, gradient, y, source, conv, packs),
                    None => B::input_gradient(weight, gradient, source, conv, packs),
                },
            );
        }
        if let Some(id) = residual_id {
            grads.register::<B>(id, gradient);
        }
    }
}
