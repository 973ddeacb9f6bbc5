//! An upsampler that draws no grid.

use burn::tensor::{Device, Tensor, s};
use percept_nn::model::{Card, Model, Tiling};
use percept_nn::network::{NetworkConfig, SpanConfig};
use percept_nn::weights::StateDict;
use serde_json::json;

fn span(even: bool) -> NetworkConfig {
    let config = SpanConfig { feature_channels: 8, reparameterized: false, even, ..SpanConfig::default() };
    NetworkConfig::Span(config)
}

fn card(network_g: NetworkConfig) -> Card {
    Card {
        network_g,
        task: "sr".to_string(),
        scale: 4,
        in_channels: 3,
        losses: json!([]),
        seed: 3,
        data: json!({}),
        finished: true,
        iter: 1,
        percept: "0.1.0".to_string(),
        sha256: String::new(),
    }
}

/// The largest difference of pixels in the middle of what a network makes of one colour.
fn unevenness(network_g: &NetworkConfig, device: &Device) -> f32 {
    let network = network_g.init(4, 3, 3, device).unwrap();
    let colour = Tensor::<1>::from_floats([0.2, 0.5, 0.7], device).reshape([1, 1, 1, 3]);
    let made = network.forward(colour.expand([1, 64, 64, 3]));
    let middle = made.slice(s![.., 112..144, 112..144, ..]);
    let first = middle.clone().slice(s![.., 0..1, 0..1, ..]);
    (middle - first).abs().max().into_scalar()
}

#[test]
fn what_is_constant_stays_constant() {
    let device = Device::flex();
    let (plain, even) = (unevenness(&span(false), &device), unevenness(&span(true), &device));
    assert!(plain > 1e-3, "{plain}: any upsampler is even, so the test tests nothing");
    assert!(even < 1e-5, "{even}");
}

/// What is saved is an ordinary SPAN that does the same.
#[test]
fn a_saved_model_needs_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("even.safetensors");
    let device = Device::flex();
    let network = span(true).init(4, 3, 3, &device).unwrap();
    let model = Model::new(network, card(span(true)));
    model.save(&path).unwrap();
    assert_eq!(Model::load(&path, &device).unwrap().card().network_g, span(false).completed());
    let saved = StateDict::load(&path).unwrap();
    let ordinary =
        span(false).with_our_names(saved).apply(span(false).init(4, 3, 7, &device).unwrap()).unwrap();
    let ordinary = Model::new(ordinary, card(span(false)));
    let photo = percept_image::Image::from_fn(40, 30, |x, y, c| ((x * 7 + y * 5 + c * 3) % 17) as f32 / 16.0);
    let [one, other] = [&model, &ordinary].map(|model| model.restore(&photo, Tiling::whole()).unwrap());
    let apart = one.data().iter().zip(other.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-5, "{apart}");
}
