//! Gradients of the losses against central differences. LPIPS and DISTS have their check beside their metrics, the networks
//! theirs beside their outputs.

use crate::common::loss::{Value, taps, value};
use crate::common::perceptual::{fixture, image, vector};
use burn::tensor::Device;
use percept_nn::loss::{
    CharbonnierLoss, ColourLoss, ColourSpace, ContextualLoss, Criterion, FeatureLoss, FftLoss, HuberLoss,
    L1Loss, LdlLoss, LossConfig, MsSsimLoss, MseLoss, StyleLoss, SwdLoss, WassersteinLoss,
};

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// With the bundled VGG16. Those of LPIPS and DISTS have their check beside these metrics, and that against a discriminator
/// beside it.
fn losses(device: &Device) -> Vec<(String, Value)> {
    let layer_weights = || taps(&[("relu1_2", 1.0), ("relu2_2", 0.5)]);
    let feature = |criterion| {
        LossConfig::Feature(FeatureLoss {
            layer_weights: layer_weights(),
            criterion,
            ..FeatureLoss::default()
        })
    };
    let charbonnier = || CharbonnierLoss { eps: 1e-2 };
    let huber = |delta| HuberLoss { delta };
    let colour = |space| LossConfig::Colour(ColourLoss { window: 5, space });
    let contextual = ContextualLoss { layer_weights: taps(&[("relu2_2", 1.0)]), ..ContextualLoss::default() };
    let losses = [
        LossConfig::L1(L1Loss {}),
        LossConfig::Mse(MseLoss {}),
        LossConfig::Charbonnier(charbonnier()),
        LossConfig::Huber(huber(0.05)),
        feature(Criterion::Mse(MseLoss {})),
        feature(Criterion::L1(L1Loss {})),
        feature(Criterion::Charbonnier(charbonnier())),
        feature(Criterion::Huber(huber(1.0))),
        LossConfig::Contextual(contextual),
        colour(ColourSpace::Lab),
        colour(ColourSpace::Srgb),
        LossConfig::MsSsim(MsSsimLoss { scales: 2 }),
        LossConfig::Fft(FftLoss {}),
        LossConfig::Ldl(LdlLoss {}),
        LossConfig::Swd(SwdLoss { layer_weights: layer_weights(), ..SwdLoss::default() }),
        LossConfig::Wasserstein(WassersteinLoss {
            layer_weights: layer_weights(),
            sigma: 3.0,
            ..WassersteinLoss::default()
        }),
        LossConfig::Style(StyleLoss { layer_weights: layer_weights(), ..StyleLoss::default() }),
    ];
    losses.map(|loss| (format!("{loss:?}"), value(loss, device))).into()
}

/// Along a direction of all pixels, as beside the metrics: single ones move the losses too little for `f32`. It leads towards
/// the target, so that it matters to every loss, and along a smooth picture.
#[test]
fn losses_agree_with_differences() {
    let device = Device::flex().autodiff();
    let fixture = fixture();
    let crop = |name| image(&fixture, name, &device).narrow(1, 10, 24).narrow(2, 10, 24);
    let (result, target) = (crop("astronaut_blur"), crop("astronaut"));
    let direction = crop("chelsea").sub_scalar(0.5) + (target.clone() - result.clone()).mul_scalar(2.0);
    let step = 1e-3;
    for (name, loss) in losses(&device) {
        let tracked = result.clone().require_grad();
        let gradients = loss(tracked.clone(), target.clone()).backward();
        let gradient = vector(tracked.grad(&gradients).unwrap());
        let along = dot(&gradient, &vector(direction.clone()));
        let at = |step: f64| {
            f64::from(vector(loss(result.clone() + direction.clone().mul_scalar(step), target.clone()))[0])
        };
        let (value, numeric) = (at(0.0), (at(step) - at(-step)) / (2.0 * step));
        let error = (along - numeric).abs();
        assert!(error < 0.02 * numeric.abs(), "{name}: {along}, by differences {numeric}");
        assert!(numeric.abs() > 0.05 * value, "{name}: the direction must matter, {numeric} of {value}");
    }
}
