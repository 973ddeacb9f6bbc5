//! Gradients of the losses in feature spaces against central differences. LPIPS and DISTS have their check beside their
//! metrics, the networks theirs beside their outputs.

use std::collections::BTreeMap;

use crate::common::perceptual::{fixture, image, vector};
use crate::common::store::store;
use burn::tensor::{Device, Tensor};
use percept_nn::loss::{ContextualLoss, FeatureLoss, LossConfig, StyleLoss, TrainLoss};

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

type Value = Box<dyn FnMut(Tensor<4>, Tensor<4>) -> Tensor<1>>;

/// With the bundled VGG16.
fn losses(device: &Device) -> Vec<(&'static str, Value)> {
    let layer_weights = || BTreeMap::from([("relu1_2".to_string(), 1.0), ("relu2_2".to_string(), 0.5)]);
    let space = |opt: LossConfig| -> Value {
        // Energies of taps move with every batch: a new space has seen none.
        let device = device.clone();
        Box::new(move |result, target| {
            let TrainLoss::Space(mut space) = opt.init(&store(), &device).unwrap() else { panic!() };
            let _ = space.see(target.clone(), target.clone().flip([1]));
            let seen = space.see(result, target);
            space.transformation_loss(&seen)
        })
    };
    let feature = FeatureLoss { layer_weights: layer_weights(), ..FeatureLoss::default() };
    let contextual = ContextualLoss {
        layer_weights: BTreeMap::from([("relu2_2".to_string(), 1.0)]),
        ..ContextualLoss::default()
    };
    let style = StyleLoss { layer_weights: layer_weights(), ..StyleLoss::default() };
    let TrainLoss::Images(style) = LossConfig::Style(style).init(&store(), device).unwrap() else { panic!() };
    vec![
        ("feature", space(LossConfig::Feature(feature))),
        ("contextual", space(LossConfig::Contextual(contextual))),
        ("style", Box::new(move |result, target| style.forward(result, target))),
    ]
}

/// Along a smooth direction, as beside the metrics: single pixels move the losses too little for `f32`.
#[test]
fn losses_agree_with_differences() {
    let device = Device::flex().autodiff();
    let fixture = fixture();
    let crop = |name| image(&fixture, name, &device).narrow(1, 10, 24).narrow(2, 10, 24);
    let (result, target) = (crop("astronaut_blur"), crop("astronaut"));
    let direction = crop("chelsea").sub_scalar(0.5);
    for ((name, mut loss), step) in losses(&device).into_iter().zip([1e-3, 1e-3, 1e-3]) {
        let tracked = result.clone().require_grad();
        let gradients = loss(tracked.clone(), target.clone()).backward();
        let gradient = vector(tracked.grad(&gradients).unwrap());
        let along = dot(&gradient, &vector(direction.clone()));
        let mut at = |step: f64| {
            f64::from(vector(loss(result.clone() + direction.clone().mul_scalar(step), target.clone()))[0])
        };
        let (value, numeric) = (at(0.0), (at(step) - at(-step)) / (2.0 * step));
        let error = (along - numeric).abs();
        assert!(error < 0.02 * numeric.abs(), "{name}: {along}, by differences {numeric}");
        assert!(numeric.abs() > 0.05 * value, "{name}: the direction must matter, {numeric} of {value}");
    }
}
