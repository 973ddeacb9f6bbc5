//! Constants of a frozen network.

use burn::tensor::Tensor;

/// `value`, which lives on a plain device, in the autodiff context of `like` and without a gradient.
pub(crate) fn constant<const D: usize, const L: usize>(value: &Tensor<D>, like: &Tensor<L>) -> Tensor<D> {
    let value = value.clone();
    match like.gradient_checkpointing_strategy() {
        Some(strategy) => value.autodiff().with_gradient_checkpointing_strategy(strategy),
        None => value,
    }
}
