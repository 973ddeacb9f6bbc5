//! The distance of features in the selected space, position by position.

use burn::tensor::Tensor;

/// To what a selected distance is rescaled, so that its gradient differs from the uniform one's in direction and not in size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matched {
    /// To nothing.
    No,
    /// Its sum over the taps, to the uniform one. A selection may still shift weight from tap to tap.
    Sum,
    /// At each tap, to the uniform one.
    Taps,
}

/// `D_w(ŷ, y) = Σ_l λ_l · mean_nc (w_c δ_nc) / scale_l`, `[1]`.
///
/// `distances` are `δ(ŷ, y)` by tap, `[N, C]`, with the result's gradient; `selected` what the selection makes of them, as
/// [`TapGate::distance`](super::TapGate::distance) has it (`None` is the plain perceptual loss); `scales` what each tap is
/// divided by (`[1]`): the running mean square of the target's features, so that no tap drowns another. `matched`
/// says what the selected distance is rescaled to, and how a mean over these images becomes one over the whole batch, where they
/// are a part of it.
pub fn pointwise(
    distances: &[Tensor<2>],
    selected: Option<&[Tensor<2>]>,
    scales: &[Tensor<1>],
    layer_weights: &[f64],
    (matched, whole): (Matched, &dyn Fn(Tensor<1>) -> Tensor<1>),
) -> Tensor<1> {
    let taps = |distances: &[Tensor<2>]| {
        let taps = distances.iter().zip(scales).zip(layer_weights);
        let taps = taps
            .map(|((distance, scale), lambda)| (distance.clone().mean() / scale.clone()).mul_scalar(*lambda));
        taps.collect::<Vec<_>>()
    };
    let device = || distances.first().map(Tensor::device).unwrap_or_default();
    let total = |taps: Vec<Tensor<1>>| {
        taps.into_iter().reduce(|sum, tap| sum + tap).unwrap_or_else(|| Tensor::zeros([1], &device()))
    };
    let Some(selected) = selected.map(taps) else { return total(taps(distances)) };
    match matched {
        Matched::No => total(selected),
        Matched::Sum => rescaled(total(selected), total(taps(distances)), whole),
        Matched::Taps => {
            let matched = selected.into_iter().zip(taps(distances)).map(|(tap, to)| rescaled(tap, to, whole));
            total(matched.collect())
        }
    }
}

/// The loss brought to the value of another by a factor that is a constant.
fn rescaled(loss: Tensor<1>, to: Tensor<1>, whole: &dyn Fn(Tensor<1>) -> Tensor<1>) -> Tensor<1> {
    let ratio = whole(to.detach()) / whole(loss.clone().detach()).add_scalar(1e-20);
    loss * ratio
}
