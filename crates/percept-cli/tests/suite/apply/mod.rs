//! `percept apply`: what a file holds survives, nothing is overwritten, one broken file stops nothing.

mod batch;
mod kept;
mod large;
mod photos;
mod places;
mod precision;
mod video;
mod weights;

use std::path::{Path, PathBuf};

use percept_image::{Image, Srgb};
use percept_nn::model::{Card, Model};
use percept_nn::network::{NetworkConfig, SrResNetConfig};

/// A smooth picture with detail.
pub fn photo(width: usize, height: usize, seed: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        let (x, y, k) = (x as f32, y as f32, (seed * 3 + c) as f32);
        0.5 + 0.2 * (x / (3.0 + k % 5.0) + k).sin() + 0.2 * (y / (2.0 + k % 7.0) - x / 11.0).cos()
    })
}

/// The header of an ICC profile for colour pixels, and some content.
pub fn profile() -> Vec<u8> {
    let mut icc = vec![7; 200];
    icc[..4].copy_from_slice(&200_u32.to_be_bytes());
    icc[12..20].copy_from_slice(b"mntrRGB ");
    icc[36..40].copy_from_slice(b"acsp");
    icc
}

/// The file of a small network that enlarges twice.
pub fn model(folder: &Path) -> PathBuf {
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
        finished: false,
        iter: 0,
        percept: "0.1.0".to_string(),
        sha256: String::new(),
    };
    let path = folder.join("model.safetensors");
    Model::new(network, card).save(&path).unwrap();
    path
}
