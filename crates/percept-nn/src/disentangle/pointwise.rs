//! The distance of features in the selected space, position by position.

use burn::tensor::Tensor;

/// `D_w(ŷ, y) = Σ_l λ_l · mean_nc (w_c δ_nc) / scale_l`, `[1]`.
///
/// `distances` are `δ(ŷ, y)` by tap, `[N, C]`, with the result's gradient; `selected` what the selection makes of them, as
/// [`TapGate::distance`](super::TapGate::distance) has it (`None` is the plain perceptual loss); `scales` what each tap is
/// divided by (`[1]`): the running mean square of the target's features, so that no tap drowns another. With `match_uniform` the selected distance
/// is rescaled to the uniform one's value.
pub fn pointwise(
    distances: &[Tensor<2>],
    selected: Option<&[Tensor<2>]>,
    scales: &[Tensor<1>],
    layer_weights: &[f64],
    match_uniform: bool,
) -> Tensor<1> {
    let total = |distances: &[Tensor<2>]| {
        let taps = distances.iter().zip(scales).zip(layer_weights);
        let taps = taps
            .map(|((distance, scale), lambda)| (distance.clone().mean() / scale.clone()).mul_scalar(*lambda));
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
