//! Devices beside the CPU see what the CPU sees: features, the selection's step, losses and their gradients.
#![cfg(any(feature = "cuda", feature = "metal", feature = "vulkan", feature = "wgpu"))]

use std::collections::BTreeMap;

use crate::common::perceptual::{fixture, image, vector};
use crate::common::store::store;
use burn::tensor::{Device, Tensor};
use percept_conv::{device, devices};
use percept_nn::backbone::BackboneConfig;
use percept_nn::disentangle::{ClosedConfig, Contrast, Gate, Score, SelectionConfig, TripletConfig};
use percept_nn::loss::{ContextualLoss, FeatureLoss, LossConfig, TrainLoss};

/// How far numbers may be from the CPU's: the length of the difference relative to that of the numbers. Single
/// values may differ by more where an activation or a largest value is decided by the last digit.
const TOLERANCE: f64 = 1e-4;

/// What was computed, by name.
type Seen = Vec<(String, Vec<f32>)>;

/// Two photos, `[2, 32, 32, 3]`: as they are, and distorted.
fn photos(device: &Device) -> [Tensor<4>; 2] {
    let fixture = fixture();
    let crop = |name| image(&fixture, name, device).narrow(1, 8, 32).narrow(2, 8, 32);
    [["astronaut", "chelsea"], ["astronaut_blur", "chelsea_jpeg"]]
        .map(|names| Tensor::cat(names.map(crop).to_vec(), 0))
}

/// Features of VGG16 with the bundled weights, and the gradient of their squares to the photos.
fn features(device: &Device) -> Seen {
    let taps = ["relu1_2", "relu2_2", "conv3_3"].map(str::to_string);
    let backbone = BackboneConfig::default().init(&taps, &store(), device).unwrap();
    let [photos, _] = photos(&device.clone().autodiff());
    let photos = photos.require_grad();
    let features = backbone.features(photos.clone());
    let loss = features.iter().map(|tap| tap.clone().square().mean()).reduce(|sum, term| sum + term).unwrap();
    let gradient = photos.grad(&loss.backward()).unwrap();
    let mut seen: Seen =
        taps.into_iter().zip(features).map(|(tap, features)| (tap, vector(features))).collect();
    seen.push(("gradient to the photos".to_string(), vector(gradient)));
    seen
}

/// One step of the selection, then what the network descends and its gradient.
fn steps(device: &Device) -> Seen {
    let device = device.clone().autodiff();
    let layer_weights = || BTreeMap::from([("relu1_2".to_string(), 1.0), ("relu2_2".to_string(), 0.5)]);
    let triplet =
        |contrast| TripletConfig { contrast, warmup: 0, lr: 0.01, ema: 0.95, ..TripletConfig::default() };
    let selection = |contrast| triplet(contrast).into();
    let projection = || TripletConfig { gate: Gate::Projection, ..triplet(Contrast::Across) }.into();
    let closed = |score| ClosedConfig { score, warmup: 0, ..ClosedConfig::default() }.into();
    let feature = |selection: SelectionConfig| {
        let opt = FeatureLoss { layer_weights: layer_weights(), ..FeatureLoss::default() };
        LossConfig::Feature(FeatureLoss { selection: Some(selection), ..opt })
    };
    let contextual = |selection: SelectionConfig| {
        let opt = ContextualLoss {
            layer_weights: layer_weights(),
            max_positions: 256,
            ..ContextualLoss::default()
        };
        LossConfig::Contextual(ContextualLoss { selection: Some(selection), ..opt })
    };
    let opts = [
        ("literal", feature(selection(Contrast::Literal))),
        ("across", feature(selection(Contrast::Across))),
        ("projection", feature(projection())),
        ("closed", feature(closed(Score::default()))),
        ("systematic", feature(closed(Score::Systematic { window: 8 }))),
        ("contextual", contextual(selection(Contrast::Conventional))),
        ("contextual projection", contextual(projection())),
    ];
    let [target, distorted] = photos(&device);
    opts.into_iter()
        .flat_map(|(name, opt)| {
            let TrainLoss::Space(mut space) = opt.init(&store(), &device).unwrap() else { panic!() };
            let result = (target.clone() + distorted.clone()).mul_scalar(0.5).require_grad();
            let seen = space.see(result.clone(), target.clone());
            let step = space.selection_step(&seen, |_| distorted.clone()).unwrap();
            let loss = space.transformation_loss(&seen);
            let weights = space.selection().unwrap().weights().into_iter().flat_map(|tap| tap.weights);
            // What a checkpoint keeps comes back.
            let state = space.state_dict();
            space.load_state_dict(&state, &device).unwrap();
            [
                ("contrast", vec![step.loss]),
                ("weights", weights.collect()),
                ("loss", vector(loss.clone())),
                ("gradient to the result", vector(result.grad(&loss.backward()).unwrap())),
                ("distance", vector(space.distance(target.clone(), distorted.clone()))),
            ]
            .map(|(what, values)| (format!("{what}, {name}"), values))
        })
        .collect()
}

/// `compute` is the same on all devices that are compiled in.
fn compare(compute: impl Fn(&Device) -> Seen) {
    let expected = compute(&device("cpu").unwrap());
    for name in devices().into_iter().filter(|name| *name != "cpu") {
        let device = device(name).unwrap_or_else(|error| panic!("{error}"));
        for ((what, values), (_, expected)) in compute(&device).into_iter().zip(&expected) {
            assert_eq!(values.len(), expected.len(), "{what} on {name}");
            let length = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
            let difference = values.iter().zip(expected).map(|(a, b)| f64::from(a - b));
            let apart = length(&mut { difference }) / length(&mut expected.iter().copied().map(f64::from));
            assert!(apart <= TOLERANCE, "{what} on {name}: {apart} of its length apart");
        }
    }
}

#[test]
fn features_and_their_gradient() {
    compare(features);
}

#[test]
fn both_steps_of_a_batch() {
    compare(steps);
}
