//! Small networks of every kind, as models.

use burn::tensor::Device;
use percept_image::{Image, Srgb};
use percept_nn::model::{Card, Model};
use percept_nn::network::{
    DatConfig, DruNetConfig, FbcnnConfig, NafNetConfig, NetworkConfig, RealPlksrConfig, RestormerConfig,
    ScuNetConfig, SpanConfig, SrResNetConfig, SwinIrConfig,
};
use percept_nn::weights::{Array, StateDict};
use serde_json::json;

pub fn card(network_g: NetworkConfig, scale: usize, in_channels: usize) -> Card {
    Card {
        network_g,
        task: "sr".to_string(),
        scale,
        in_channels,
        losses: json!([{"type": "l1", "name": "l1", "weight": 1.0}]),
        seed: 3,
        data: json!({"photos": 5}),
        finished: false,
        iter: 12,
        percept: "0.1.0".to_string(),
        sha256: String::new(),
    }
}

/// A network all of whose layers matter. Initial weights are nearly those of no change at all, so they are grown;
/// gates and biases start at 0, so they are filled.
pub fn model(network_g: NetworkConfig, scale: usize, in_channels: usize, growth: f32) -> Model {
    let card = card(network_g.clone(), scale, in_channels);
    let network = network_g.init(card.network_scale(), in_channels, 3, &Device::flex()).unwrap();
    let mut state = StateDict::new();
    for (name, array) in StateDict::of(&network).iter() {
        let grown = |(at, value): (usize, &f32)| match *value {
            0.0 => 0.1 * ((at * 7) % 5) as f32 - 0.2,
            value => growth * value,
        };
        let data = array.data.iter().enumerate().map(grown).collect();
        state.insert(name, Array { shape: array.shape.clone(), data });
    }
    Model::new(state.apply(network).unwrap(), card)
}

pub fn photo(width: usize, height: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        let (x, y) = (x as f32, y as f32);
        0.5 + 0.3 * (x / 3.0 + c as f32).sin() * (y / 5.0).cos() + 0.1 * ((x * y) / 40.0).sin()
    })
}

pub fn srresnet(num_feat: usize, num_block: usize) -> NetworkConfig {
    NetworkConfig::SrResNet(SrResNetConfig { num_feat, num_block })
}

pub fn span(reparameterized: bool) -> NetworkConfig {
    NetworkConfig::Span(SpanConfig {
        feature_channels: 8,
        norm: !reparameterized,
        reparameterized,
        ..SpanConfig::default()
    })
}

pub fn realplksr(layer_norm: bool, dysample: bool) -> NetworkConfig {
    let config =
        RealPlksrConfig { dim: 8, n_blocks: 3, kernel_size: 9, layer_norm, dysample, ..Default::default() };
    NetworkConfig::RealPlksr(config)
}

pub fn swinir(blocks: usize) -> NetworkConfig {
    let (depths, num_heads) = (vec![blocks; 2], vec![2; 2]);
    NetworkConfig::SwinIr(SwinIrConfig { embed_dim: 12, depths, num_heads, ..SwinIrConfig::default() })
}

pub fn scunet() -> NetworkConfig {
    NetworkConfig::ScuNet(ScuNetConfig { dim: 8, config: [1, 1, 1, 2, 1, 1, 1], head_dim: 4 })
}

pub fn restormer() -> NetworkConfig {
    let (num_blocks, num_refinement_blocks) = ([1; 4], 1);
    let config = RestormerConfig { dim: 8, num_blocks, num_refinement_blocks, ..RestormerConfig::default() };
    NetworkConfig::Restormer(config)
}

pub fn dat(split_size: [usize; 2]) -> NetworkConfig {
    let (depth, num_heads, num_feat) = (vec![3, 2], vec![2; 2], 8);
    NetworkConfig::Dat(DatConfig {
        embed_dim: 32,
        depth,
        num_heads,
        split_size,
        num_feat,
        ..DatConfig::default()
    })
}

pub fn drunet() -> NetworkConfig {
    NetworkConfig::DruNet(DruNetConfig { nc: [6, 8, 8, 8], nb: 2, noise_level: Some(15.0) })
}

pub fn fbcnn() -> NetworkConfig {
    NetworkConfig::Fbcnn(FbcnnConfig { nc: [6, 8, 8, 8], nb: 2, embedding: 8, quality: None })
}

pub fn nafnet(width: usize) -> NetworkConfig {
    let (enc_blk_nums, dec_blk_nums) = (vec![1, 2], vec![1, 1]);
    NetworkConfig::NafNet(NafNetConfig { width, enc_blk_nums, middle_blk_num: 1, dec_blk_nums })
}

pub fn largest_difference(a: &Image<Srgb>, b: &Image<Srgb>) -> f32 {
    assert_eq!(a.size(), b.size());
    a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Mean size of the change from pixel to pixel: what a network that says nothing would have none of.
pub fn liveliness(image: &Image<Srgb>) -> f32 {
    let values = image.data();
    let steps = values.iter().zip(&values[3..]).map(|(a, b)| (a - b).abs());
    steps.sum::<f32>() / values.len() as f32
}
