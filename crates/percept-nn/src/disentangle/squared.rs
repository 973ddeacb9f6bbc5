//! The squared feature distance in the selected space.

use burn::tensor::Tensor;

/// `D_w(ŷ, y) = Σ_l λ_l · mean_nc (w_c δ_nc) / energy_l`, `[1]`.
///
/// `distances` are `δ(ŷ, y)` by tap, `[N, C]`, with the result's gradient; `selected` what the selection makes of them, as
/// [`TapGate::distance`](super::TapGate::distance) has it (`None` is the plain perceptual loss); `energies` the running mean
/// of the squared target features by tap (`[1]`), so that no tap drowns another. With `match_uniform` the selected distance
/// is rescaled to the uniform one's value.
pub fn squared(
    distances: &[Tensor<2>],
    selected: Option<&[Tensor<2>]>,
    energies: &[Tensor<1>],
    layer_weights: &[f64],
    match_uniform: bool,
) -> Tensor<1> {
    let total = |distances: &[Tensor<2>]| {
        let taps = distances.iter().zip(energies).zip(layer_weights);
        let taps = taps.map(|((distance, energy), lambda)| {
            (distance.clone().mean() / energy.clone()).mul_scalar(*lambda)
        });
        let device = || distances.first().map(Tensor::device).unwrap_or_default();
        taps.reduce(|sum, tap| sum + tap).unwrap_or_else(|| Tensor::zeros([1], &device()))
    };
    let loss = total(selected.unwrap_or(distances));
    if selected.is_none() || !match_uniform {
        return loss;
    }
    let ratio = total(distances).detach() / loss.clone().detach().add_scalar(1e-20);
    loss * ratio
}
