//! `percept info`: what a model file is, without being told.

use std::path::{Path, PathBuf};

use crate::common::{arg, run};
use percept_image::{Image, Photo, Srgb, write_photo};
use percept_nn::network::{CompactConfig, DruNetConfig, FbcnnConfig, NetworkConfig, RrdbNetConfig};
use percept_nn::weights::{Array, StateDict};
use serde_json::{Value, json};

fn weights(network_g: &NetworkConfig, scale: usize) -> StateDict {
    StateDict::of(&network_g.init(scale, 3, 7, &percept_conv::device("cpu").unwrap()).unwrap())
}

fn esrgan() -> NetworkConfig {
    let sizes = RrdbNetConfig { num_feat: 8, num_block: 2, num_grow_ch: 4, ..RrdbNetConfig::default() };
    NetworkConfig::RrdbNet(sizes)
}

/// The weights under keys, as training code writes them.
fn wrapped(path: PathBuf, parts: &[(&str, StateDict)]) -> PathBuf {
    let mut file = StateDict::new();
    for (key, state) in parts {
        file.extend_prefixed(key, state.clone());
    }
    file.set_metadata("licence", "CC0-1.0");
    file.save(&path).unwrap();
    path
}

fn facts(path: &Path) -> Value {
    serde_json::from_str(&run(&["info", arg(path), "--json"]).exits(0).out).unwrap()
}

#[test]
fn architecture_scale_settings_and_wrapper_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let state = weights(&esrgan(), 2);
    let values: usize = state.iter().map(|(_, array)| array.data.len()).sum();
    let step = || {
        let mut step = StateDict::new();
        step.insert("counter", Array { shape: vec![1], data: vec![5.0] });
        step
    };
    for (keys, wrapper, left) in [
        (&[""][..], json!([]), json!([])),
        (&["params.", "params_ema."], json!(["params_ema"]), json!(["params"])),
        (&["params-ema."], json!(["params-ema"]), json!([])),
        (&["state_dict.model.module."], json!(["state_dict", "model", "module"]), json!([])),
        (&["generator.", "generator_ema."], json!(["generator_ema"]), json!(["generator"])),
        (&["netG._orig_mod."], json!(["netG", "_orig_mod"]), json!([])),
        (&["net."], json!(["net"]), json!([])),
    ] {
        let mut parts: Vec<_> = keys.iter().map(|key| (*key, state.clone())).collect();
        if !keys[0].is_empty() && keys[0] != "net." {
            parts.push(("step_", step()));
        }
        let path = wrapped(at("weights.safetensors"), &parts);
        let facts = facts(&path);
        assert_eq!((&facts["wrapper"], &facts["left"]), (&wrapper, &left), "{keys:?}");
        assert_eq!((&facts["architecture"], &facts["scale"]), (&json!("rrdbnet"), &json!(2)));
        assert_eq!(facts["settings"]["num_block"], 2);
        assert_eq!(facts["settings"]["use_pixel_unshuffle"], true);
        assert_eq!((&facts["parameters"], &facts["precision"]), (&json!(values), &json!(["f32"])));
        assert_eq!((&facts["metadata"], &facts["card"]), (&json!({"licence": "CC0-1.0"}), &Value::Null));
    }
}

#[test]
fn a_page_says_the_same_and_apply_says_what_was_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let state = weights(&esrgan(), 4);
    let path = wrapped(at("both.safetensors"), &[("params.", state.clone()), ("params_ema.", state)]);
    run(&["info", arg(&path)]).exits(0).prints(&["rrdbnet", "num_grow_ch", "params_ema", "CC0-1.0", "f32"]);
    write_photo(at("in.png"), &Photo::new(Image::<Srgb>::from_fn(9, 7, |x, _, _| x as f32 / 9.0))).unwrap();
    run(&["apply", arg(&path), arg(&at("in.png")), "-o", arg(&at("out.png"))])
        .exits(0)
        .says(&["averaged weights `params_ema`", "not `params`"]);
}

#[test]
fn what_is_assumed_is_said_and_overruled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relu.safetensors");
    let act_type = percept_nn::network::ActType::LeakyRelu;
    let compact = NetworkConfig::Compact(CompactConfig { num_feat: 8, num_conv: 2, act_type });
    weights(&compact, 4).save(&path).unwrap();
    let assumed = facts(&path);
    assert_eq!(assumed["settings"]["act_type"], "relu");
    assert!(assumed["assumed"].as_str().unwrap().contains("--act-type"), "{assumed}");
    let told = run(&["info", arg(&path), "--act-type", "leakyrelu", "--json"]).exits(0);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&told["settings"]["act_type"], &told["assumed"]), (&json!("leakyrelu"), &Value::Null));
    run(&["info", arg(&path), "--act-type", "relu", "--res-scale", "1"])
        .exits(2)
        .says(&["--act-type", "compact"]);
}

/// A grey denoiser is told how much noise there is, and restores photos in colour.
#[test]
fn noise_and_quality_are_told_by_flags() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let drunet = NetworkConfig::DruNet(DruNetConfig { nc: [4; 4], nb: 1, noise_level: None });
    let device = percept_conv::device("cpu").unwrap();
    let (path, photo) = (at("grey.safetensors"), at("in.png"));
    StateDict::of(&drunet.init(1, 1, 7, &device).unwrap()).save(&path).unwrap();
    let assumed = facts(&path);
    assert_eq!((&assumed["architecture"], &assumed["in_channels"]), (&json!("drunet"), &json!(1)));
    assert_eq!(assumed["settings"]["noise_level"], 15.0);
    assert!(assumed["assumed"].as_str().unwrap().contains("--noise-level"), "{assumed}");
    write_photo(&photo, &Photo::new(Image::<Srgb>::from_fn(19, 7, |x, _, c| (x + 5 * c) as f32 / 30.0)))
        .unwrap();
    let made = |level: &str| {
        let out = at(&format!("{level}.png"));
        run(&["apply", arg(&path), arg(&photo), "-o", arg(&out), "--noise-level", level]).exits(0);
        std::fs::read(out).unwrap()
    };
    assert_ne!(made("0"), made("50"));
    run(&["info", arg(&path), "--noise-level", "60"]).exits(1).says(&["noise_level", "from 0 to 50"]);
    run(&["info", arg(&path), "--noise-level", "5", "--quality", "5"]).exits(2).says(&["--quality", "fbcnn"]);
    let fbcnn = FbcnnConfig { nc: [4; 4], nb: 1, embedding: 4, quality: None };
    StateDict::of(&NetworkConfig::Fbcnn(fbcnn).init(1, 3, 7, &device).unwrap()).save(&path).unwrap();
    let settings = |more: &[&str]| {
        let told = run(&[&["info", arg(&path), "--json"], more].concat()).exits(0);
        serde_json::from_str::<Value>(&told.out).unwrap()["settings"].clone()
    };
    assert_eq!(
        (&settings(&[])["quality"], &settings(&["--quality", "40"])["quality"]),
        (&Value::Null, &json!(40.0))
    );
}

#[test]
fn what_is_no_model_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    run(&["info", arg(&at("nowhere.pth"))]).exits(2).says(&["nowhere.pth"]);
    std::fs::write(at("text.pth"), "no weights").unwrap();
    run(&["info", arg(&at("text.pth"))]).exits(1).says(&["text.pth"]);
    let mut state = weights(&esrgan(), 4);
    state.remove("conv_last.bias");
    state.save(&at("part.safetensors")).unwrap();
    run(&["info", arg(&at("part.safetensors"))]).exits(1).says(&[
        "part.safetensors",
        "nearest is rrdbnet",
        "1 missing (`conv_last.bias`)",
    ]);
}
