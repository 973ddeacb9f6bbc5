//! The contrastive module: what is compared with what.

use burn::tensor::{Tensor, activation};

use super::{Contrast, SelectionConfig};

/// The distances of a triplet by tap, image and channel: `[N, C]` for every tap, all detached.
#[derive(Clone, Debug)]
pub struct TripletDistances {
    /// `δ(ŷ, y)`: what the transformation still has to do.
    pub result_target: Vec<Tensor<2>>,
    /// `δ(x̃, y)`: what the distortion did.
    pub distorted_target: Vec<Tensor<2>>,
    /// `δ(x̃, ŷ)`: what the transformation has done. Only the contrasts within one photo read it.
    pub distorted_result: Option<Vec<Tensor<2>>>,
}

/// A contrast's value and how much of it still pulls.
pub(super) struct Contrasted {
    /// Mean over triplets, `[1]`.
    pub loss: Tensor<1>,
    /// Share of triplets that violate their margin, `[1]`, detached.
    pub active: Tensor<1>,
}

/// `D_w = Σ_l mean_c w_c δ_c / scale_c` by image: `[N]`.
fn weighted(distances: &[Tensor<2>], weights: &[Tensor<1>], scales: &[Tensor<1>]) -> Tensor<1> {
    let taps = distances.iter().zip(weights).zip(scales).map(|((distance, w), scale)| {
        let [n, _] = distance.dims();
        let factor = (w.clone() / scale.clone()).unsqueeze::<2>();
        (distance.clone() * factor).mean_dim(1).reshape([n])
    });
    sum(taps)
}

fn sum(mut terms: impl Iterator<Item = Tensor<1>>) -> Tensor<1> {
    let first = terms.next();
    let first = first.unwrap_or_else(|| Tensor::zeros([1], &burn::tensor::Device::default()));
    terms.fold(first, |total, term| total + term)
}

/// The contrast of `config` in the space of `weights`; `scales` hold what each channel's distance is
/// divided by. Gradient flows to `weights` alone.
///
/// Within one photo: `[D_w(A,P) − D_w(A,N) + m·D_1(x̃,y)]₊`, averaged over images.
/// Across photos: `T·softplus((log D_w(ŷ_i,y_i) − log D_w(x̃_j,y_j) + m) / T)`, averaged over `i ≠ j`.
pub(super) fn contrast(
    config: &SelectionConfig,
    triplet: &TripletDistances,
    weights: &[Tensor<1>],
    scales: &[Tensor<1>],
) -> Option<Contrasted> {
    let result_target = || weighted(&triplet.result_target, weights, scales);
    let distorted_target = || weighted(&triplet.distorted_target, weights, scales);
    let distorted_result = || Some(weighted(triplet.distorted_result.as_ref()?, weights, scales));
    let (near, far) = match config.contrast {
        Contrast::None => return None,
        Contrast::Across => return Some(across(config, result_target(), distorted_target())),
        // Anchor x̃, positive ŷ, negative y.
        Contrast::Literal => (distorted_result()?, distorted_target()),
        // Anchor ŷ, positive y, negative x̃.
        Contrast::Conventional => (result_target(), distorted_result()?),
    };
    let margin = if config.relative_margin {
        let uniform: Vec<_> = weights.iter().map(|w| w.ones_like()).collect();
        weighted(&triplet.distorted_target, &uniform, scales).mul_scalar(config.margin)
    } else {
        near.zeros_like().add_scalar(config.margin)
    };
    let violation = near - far + margin;
    let active = violation.clone().detach().greater_scalar(0.0).float().mean();
    Some(Contrasted { loss: activation::relu(violation).mean(), active })
}

fn across(config: &SelectionConfig, result: Tensor<1>, distorted: Tensor<1>) -> Contrasted {
    const TINY: f64 = 1e-12;
    let [n] = result.dims();
    let near = result.add_scalar(TINY).log().reshape([n, 1]);
    let far = distorted.add_scalar(TINY).log().reshape([1, n]);
    let violation = near - far + config.margin;
    // A photo is never its own negative: within one content nearly every channel satisfies the triplet.
    let others = Tensor::<2>::ones([n, n], &violation.device()) - Tensor::<2>::eye(n, &violation.device());
    let pairs = (n * n - n).max(1) as f64;
    let t = config.temperature;
    let active = (violation.clone().detach().greater_scalar(0.0).float() * others.clone()).sum();
    let soft = activation::softplus(violation.div_scalar(t), 1.0).mul_scalar(t);
    Contrasted { loss: (soft * others).sum().div_scalar(pairs), active: active.div_scalar(pairs) }
}
