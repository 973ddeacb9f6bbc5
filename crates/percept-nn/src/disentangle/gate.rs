//! From free parameters to weights that can neither vanish nor explode.

use burn::tensor::{Tensor, activation};

use super::Gate;

/// Weights `[C]` of parameters `theta` `[C]`.
///
/// With [`Gate::Softmax`] their mean is 1, every weight is at least `floor` and at most
/// `floor + (1 − floor) · C`.
pub fn gate_weights(theta: Tensor<1>, gate: Gate, floor: f64) -> Tensor<1> {
    match gate {
        Gate::Softmax => {
            let channels = theta.dims()[0] as f64;
            activation::softmax(theta, 0).mul_scalar((1.0 - floor) * channels).add_scalar(floor)
        }
        Gate::Softplus => activation::softplus(theta, 1.0),
    }
}

/// Parameters whose weights, before the floor, are `weights` (any positive scale for softmax).
pub(super) fn gate_parameters(weights: &[f32], gate: Gate) -> Vec<f32> {
    const SMALLEST: f32 = 1e-6;
    let invert = |w: &f32| match gate {
        Gate::Softmax => w.max(SMALLEST).ln(),
        Gate::Softplus => w.max(SMALLEST).exp_m1().ln(),
    };
    weights.iter().map(invert).collect()
}

/// Effective number of channels: the exponential of the entropy of `weights / sum`. It is `C` for
/// uniform weights and 1 when one channel has taken everything.
pub fn effective_channels(weights: &[f32]) -> f64 {
    let sum: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    let entropy: f64 =
        weights.iter().map(|&w| f64::from(w) / sum).filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum();
    entropy.exp()
}

/// Entropy of the weights as a share of the largest possible, `[1]`, differentiable.
pub(super) fn relative_entropy(weights: Tensor<1>) -> Tensor<1> {
    let channels = weights.dims()[0] as f64;
    let p = weights.clone() / weights.sum();
    (p.clone() * p.add_scalar(1e-12).log()).sum().neg().div_scalar(channels.max(2.0).ln())
}
