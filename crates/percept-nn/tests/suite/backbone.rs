//! Backbones with the bundled weights, against PyTorch with the same weights.

use crate::common::perceptual::{fixture, image, vector};
use crate::common::store::store;
use burn::tensor::{Device, Tensor};
use percept_nn::backbone::{Backbone, BackboneConfig, BackboneError, BackboneKind, Precision, WeightSource};
use percept_nn::weights::{Array, StateDict, WeightError, WeightStore};

fn backbone(kind: BackboneKind, taps: &[&str], device: &Device) -> Box<dyn Backbone> {
    let taps: Vec<_> = taps.iter().map(ToString::to_string).collect();
    BackboneConfig { kind, ..Default::default() }.init(&taps, &store(), device).unwrap()
}

/// Mean, deviation, maximum and 48 single values of every tap, to 1e-4 of the tap's deviation.
fn agrees_with_torch(kind: BackboneKind, name: &str, taps: &[&str]) {
    let fixture = fixture();
    let device = Device::flex();
    let backbone = backbone(kind, taps, &device);
    let features = backbone.features(image(&fixture, "astronaut", &device));
    assert_eq!(features.len(), taps.len());
    for ((tap, asked), features) in backbone.taps().iter().zip(taps).zip(features) {
        assert_eq!(tap.name, *asked);
        assert_eq!(features.dims()[3], tap.channels);
        let get = |what: &str| fixture.get(&format!("{name}.{asked}.{what}")).unwrap().data.clone();
        let (stats, at, expected) = (get("stats"), get("at"), get("values"));
        let values = vector(features);
        let count = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
        let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
        let max = f64::from(values.iter().copied().fold(f32::MIN, f32::max));
        let tolerance = 1e-4 * f64::from(stats[1]);
        for (got, expected) in [mean, variance.sqrt(), max].into_iter().zip(stats) {
            assert!((got - f64::from(expected)).abs() < tolerance.max(1e-4 * f64::from(expected).abs()));
        }
        for (at, expected) in at.iter().zip(expected) {
            let got = values[*at as usize];
            let error = f64::from((got - expected).abs());
            assert!(error < tolerance, "{name} {asked} at {at}: {got}, torch {expected}");
        }
    }
}

#[test]
fn vgg16_agrees_with_torch() {
    // Out of depth order, before and behind the activation.
    let taps = ["relu4_3", "relu1_2", "conv2_2", "relu3_3", "relu5_3", "conv5_3"];
    agrees_with_torch(BackboneKind::Vgg16, "vgg16", &taps);
}

#[test]
fn alexnet_agrees_with_torch() {
    let taps = ["conv1", "relu1", "conv2", "relu2", "relu3", "relu4", "conv5", "relu5"];
    agrees_with_torch(BackboneKind::Alexnet, "alexnet", &taps);
}

#[test]
fn gradients_reach_a_tracked_image_and_nothing_is_tracked_otherwise() {
    let device = Device::flex().autodiff();
    let backbone = backbone(BackboneKind::Alexnet, &["relu1", "relu3"], &device);
    let image = image(&fixture(), "astronaut", &device);
    for features in backbone.features(image.clone()) {
        assert!(!features.is_tracked());
    }
    let image = image.require_grad();
    let features = backbone.features(image.clone());
    let gradients = features.into_iter().map(|f| f.square().mean()).reduce(|a, b| a + b).unwrap().backward();
    let gradient = vector(image.grad(&gradients).unwrap());
    assert!(gradient.iter().all(|g| g.is_finite()));
    assert!(gradient.iter().any(|g| *g != 0.0));
}

#[test]
fn a_plain_image_goes_through_a_backbone_made_for_training() {
    let backbone = backbone(BackboneKind::Alexnet, &["relu1"], &Device::flex().autodiff());
    let features = backbone.features(image(&fixture(), "astronaut", &Device::flex()));
    assert!(!features[0].is_autodiff());
}

#[test]
fn the_shortest_side_still_has_one_position() {
    let device = Device::flex();
    for (kind, tap, side) in [
        (BackboneKind::Vgg16, "relu1_2", 1),
        (BackboneKind::Vgg16, "relu3_3", 4),
        (BackboneKind::Alexnet, "relu1", 7),
        (BackboneKind::Alexnet, "relu5", 31),
    ] {
        let backbone = backbone(kind, &[tap], &device);
        assert_eq!(backbone.min_side(), side, "{tap}");
        let features = backbone.features(Tensor::zeros([1, side, side, 3], &device));
        assert_eq!(features[0].dims()[..3], [1, 1, 1]);
    }
}

#[test]
fn an_unknown_tap_is_refused_with_the_nearest_first() {
    let config = BackboneConfig::default();
    let Err(error) = config.init(&["relu3_4".to_string()], &store(), &Device::flex()) else { panic!() };
    let BackboneError::UnknownTap { known, .. } = &error else { panic!("{error}") };
    assert!(known[0].starts_with("relu3_"), "{known:?}");
    assert_eq!(known.len(), 26);
    let message = error.to_string();
    assert!(message.contains("relu3_4") && message.contains("vgg16"), "{message}");
    assert!(matches!(config.init(&[], &store(), &Device::flex()), Err(BackboneError::NoTaps { .. })));
}

#[test]
fn missing_weights_are_an_error_and_random_ones_must_be_asked_for() {
    let taps = ["relu1_1".to_string()];
    let config = BackboneConfig { kind: BackboneKind::Vgg19, ..Default::default() };
    let Err(error) = config.init(&taps, &store(), &Device::flex()) else { panic!() };
    assert!(matches!(error, BackboneError::Weights(WeightError::NotFound { .. })), "{error}");
    assert!(error.to_string().contains("vgg19-dcbb9e9d.pth"), "{error}");

    let random = BackboneConfig { weights: WeightSource::Random, ..config };
    let features = |backbone: Box<dyn Backbone>| {
        vector(backbone.features(image(&fixture(), "astronaut", &Device::flex())).remove(0))
    };
    let make = || random.init(&taps, &WeightStore::new(), &Device::flex()).unwrap();
    assert_eq!(features(make()), features(make()));
}

/// A file of VGG19's real shapes in torchvision's names, classifier included in name only.
fn vgg19_file() -> StateDict {
    let mut state = StateDict::new();
    let (mut index, mut input) = (0, 3);
    for (depth, output) in [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)] {
        for _ in 0..depth {
            let len = output * input * 9;
            // Small, and different from layer to layer.
            let value = |at: usize| ((at * 37 + index) % 101) as f32 / 101.0 - 0.5;
            let scale = (6.0 / (input * 9) as f32).sqrt();
            let weight = (0..len).map(|at| value(at) * scale).collect();
            let bias = (0..output).map(|at| value(at) * 0.1).collect();
            state.insert(
                &format!("features.{index}.weight"),
                Array { shape: vec![output, input, 3, 3], data: weight },
            );
            state.insert(&format!("features.{index}.bias"), Array { shape: vec![output], data: bias });
            index += 2;
            input = output;
        }
        index += 1;
    }
    state.insert("classifier.0.bias", Array { shape: vec![2], data: vec![0.0; 2] });
    state
}

#[test]
fn vgg19_loads_from_a_file_of_its_real_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vgg19.safetensors");
    let state = vgg19_file();
    assert!(state.get("features.34.weight").is_some(), "torchvision's last convolution of VGG19");
    state.save(&path).unwrap();
    let weights = WeightSource::Path(path.clone());
    let config = BackboneConfig { kind: BackboneKind::Vgg19, weights, ..Default::default() };
    let taps = ["conv5_4".to_string(), "relu3_4".to_string()];
    let device = Device::flex();
    let backbone = config.init(&taps, &WeightStore::new(), &device).unwrap();
    let features = backbone.features(Tensor::ones([1, 32, 32, 3], &device));
    assert_eq!(features[0].dims(), [1, 2, 2, 512]);
    assert_eq!(features[1].dims(), [1, 8, 8, 256]);
    assert!(vector(features[0].clone()).iter().all(|v| v.is_finite()));
    // Before the activation there are negative values, behind it none.
    assert!(vector(features[0].clone()).iter().any(|v| *v < 0.0));
    assert!(vector(features[1].clone()).iter().all(|v| *v >= 0.0));

    // Without its last layer the same file is not VGG19 any more.
    let mut short = state;
    short.remove("features.34.weight");
    short.save(&path).unwrap();
    let Err(error) = config.init(&taps, &WeightStore::new(), &device) else { panic!() };
    let message = error.to_string();
    assert!(message.contains("features.34.weight") && message.contains("vgg19.safetensors"), "{message}");
}

#[test]
fn the_config_reads_and_writes_its_words() {
    let config: BackboneConfig = serde_json::from_str(r#"{"type": "alexnet", "weights": "random"}"#).unwrap();
    let (kind, weights) = (BackboneKind::Alexnet, WeightSource::Random);
    assert_eq!(config, BackboneConfig { kind, weights, precision: Precision::F32 });
    let narrow = BackboneConfig { precision: Precision::Bf16, ..config };
    let text = serde_json::to_string(&narrow).unwrap();
    assert_eq!(text, r#"{"type":"alexnet","weights":"random","precision":"bf16"}"#);
    assert_eq!(serde_json::from_str::<BackboneConfig>(&text).unwrap(), narrow);
    let config: BackboneConfig = serde_json::from_str("{}").unwrap();
    assert_eq!(config, BackboneConfig::default());
    assert_eq!(serde_json::to_string(&config).unwrap(), r#"{"type":"vgg16","weights":"bundled"}"#);
    assert!(serde_json::from_str::<BackboneConfig>(r#"{"kind": "vgg16"}"#).is_err());
}
