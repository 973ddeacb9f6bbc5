//! Model files, and images that go through them in tiles.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)] // a failed test may panic

use std::fs;

use burn::tensor::Device;
use percept_image::{Image, Srgb};
use percept_nn::model::{Card, Model, ModelError, Tiling};
use percept_nn::network::{EdsrConfig, NafNetConfig, NetworkConfig, RrdbNetConfig, SrResNetConfig};
use percept_nn::weights::{Array, StateDict};
use serde_json::Value;

fn card(network_g: NetworkConfig, scale: usize, in_channels: usize) -> Card {
    Card {
        network_g,
        task: "sr".to_string(),
        scale,
        in_channels,
        losses: Value::Null,
        seed: 3,
        data: Value::Null,
        iter: 12,
        percept: "0.1.0".to_string(),
        sha256: String::new(),
    }
}

/// A network whose layers all matter: initial weights are nearly those of no change at all, so they are grown.
fn model(network_g: NetworkConfig, scale: usize, in_channels: usize, growth: f32) -> Model {
    let network = network_g.init(scale, in_channels, 3, &Device::flex()).unwrap();
    let mut state = StateDict::new();
    for (name, array) in StateDict::of(&network).iter() {
        let grown = |(at, value): (usize, &f32)| match *value {
            // Gates of blocks start at 0.
            0.0 => 0.1 * ((at * 7) % 5) as f32 - 0.2,
            value => growth * value,
        };
        let data = array.data.iter().enumerate().map(grown).collect();
        state.insert(name, Array { shape: array.shape.clone(), data });
    }
    Model::new(state.apply(network).unwrap(), card(network_g, scale, in_channels))
}

fn photo(width: usize, height: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        let (x, y) = (x as f32, y as f32);
        0.5 + 0.3 * (x / 3.0 + c as f32).sin() * (y / 5.0).cos() + 0.1 * ((x * y) / 40.0).sin()
    })
}

fn largest_difference(a: &Image<Srgb>, b: &Image<Srgb>) -> f32 {
    assert_eq!(a.size(), b.size());
    a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

const PIECE: Tiling = Tiling { size: Some(0), overlap: None };

#[test]
fn tiles_give_what_one_piece_gives() {
    let srresnet = |num_block| NetworkConfig::SrResNet(SrResNetConfig { num_feat: 12, num_block });
    let edsr = NetworkConfig::Edsr(EdsrConfig { num_feat: 12, num_block: 4, ..EdsrConfig::default() });
    let rrdb = NetworkConfig::RrdbNet(RrdbNetConfig { num_feat: 8, num_block: 3, num_grow_ch: 4 });
    let naf =
        NafNetConfig { width: 8, enc_blk_nums: vec![1, 1], middle_blk_num: 1, dec_blk_nums: vec![1, 1] };
    let cases = [
        (srresnet(3), 4, 4.0),
        (srresnet(3), 3, 4.0),
        (srresnet(16), 1, 2.0),
        (edsr, 2, 1.5),
        (rrdb.clone(), 4, 2.0),
        (rrdb, 2, 2.0),
        (NetworkConfig::NafNet(naf), 1, 1.0),
    ];
    for (network_g, scale, growth) in cases {
        let name = format!("{} x{scale}", network_g.name());
        let model = model(network_g, scale, 3, growth);
        let image = photo(75, 50);
        let whole = model.restore(&image, PIECE).unwrap();
        assert_eq!(whole.size(), (75 * scale, 50 * scale));
        let tiled = model.restore(&image, Tiling { size: Some(32), overlap: None }).unwrap();
        let difference = largest_difference(&whole, &tiled);
        assert!(difference <= 1.0 / 255.0, "{name}: {difference}");
        if !matches!(model.card().network_g, NetworkConfig::NafNet(_)) {
            let bare = model.restore(&image, Tiling { size: Some(32), overlap: Some(0) }).unwrap();
            let difference = largest_difference(&whole, &bare);
            assert!(
                difference > 1.0 / 255.0,
                "{name}: without overlap {difference}, so the test tests nothing"
            );
        }
    }
}

#[test]
fn every_size_goes_through() {
    let naf = NetworkConfig::NafNet(NafNetConfig { width: 4, ..NafNetConfig::default() });
    let sr = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 4, num_block: 1 });
    for (network_g, scale) in [(naf, 1), (sr, 4)] {
        let model = model(network_g, scale, 3, 1.0);
        for (width, height) in [(1, 1), (1, 40), (17, 3)] {
            let restored = model.restore(&photo(width, height), Tiling::default()).unwrap();
            assert_eq!(restored.size(), (scale * width, scale * height));
            assert!(restored.data().iter().all(|value| (0.0..=1.0).contains(value)));
        }
    }
}

#[test]
fn a_file_holds_the_model_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let raw = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 4, num_block: 1 });
    let saved = model(raw, 2, 4, 1.0);
    saved.save(&path).unwrap();
    let loaded = Model::load(&path, &Device::flex()).unwrap();
    assert_eq!(loaded.card(), saved.card());
    let raw = Image::from_fn(20, 12, |x, y, c| ((x * 3 + y + c) % 9) as f32 / 9.0);
    let restore = |model: &Model| model.restore_bayer(&raw, Tiling::default()).unwrap();
    assert!(restore(&loaded) == restore(&saved));
    assert!(matches!(
        loaded.restore(&photo(9, 9), Tiling::default()),
        Err(ModelError::Channels { reads: 4, has: 3 })
    ));
}

#[test]
fn files_that_are_no_sound_models_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let sr = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 4, num_block: 1 });
    let saved = model(sr.clone(), 2, 3, 1.0);
    saved.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let load = || Model::load(&path, &Device::flex()).unwrap_err();

    let mut flipped = whole.clone();
    let last = flipped.len() - 2;
    flipped[last] ^= 1;
    fs::write(&path, flipped).unwrap();
    assert!(matches!(load(), ModelError::Damaged { .. }), "{}", load());

    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(load().to_string().contains("model.safetensors"), "{}", load());

    let mut bare = StateDict::new();
    bare.extend_prefixed(
        "",
        StateDict::load(&{
            fs::write(&path, &whole).unwrap();
            path.clone()
        })
        .unwrap(),
    );
    bare.save(&path).unwrap();
    assert!(matches!(load(), ModelError::NoCard { .. }), "{}", load());
    let imported = Model::import(&path, sr, 2, &Device::flex()).unwrap();
    let restore = |model: &Model| model.restore(&photo(20, 12), Tiling::default()).unwrap();
    assert!(restore(&imported) == restore(&saved));
}

#[test]
fn a_result_that_is_no_number_is_an_error() {
    let sr = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 4, num_block: 1 });
    let model = model(sr, 2, 3, 1e30);
    let restored = model.restore(&photo(20, 12), Tiling::default());
    assert!(matches!(restored, Err(ModelError::NotFinite)), "{restored:?}");
}
