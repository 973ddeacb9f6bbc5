//! The contrastive module: what is compared with what, and the triplet's loss.

use burn::tensor::{Tensor, activation};

use super::{Contrast, TripletConfig};

/// The distances of a triplet by tap, image and channel: `[N, C]` for every tap, all detached. For a projection, by pair
/// of channels: the second moments `mean_hw d_c d_k` of differences `d`, `[N, C·C]`.
#[derive(Clone, Debug)]
pub struct TripletDistances {
    /// `δ(ŷ, y)`: what the transformation still has to do.
    pub result_target: Vec<Tensor<2>>,
    /// `δ(x̃, y)`: what the distortion did. Empty where nothing looks at the distorted image.
    pub distorted_target: Vec<Tensor<2>>,
    /// `δ(x̃, ŷ)`: what the transformation has done. Only what contrasts within one photo reads it.
    pub distorted_result: Option<Vec<Tensor<2>>>,
    /// `δ̄(ŷ, y)`: what is left of `δ(ŷ, y)` after features are averaged over windows. Only a systematic score reads it.
    pub averaged: Option<Vec<Tensor<2>>>,
}

impl TripletDistances {
    /// The same numbers without any graph.
    pub(super) fn inner(&self) -> Self {
        self.map(|distance| if distance.device().is_autodiff() { distance.inner() } else { distance })
    }

    /// The same numbers as constants on the autodiff device.
    pub(super) fn on_graph(&self) -> Self {
        self.map(Tensor::from_inner)
    }

    /// With `f` of every tap's distances.
    pub(super) fn map(&self, f: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        let all = |distances: &[Tensor<2>]| distances.iter().cloned().map(&f).collect::<Vec<_>>();
        Self {
            result_target: all(&self.result_target),
            distorted_target: all(&self.distorted_target),
            distorted_result: self.distorted_result.as_deref().map(all),
            averaged: self.averaged.as_deref().map(all),
        }
    }
}

/// A contrast's value and how much of it still pulls.
pub(super) struct Contrasted {
    /// Mean over triplets, `[1]`.
    pub loss: Tensor<1>,
    /// Share of triplets that violate their margin, `[1]`, detached.
    pub active: Tensor<1>,
}

/// `D_w = Σ_l mean_c w_c δ_c / scale_c` by image: `[N]`. For a projection the mean is over pairs of channels.
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
    config: &TripletConfig,
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
        let uniform: Vec<_> = weights.iter().map(|w| config.gate.uniform_like(w)).collect();
        weighted(&triplet.distorted_target, &uniform, scales).mul_scalar(config.margin)
    } else {
        near.zeros_like().add_scalar(config.margin)
    };
    let violation = near - far + margin;
    let active = violation.clone().detach().greater_scalar(0.0).float().mean();
    Some(Contrasted { loss: activation::relu(violation).mean(), active })
}

fn across(config: &TripletConfig, result: Tensor<1>, distorted: Tensor<1>) -> Contrasted {
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

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, TensorData};
    use percept_conv::channel_distance;

    use super::*;

    const SHAPE: [usize; 4] = [3, 5, 4, 6];

    fn features(device: &Device, seed: u64) -> Tensor<4> {
        device.seed(seed);
        Tensor::random(SHAPE, Distribution::Normal(0.0, 1.0), device)
    }

    fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    /// `s_c = E[r(2u − r)]` with `u = φ(y) − φ(x̃)`, `r = φ(y) − φ(ŷ)`: the literal triplet's gradient with
    /// respect to `w_c` is `−s_c / C` where the hinge is active.
    #[test]
    fn literal_gradient_is_its_closed_form() {
        let device = Device::flex().autodiff();
        let (distorted, result, target) = (features(&device, 1), features(&device, 2), features(&device, 3));
        let [_, _, _, channels] = SHAPE;
        let triplet = TripletDistances {
            result_target: vec![channel_distance(result.clone(), target.clone())],
            distorted_target: vec![channel_distance(distorted.clone(), target.clone())],
            distorted_result: Some(vec![channel_distance(distorted.clone(), result.clone())]),
            averaged: None,
        };
        let config = TripletConfig { contrast: Contrast::Literal, margin: 10.0, ..TripletConfig::default() };
        let w = Tensor::<1>::ones([channels], &device).require_grad();
        let ones = Tensor::<1>::ones([channels], &device);
        let contrasted = contrast(&config, &triplet, std::slice::from_ref(&w), &[ones]).unwrap();
        assert_eq!(contrasted.active.into_scalar::<f32>(), 1.0);
        let gradient = numbers(w.grad(&contrasted.loss.backward()).unwrap());

        let (u, r) = (target.clone() - distorted, target - result);
        let s = numbers((r.clone() * (u.mul_scalar(2.0) - r)).mean_dim(0).mean_dim(1).mean_dim(2));
        for (gradient, s) in gradient.iter().zip(&s) {
            assert!(
                (gradient + s / channels as f32).abs() < 1e-5,
                "{gradient} against {}",
                -s / channels as f32
            );
        }
        assert!(s.iter().any(|s| s.abs() > 1e-2));
    }

    fn tap(rows: &[[f32; 2]], device: &Device) -> Tensor<2> {
        let flat: Vec<f32> = rows.iter().flatten().copied().collect();
        Tensor::from_data(TensorData::new(flat, [rows.len(), 2]), device)
    }

    /// One tap answers a thousand times louder than the other. Without the running scale the quiet one
    /// has no say in the contrast.
    #[test]
    fn a_loud_tap_drowns_the_others_without_its_scale() {
        let device = Device::flex().autodiff();
        let (result, distorted) =
            (tap(&[[0.2, 0.8], [0.9, 0.3]], &device), tap(&[[1.0, 0.4], [0.5, 1.1]], &device));
        let loud = |t: &Tensor<2>| t.clone().mul_scalar(1000.0);
        let triplet = TripletDistances {
            result_target: vec![result.clone(), loud(&result)],
            distorted_target: vec![distorted.clone(), loud(&distorted)],
            distorted_result: None,
            averaged: None,
        };
        let pull = |scales: [f32; 2]| {
            let w: Vec<_> = (0..2).map(|_| Tensor::<1>::ones([2], &device).require_grad()).collect();
            let scales: Vec<_> = scales.iter().map(|s| Tensor::<1>::full([2], *s, &device)).collect();
            let loss = contrast(&TripletConfig::default(), &triplet, &w, &scales).unwrap().loss;
            let grads = loss.backward();
            let size = |w: &Tensor<1>| numbers(w.grad(&grads).unwrap()).iter().map(|g| g.abs()).sum::<f32>();
            size(&w[0]) / size(&w[1])
        };
        assert!(pull([1.0, 1.0]) < 2e-3);
        assert!((pull([1.0, 1000.0]) - 1.0).abs() < 1e-3);
    }

    /// As the result approaches the target every distance shrinks. A margin that is a number ends up
    /// larger than all of them; a relative one means the same at any distance.
    #[test]
    fn an_absolute_margin_drifts() {
        let device = Device::flex().autodiff();
        let active = |relative_margin: bool, size: f32| {
            let rows = |near: f32| tap(&[[near * size, near * size]], &device);
            let triplet = TripletDistances {
                result_target: vec![rows(0.1)],
                distorted_target: vec![rows(1.0)],
                distorted_result: Some(vec![rows(0.9)]),
                averaged: None,
            };
            let config = TripletConfig {
                contrast: Contrast::Conventional,
                relative_margin,
                ..TripletConfig::default()
            };
            let one = Tensor::<1>::ones([2], &device);
            let contrasted =
                contrast(&config, &triplet, std::slice::from_ref(&one), std::slice::from_ref(&one)).unwrap();
            contrasted.active.into_scalar::<f32>()
        };
        assert_eq!((active(false, 1.0), active(false, 1e-3)), (0.0, 1.0));
        assert_eq!((active(true, 1.0), active(true, 1e-3)), (0.0, 0.0));
    }

    /// A photo is not its own negative: with equal distances everywhere the `across` contrast of two
    /// photos has exactly its margin, and swapping their distorted inputs changes it.
    #[test]
    fn across_leaves_out_the_diagonal() {
        let device = Device::flex().autodiff();
        let value = |distorted: &[[f32; 2]]| {
            let triplet = TripletDistances {
                result_target: vec![tap(&[[1.0, 1.0], [1.0, 1.0]], &device)],
                distorted_target: vec![tap(distorted, &device)],
                distorted_result: None,
                averaged: None,
            };
            let one = Tensor::<1>::ones([2], &device);
            let config = TripletConfig { temperature: 1e-3, ..TripletConfig::default() };
            let contrasted =
                contrast(&config, &triplet, std::slice::from_ref(&one), std::slice::from_ref(&one)).unwrap();
            (contrasted.loss.into_scalar::<f32>(), contrasted.active.into_scalar::<f32>())
        };
        let (loss, active) = value(&[[1.0, 1.0], [1.0, 1.0]]);
        assert!((loss - 0.2).abs() < 1e-3 && active == 1.0, "{loss} {active}");
        // Photo 0 is far away, so only result 0 against distorted 1 violates the margin.
        let (loss, active) = value(&[[9.0, 9.0], [1.0, 1.0]]);
        assert!((loss - 0.1).abs() < 1e-3 && active == 0.5, "{loss} {active}");
    }
}
