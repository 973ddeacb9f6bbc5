//! The squared feature distance in the selected space.

use burn::tensor::Tensor;

/// `D_w(ŷ, y) = Σ_l λ_l · mean_nc (w_c δ_nc) / energy_l`, `[1]`.
///
/// `distances` are `δ(ŷ, y)` by tap, `[N, C]`, with the result's gradient; `gates` the channel weights by
/// tap (`[C]`, constants; `None` is the plain perceptual loss); `energies` the running mean of the squared
/// target features by tap (`[1]`), so that no tap drowns another. With `match_uniform` the selected
/// distance is rescaled to the uniform one's value.
pub fn squared(
    distances: &[Tensor<2>],
    gates: Option<&[Tensor<1>]>,
    energies: &[Tensor<1>],
    layer_weights: &[f64],
    match_uniform: bool,
) -> Tensor<1> {
    let total = |gates: Option<&[Tensor<1>]>| {
        let taps = distances.iter().zip(energies).zip(layer_weights).enumerate().map(
            |(tap, ((distance, energy), lambda))| {
                let distance = match gates.and_then(|gates| gates.get(tap)) {
                    Some(gate) => distance.clone() * gate.clone().unsqueeze::<2>(),
                    None => distance.clone(),
                };
                (distance.mean() / energy.clone()).mul_scalar(*lambda)
            },
        );
        taps.reduce(|sum, tap| sum + tap)
    };
    let device = || distances.first().map(Tensor::device).unwrap_or_default();
    let selected = total(gates).unwrap_or_else(|| Tensor::zeros([1], &device()));
    match (gates, match_uniform) {
        (Some(_), true) => {
            let uniform = total(None).unwrap_or_else(|| Tensor::zeros([1], &device())).detach();
            let ratio = uniform / selected.clone().detach().add_scalar(1e-20);
            selected * ratio
        }
        _ => selected,
    }
}
