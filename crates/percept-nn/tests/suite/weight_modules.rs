//! Weights out of and into modules, and the store of known weights.

use std::fs;

use crate::common::store::store;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use percept_nn::weights::{Array, KNOWN, StateDict, WeightError, WeightStore, sha256_hex};

#[derive(Module, Debug)]
struct Layer {
    weight: Param<Tensor<2>>,
    bias: Option<Param<Tensor<1>>>,
}

#[derive(Module, Debug)]
enum Body {
    Layers(Vec<Layer>),
}

#[derive(Module, Debug)]
struct Net {
    body: Body,
    frozen: Param<Tensor<1>>,
}

fn net(device: &Device) -> Net {
    let layer = |bias: bool| Layer {
        weight: Param::from_tensor(Tensor::ones([2, 3], device)),
        bias: bias.then(|| Param::from_tensor(Tensor::zeros([2], device))),
    };
    Net {
        body: Body::Layers(vec![layer(true), layer(false)]),
        frozen: Param::from_tensor(Tensor::zeros([1], device)).set_require_grad(false),
    }
}

fn weights() -> StateDict {
    let array = |shape: &[usize], start: f32| {
        let len = shape.iter().product::<usize>();
        Array { shape: shape.to_vec(), data: (0..len).map(|at| start + at as f32 / 7.0).collect() }
    };
    let mut state = StateDict::new();
    state.insert("body.0.weight", array(&[2, 3], 1.0));
    state.insert("body.0.bias", array(&[2], 2.0));
    state.insert("body.1.weight", array(&[2, 3], 3.0));
    state.insert("frozen", array(&[1], 4.0));
    state
}

#[test]
fn names_are_paths_and_weights_go_in_and_out_unchanged() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let module = net(&device);
        let names: Vec<_> = StateDict::of(&module).iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(names, ["body.0.bias", "body.0.weight", "body.1.weight", "frozen"]);
        let id = module.frozen.id;
        let module = weights().apply(module).unwrap();
        assert_eq!(StateDict::of(&module), weights());
        assert_eq!(module.frozen.id, id, "optimisers know parameters by their id");
    }
}

#[test]
fn gradient_settings_and_devices_stay() {
    let device = Device::flex().autodiff();
    let module = weights().apply(net(&device)).unwrap();
    let Body::Layers(layers) = &module.body;
    assert!(layers[0].weight.is_require_grad());
    assert!(!module.frozen.is_require_grad());
    assert_eq!(layers[0].weight.device(), device);
    // A module for inference that is trained later knows which parts were trainable.
    let module = weights().apply(net(&Device::flex())).unwrap().train();
    let Body::Layers(layers) = &module.body;
    assert!(layers[0].weight.is_require_grad());
    assert!(!module.frozen.is_require_grad());
}

#[test]
fn a_file_that_does_not_fit_is_refused_by_name() {
    let refused =
        |state: StateDict| state.with_origin("some.safetensors").apply(net(&Device::flex())).unwrap_err();
    let mut state = weights();
    state.remove("body.0.bias");
    state.insert("body.2.bias", Array { shape: vec![2], data: vec![0.0; 2] });
    let error = refused(state);
    let WeightError::Names { missing, unexpected, .. } = &error else { panic!("{error}") };
    assert_eq!((missing[0].as_str(), unexpected[0].as_str()), ("body.0.bias", "body.2.bias"));
    for part in ["some.safetensors", "body.0.bias", "body.2.bias"] {
        assert!(error.to_string().contains(part), "{error}");
    }

    let mut state = weights();
    state.insert("body.1.weight", Array { shape: vec![3, 2], data: vec![0.0; 6] });
    let error = refused(state);
    assert!(matches!(&error, WeightError::Shape { name, .. } if name == "body.1.weight"), "{error}");

    for value in [f32::NAN, f32::INFINITY] {
        let mut state = weights();
        state.insert("frozen", Array { shape: vec![1], data: vec![value] });
        let error = refused(state);
        assert!(matches!(&error, WeightError::NotFinite { name, at: 0, .. } if name == "frozen"), "{error}");
    }
}

#[test]
fn sections_and_prefixes_are_each_others_inverse() {
    let mut all = StateDict::new();
    all.extend_prefixed("network.", weights());
    all.extend_prefixed("network_ema.", weights());
    assert_eq!(all.len(), 2 * weights().len());
    assert_eq!(all.section("network."), weights());
    assert_eq!(all.section("network_ema."), weights());
    assert!(all.section("other.").is_empty());
}

#[test]
fn bundled_weights_are_the_known_ones() {
    for known in KNOWN {
        for file in known.files.iter().filter(|file| file.bundled) {
            let stored = store().open(known.name).unwrap();
            assert_eq!(stored.sha256, file.sha256, "{}", known.name);
            assert!(!stored.state.is_empty());
        }
    }
    let vgg = store().load("vgg16").unwrap();
    assert_eq!(vgg.len(), 26);
    let first = &vgg.get("features.0.weight").unwrap().data[..3];
    for (got, expected) in first.iter().zip([-0.5537, 0.1427, 0.5290]) {
        assert!((got - expected).abs() < 1e-4);
    }
}

#[test]
fn the_store_refuses_what_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let store = WeightStore::new().with_dir(folder.path());
    let error = store.load("vgg61").unwrap_err();
    assert!(error.to_string().contains("vgg61") && error.to_string().contains("vgg16"), "{error}");

    let error = store.load("dists").unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, WeightError::NotFound { .. }), "{message}");
    assert!(message.contains("dists.safetensors") && message.contains(&folder.path().display().to_string()));

    let path = folder.path().join("dists.safetensors");
    let bytes = weights().to_safetensors();
    fs::write(&path, &bytes).unwrap();
    let error = store.load("dists").unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, WeightError::Hash { .. }), "{message}");
    assert!(message.contains("dists.safetensors") && message.contains(&sha256_hex(&bytes)), "{message}");
}

#[test]
fn embedded_weights_are_checked_too() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/weights");
    let bytes: &'static [u8] = fs::read(folder.join("dists.safetensors")).unwrap().leak();
    let store = WeightStore::new().with_embedded("dists", bytes);
    assert_eq!(store.load("dists").unwrap().get("alpha").unwrap().shape, [1, 1475, 1, 1]);
    let wrong = WeightStore::new().with_embedded("dists", &bytes[1..]);
    assert!(matches!(wrong.load("dists"), Err(WeightError::Hash { .. })));
}
