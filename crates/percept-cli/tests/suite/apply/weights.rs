//! Which model is applied.

use std::fs;
use std::path::Path;

use percept_image::{Photo, write_photo};
use percept_nn::network::{EdsrConfig, NETWORKS, NetworkConfig};
use percept_nn::weights::StateDict;

use super::{model, photo};
use crate::common::{arg, run};

#[test]
fn a_model_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_photo(at("in.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    let apply = |model: &Path, more: &[&str]| {
        run(&[&["apply", arg(model), arg(&at("in.png")), "-o", arg(&at("out"))], more].concat())
    };
    apply(&at("nowhere"), &[]).exits(2).says(&["nowhere", "run"]);
    let path = model(folder.path());
    let whole = fs::read(&path).unwrap();
    for bytes in [&b"half a fi"[..], &whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
        fs::write(&path, bytes).unwrap();
        apply(folder.path(), &[]).exits(1).says(&["model.safetensors", "help"]);
    }
    // A text is no model, and a model no picture.
    fs::write(at("notes.txt"), "a text").unwrap();
    apply(&at("notes.txt"), &[]).exits(1).says(&["notes.txt"]);
    fs::write(&path, &whole).unwrap();
    let alone = run(&["apply", arg(&path), arg(&path), "-o", arg(&at("out"))]).exits(1);
    assert!(!alone.err.contains("1 of 1"), "{alone:#?}");
    assert_eq!(fs::read_dir(at("out")).unwrap().count(), 0);
}

#[test]
fn public_weights_say_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let carded = model(folder.path());
    write_photo(at("in.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    let mut bare = StateDict::new();
    bare.extend_prefixed("", StateDict::load(&carded).unwrap());
    bare.save(&at("bare.safetensors")).unwrap();
    let apply = |model: &str, out: &str, more: &[&str]| {
        run(&[&["apply", arg(&at(model)), arg(&at("in.png")), "-o", arg(&at(out))], more].concat())
    };
    apply("bare.safetensors", "out", &["--scale", "4"]).exits(1).says(&["said to be 4", "it is 2"]);
    apply("bare.safetensors", "out", &["--network", "nafnet"])
        .exits(1)
        .says(&["bare.safetensors", "does not fit"]);
    let srresnet = ["--network", "srresnet"];
    apply("bare.safetensors", "out", &[&srresnet[..], &["--scale", "4"]].concat())
        .exits(1)
        .says(&["scale was said to be 4", "by the file it is 2"]);
    apply("bare.safetensors", "out", &[&srresnet[..], &["--res-scale", "0.1"]].concat())
        .exits(2)
        .says(&["--res-scale", "edsr"]);
    apply("bare.safetensors", "out", &["--network", "unet"])
        .exits(2)
        .says(&["srresnet", "compact", "nafnet"]);
    apply("bare.safetensors", "out", &[&srresnet[..], &["--scale", "2"]].concat()).exits(0);
    apply("bare.safetensors", "out", &["--force"]).exits(0);
    apply("model.safetensors", "carded", &[]).exits(0);
    assert_eq!(fs::read(at("out/in.png")).unwrap(), fs::read(at("carded/in.png")).unwrap());
}

/// The architectures stand in one table, and help shows it.
#[test]
fn help_lists_every_network() {
    let help = run(&["apply", "--help"]).exits(0);
    for kind in NETWORKS {
        // Long lines are wrapped.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words(&help.out).contains(&words(&format!("- {}: {}", kind.name, kind.about))),
            "{}",
            help.out
        );
    }
}

/// What an EDSR's weights do not show is said, with the flag that says otherwise.
#[test]
fn what_is_taken_for_granted_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let edsr = |res_scale| NetworkConfig::Edsr(EdsrConfig { num_feat: 4, num_block: 2, res_scale });
    let network = edsr(Some(0.1)).init(2, 3, 7, &percept_conv::device("cpu").unwrap()).unwrap();
    StateDict::of(&network).save(&at("edsr.safetensors")).unwrap();
    write_photo(at("in.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    let apply = |out: &str, more: &[&str]| {
        let (model, input, out) = (at("edsr.safetensors"), at("in.png"), at(out));
        run(&[&["apply", arg(&model), arg(&input), "-o", arg(&out)], more].concat()).exits(0)
    };
    apply("one.png", &[]).says(&["edsr.safetensors: these weights do not say", "1 is used", "--res-scale"]);
    let told = apply("tenth.png", &["--res-scale", "0.1"]);
    assert!(!told.err.contains("res_scale"), "{told:#?}");
    assert_ne!(fs::read(at("one.png")).unwrap(), fs::read(at("tenth.png")).unwrap());
}
