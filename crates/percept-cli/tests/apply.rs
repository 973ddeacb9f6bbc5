//! `percept apply`: what a file holds survives, nothing is overwritten, one broken file stops nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{arg, run};
use percept_image::{Depth, Image, Photo, Srgb, read_photo, write_photo};
use percept_nn::model::{Card, Model};
use percept_nn::network::{NetworkConfig, SrResNetConfig};

/// A smooth picture with detail.
fn photo(width: usize, height: usize, seed: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        let (x, y, k) = (x as f32, y as f32, (seed * 3 + c) as f32);
        0.5 + 0.2 * (x / (3.0 + k % 5.0) + k).sin() + 0.2 * (y / (2.0 + k % 7.0) - x / 11.0).cos()
    })
}

/// The header of an ICC profile for colour pixels, and some content.
fn profile() -> Vec<u8> {
    let mut icc = vec![7; 200];
    icc[..4].copy_from_slice(&200_u32.to_be_bytes());
    icc[12..20].copy_from_slice(b"mntrRGB ");
    icc[36..40].copy_from_slice(b"acsp");
    icc
}

/// The file of a small network that enlarges twice.
fn model(folder: &Path) -> PathBuf {
    let network_g = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 8, num_block: 2 });
    let network = network_g.init(2, 3, 7, &percept_conv::device("cpu").unwrap()).unwrap();
    let card = Card {
        network_g,
        task: "sr".to_string(),
        scale: 2,
        in_channels: 3,
        losses: serde_json::Value::Null,
        seed: 7,
        data: serde_json::Value::Null,
        iter: 0,
        percept: "0.1.0".to_string(),
        sha256: String::new(),
    };
    let path = folder.join("model.safetensors");
    Model::new(network, card).save(&path).unwrap();
    path
}

#[test]
fn alpha_and_sixteen_bits_are_kept_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (model, input, out) = (model(folder.path()), at("in.png"), at("out"));
    let alpha = (0..24 * 20).map(|i| i as f32 / 479.0).collect();
    write_photo(
        &input,
        &Photo {
            alpha: Some(alpha),
            depth: Depth::Sixteen,
            icc: Some(profile()),
            ..Photo::new(photo(24, 20, 3))
        },
    )
    .unwrap();

    let done = run(&["apply", arg(&model), arg(&input), "-o", arg(&out)]).exits(0).prints(&["in.png"]);
    let result = read_photo(PathBuf::from(done.out.trim())).unwrap();
    assert_eq!(result.pixels.size(), (48, 40));
    assert_eq!(result.depth, Depth::Sixteen);
    assert_eq!(result.icc, Some(profile()));
    let alpha = result.alpha.unwrap();
    assert_eq!(alpha.len(), 48 * 40);
    assert!(alpha[0] < 0.02 && alpha[alpha.len() - 1] > 0.98);

    let before = fs::read(out.join("in.png")).unwrap();
    run(&["apply", arg(&model), arg(&input), "-o", arg(&out)]).exits(2).says(&["in.png", "--force"]);
    assert_eq!(fs::read(out.join("in.png")).unwrap(), before);
    run(&["apply", arg(&model), arg(&input), "-o", arg(&out), "--force"]).exits(0);
}

#[test]
fn tiles_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    write_photo(at("in.png"), &Photo::new(photo(90, 70, 5))).unwrap();
    run(&["apply", arg(&model), arg(&at("in.png")), "-o", arg(&at("whole"))]).exits(0);
    run(&["apply", arg(&model), arg(&at("in.png")), "-o", arg(&at("tiled")), "--tile", "32"]).exits(0);
    let read = |name: &str| read_photo(at(name).join("in.png")).unwrap().pixels;
    let (whole, tiled) = (read("whole"), read("tiled"));
    let far = whole.data().iter().zip(tiled.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far <= 1.0 / 255.0 + 1e-6, "{far}");
}

#[test]
fn one_broken_picture_among_good_ones_is_named_and_the_rest_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    fs::create_dir(at("in")).unwrap();
    for name in ["a.png", "b.png", "c.png"] {
        write_photo(at("in").join(name), &Photo::new(photo(20, 16, 1))).unwrap();
    }
    let whole = fs::read(at("in").join("b.png")).unwrap();
    fs::write(at("in").join("b.png"), &whole[..whole.len() / 2]).unwrap();
    run(&["apply", arg(&model), arg(&at("in")), "-o", arg(&at("out"))])
        .exits(1)
        .says(&["b.png", "cut off", "1 of 3"])
        .prints(&["a.png", "c.png"]);
    assert!(at("out").join("c.png").exists() && !at("out").join("b.png").exists());
}

#[test]
fn a_model_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_photo(at("in.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    run(&["apply", arg(&at("nowhere")), arg(&at("in.png")), "-o", arg(&at("out"))])
        .exits(2)
        .says(&["nowhere", "run"]);
    fs::write(at("model.safetensors"), b"half a fi").unwrap();
    run(&["apply", arg(folder.path()), arg(&at("in.png")), "-o", arg(&at("out"))])
        .exits(1)
        .says(&["model.safetensors"]);
}
