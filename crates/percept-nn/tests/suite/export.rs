//! ONNX files, run by another program's runtime.

use std::collections::BTreeSet;

use burn::tensor::Device;
use percept_image::{Image, PackedBayer, Space, Srgb};
use percept_nn::model::{Card, Model, Tiling};
use percept_nn::network::{
    ActType, CompactConfig, DatConfig, DruNetConfig, EdsrConfig, FbcnnConfig, LayerNormType, NETWORKS,
    NafNetConfig, NetworkConfig, RealPlksrConfig, ResiConnection, RestormerConfig, RrdbNetConfig,
    ScuNetConfig, SpanConfig, SrResNetConfig, SwinIrConfig, Upsampler,
};
use percept_nn::weights::{Array, StateDict};
use rten::ValueView;
use serde_json::Value;

/// A network all of whose layers matter: initial weights are nearly those of no change at all, and some are 0.
fn model(
    network_g: &NetworkConfig,
    scale: usize,
    in_channels: usize,
    growth: f32,
    least: Option<f32>,
) -> Model {
    let card = Card {
        network_g: network_g.clone(),
        task: "sr".to_string(),
        scale,
        in_channels,
        losses: Value::Null,
        seed: 0,
        data: Value::Null,
        iter: 1,
        finished: true,
        percept: String::new(),
        sha256: String::new(),
    };
    let network = network_g.init(card.network_scale(), in_channels, 5, &Device::flex()).unwrap();
    let mut state = StateDict::new();
    for (name, array) in StateDict::of(&network).iter() {
        let grown = |(at, value): (usize, &f32)| match *value {
            0.0 => least.map_or(0.0, |least| 0.1 * ((at * 7) % 5) as f32 + least),
            value => growth * value,
        };
        let data = array.data.iter().enumerate().map(grown).collect();
        state.insert(name, Array { shape: array.shape.clone(), data });
    }
    Model::new(state.apply(network).unwrap(), card)
}

fn photo<S: Space>(width: usize, height: usize, phase: f32) -> Image<S> {
    Image::from_fn(width, height, |x, y, c| {
        let (x, y) = (x as f32 + phase, y as f32);
        0.5 + 0.3 * (x / 3.0 + c as f32).sin() * (y / 5.0).cos() + 0.1 * ((x * y) / 40.0).sin()
    })
}

/// `[N, C, H, W]` of images of one size.
fn planes<S: Space>(images: &[Image<S>]) -> Vec<f32> {
    let of = |image: &Image<S>| {
        let values = image.data().to_vec();
        (0..S::CHANNELS)
            .flat_map(move |c| values[c..].iter().copied().step_by(S::CHANNELS).collect::<Vec<_>>())
    };
    images.iter().flat_map(of).collect()
}

/// What the file makes of the images, as planes.
fn run<S: Space>(file: &[u8], images: &[Image<S>], scale: usize) -> Vec<f32> {
    let model = rten::Model::load(file.to_vec()).unwrap();
    let (width, height) = images[0].size();
    let values = planes(images);
    let input = ValueView::from_shape([images.len(), S::CHANNELS, height, width], &values).unwrap();
    let [input_id, output_id] = ["input", "output"].map(|name| model.node_id(name).unwrap());
    let [output] = model.run_n(vec![(input_id, input.into())], [output_id], None).unwrap();
    let (shape, values) = output.into_shape_vec::<f32, 4>().unwrap();
    assert_eq!(shape, [images.len(), 3, height * scale, width * scale]);
    values
}

/// The share of values that neither are nor were made black or white.
fn inside(planes: &[f32]) -> f32 {
    planes.iter().filter(|value| (0.001..0.999).contains(*value)).count() as f32 / planes.len() as f32
}

/// Compares two photos at once, of several sizes; `restore` is percept's own way.
fn agrees<S: Space>(
    network_g: &NetworkConfig,
    scale: usize,
    in_channels: usize,
    restore: impl Fn(&Model, &Image<S>) -> Image<Srgb>,
) {
    let name = format!("{network_g} ×{scale}, {in_channels} channels");
    // As large as its result can be seen.
    let sizes = [(3.0, Some(-0.2)), (1.5, Some(-0.2)), (1.5, Some(0.0)), (1.0, None), (0.5, Some(0.0))];
    let grown = sizes.map(|(growth, least)| {
        let model = model(network_g, scale, in_channels, growth, least);
        (inside(&planes(&[restore(&model, &photo(24, 16, 0.0))])), model)
    });
    let best = grown.iter().map(|(share, _)| share.min(0.4)).fold(0.0, f32::max);
    assert!(best > 0.1, "{name}: nearly all is cut off");
    let (_, model) = grown.iter().find(|(share, _)| *share >= best).unwrap();
    let file = model.to_onnx(false, &[]).unwrap();
    for (width, height) in [(24, 16), (19, 13), (1, 3)] {
        let images = [photo::<S>(width, height, 0.0), photo(width, height, 11.0)];
        let expected = images.each_ref().map(|image| restore(model, image));
        let expected = planes(&expected);
        let got = run(&file, &images, model.card().network_scale());
        let difference = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference <= 1e-4, "{name}, {width}×{height}: {difference}");
    }
}

fn realplksr(layer_norm: bool, dysample: bool, use_ea: bool) -> NetworkConfig {
    let config = RealPlksrConfig {
        dim: 8,
        n_blocks: 2,
        kernel_size: 5,
        layer_norm,
        dysample,
        use_ea,
        ..RealPlksrConfig::default()
    };
    NetworkConfig::RealPlksr(config)
}

fn esrgan(use_pixel_unshuffle: bool, plus: bool) -> NetworkConfig {
    let (num_feat, num_block, num_grow_ch) = (8, 1, 4);
    NetworkConfig::RrdbNet(RrdbNetConfig {
        num_feat,
        num_block,
        num_grow_ch,
        use_pixel_unshuffle,
        plus,
        ..RrdbNetConfig::default()
    })
}

fn span(norm: bool, reparameterized: bool) -> NetworkConfig {
    // Values of hundreds and gates that jump at 0 would make rounding visible.
    let img_range = if norm { 4.0 } else { 255.0 };
    let config =
        SpanConfig { feature_channels: 6, norm, img_range, reparameterized, ..SpanConfig::default() };
    NetworkConfig::Span(config)
}

fn swinir(upsampler: Upsampler, window_size: usize, resi_connection: ResiConnection) -> NetworkConfig {
    NetworkConfig::SwinIr(SwinIrConfig {
        embed_dim: 8,
        depths: vec![2, 1],
        num_heads: vec![2, 4],
        window_size,
        upsampler,
        resi_connection,
        num_feat: 6,
        img_range: Some(2.0),
        // As no published file is, in one of the kinds.
        qkv_bias: window_size != 5,
        patch_norm: window_size != 5,
        ..SwinIrConfig::default()
    })
}

/// With the windows of both ways moved, where the first block of the second group has them moved.
fn dat(split_size: [usize; 2], light: bool) -> NetworkConfig {
    let (upsampler, resi_connection) = match light {
        true => (Upsampler::PixelShuffleDirect, ResiConnection::Three),
        false => (Upsampler::PixelShuffle, ResiConnection::One),
    };
    NetworkConfig::Dat(DatConfig {
        embed_dim: 32,
        depth: vec![1, 2],
        num_heads: vec![2, 4],
        split_size,
        expansion_factor: if light { 1.0 } else { 4.0 },
        qkv_bias: !light,
        upsampler,
        resi_connection,
        num_feat: 6,
    })
}

fn restormer(bias: bool, layer_norm_type: LayerNormType) -> NetworkConfig {
    NetworkConfig::Restormer(RestormerConfig {
        dim: 4,
        num_blocks: [1, 2, 1, 1],
        num_refinement_blocks: 1,
        heads: [1, 2, 2, 4],
        bias,
        layer_norm_type,
        ..RestormerConfig::default()
    })
}

fn scunet() -> NetworkConfig {
    NetworkConfig::ScuNet(ScuNetConfig { dim: 8, config: [2, 1, 1, 2, 1, 1, 2], head_dim: 4 })
}

fn cases() -> Vec<(NetworkConfig, usize)> {
    let srresnet = || NetworkConfig::SrResNet(SrResNetConfig { num_feat: 8, num_block: 2 });
    let edsr = || NetworkConfig::Edsr(EdsrConfig { num_feat: 8, num_block: 2, res_scale: Some(0.5) });
    let compact = |act_type| NetworkConfig::Compact(CompactConfig { num_feat: 8, num_conv: 3, act_type });
    let (enc_blk_nums, dec_blk_nums) = (vec![1, 1, 1], vec![1, 1, 1]);
    let nafnet = NafNetConfig { width: 4, enc_blk_nums, middle_blk_num: 1, dec_blk_nums };
    let drunet = DruNetConfig { nc: [6, 8, 8, 8], nb: 2, noise_level: Some(25.0) };
    let fbcnn =
        |quality| NetworkConfig::Fbcnn(FbcnnConfig { nc: [6, 8, 8, 8], nb: 2, embedding: 8, quality });
    vec![
        (NetworkConfig::DruNet(drunet), 1),
        (fbcnn(None), 1),
        (fbcnn(Some(30.0)), 1),
        (srresnet(), 1),
        (srresnet(), 3),
        (srresnet(), 4),
        (edsr(), 1),
        (edsr(), 3),
        (edsr(), 4),
        (esrgan(true, false), 1),
        (esrgan(true, false), 2),
        (esrgan(false, false), 2),
        (esrgan(true, true), 4),
        (esrgan(true, false), 8),
        (compact(ActType::Prelu), 4),
        (compact(ActType::Relu), 1),
        (compact(ActType::LeakyRelu), 3),
        (NetworkConfig::NafNet(nafnet), 1),
        (span(false, true), 2),
        (span(true, true), 4),
        (span(true, false), 3),
        (NetworkConfig::Span(SpanConfig { feature_channels: 6, even: true, ..SpanConfig::default() }), 4),
        (realplksr(false, false, true), 4),
        (realplksr(true, false, false), 1),
        (realplksr(false, true, true), 2),
        (realplksr(true, true, true), 3),
        (realplksr(true, true, false), 1),
        (swinir(Upsampler::PixelShuffleDirect, 4, ResiConnection::One), 4),
        (swinir(Upsampler::PixelShuffle, 5, ResiConnection::One), 3),
        (swinir(Upsampler::PixelShuffle, 8, ResiConnection::Three), 2),
        (swinir(Upsampler::NearestConv, 4, ResiConnection::Three), 4),
        (swinir(Upsampler::NearestConv, 3, ResiConnection::One), 2),
        (swinir(Upsampler::None, 7, ResiConnection::One), 1),
        (scunet(), 1),
        (restormer(false, LayerNormType::WithBias), 1),
        (restormer(true, LayerNormType::BiasFree), 1),
        (dat([4, 8], false), 2),
        (dat([8, 2], true), 3),
        (dat([4, 4], true), 4),
    ]
}

#[test]
fn another_runtime_gives_what_percept_gives() {
    for (network_g, scale) in cases() {
        agrees::<Srgb>(&network_g, scale, 3, |model, image| model.restore(image, Tiling::whole()).unwrap());
    }
    let tried: BTreeSet<_> = cases().iter().map(|(network_g, ..)| network_g.name()).collect();
    let untried: Vec<_> =
        NETWORKS.iter().map(|kind| kind.name).filter(|name| !tried.contains(name)).collect();
    assert!(untried.is_empty(), "{untried:?}");
}

#[test]
fn networks_of_one_channel_are_exported_for_photos() {
    let drunet = DruNetConfig { nc: [6, 8, 8, 8], nb: 2, ..DruNetConfig::default() };
    let compact = CompactConfig { num_feat: 8, num_conv: 3, ..CompactConfig::default() };
    let denoising = swinir(Upsampler::None, 4, ResiConnection::One);
    for (network_g, scale) in [
        (NetworkConfig::DruNet(drunet), 1),
        (NetworkConfig::Compact(compact), 2),
        (span(false, false), 4),
        (denoising, 1),
        (scunet(), 1),
        (restormer(false, LayerNormType::BiasFree), 1),
    ] {
        agrees::<Srgb>(&network_g, scale, 1, |model, image| model.restore(image, Tiling::whole()).unwrap());
    }
}

#[test]
fn networks_of_raws_are_exported_too() {
    let srresnet = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 8, num_block: 2 });
    for (network_g, scale) in [
        (srresnet, 1),
        (span(true, true), 2),
        (realplksr(false, false, true), 2),
        (swinir(Upsampler::PixelShuffle, 4, ResiConnection::One), 2),
        (dat([4, 8], true), 2),
    ] {
        let restore = |model: &Model, raw: &_| model.restore_bayer(raw, Tiling::whole()).unwrap();
        agrees::<PackedBayer>(&network_g, scale, 4, restore);
    }
}

#[test]
fn half_the_bytes_are_nearly_the_same_network() {
    let compact = CompactConfig { num_feat: 32, num_conv: 4, ..CompactConfig::default() };
    let mut model = model(&NetworkConfig::Compact(compact), 2, 3, 1.2, Some(-0.2));
    let [whole, half] = [false, true].map(|half| model.to_onnx(half, &[]).unwrap());
    assert!(half.len() < whole.len() * 11 / 20, "{} of {}", half.len(), whole.len());
    let images = [photo::<Srgb>(20, 14, 0.0)];
    let difference = |model: &Model| {
        let expected = planes(&[model.restore(&images[0], Tiling::whole()).unwrap()]);
        let got = run(&model.to_onnx(true, &[]).unwrap(), &images, 2);
        got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    let rounded = difference(&model);
    assert!(rounded > 0.0 && rounded < 4e-3, "{rounded}");
    // What 16 bits cannot say stays whole: slopes of a network that always has positive values.
    let mut state = StateDict::of(model.network());
    let slopes = Array { shape: vec![32], data: vec![1e5; 32] };
    let bias = Array { shape: vec![32], data: vec![50.0; 32] };
    state.insert("body.1.weight", slopes);
    state.insert("body.0.bias", bias);
    let last = Array { shape: vec![12, 32, 3, 3], data: vec![0.0; 12 * 32 * 9] };
    state.insert("body.10.weight", last);
    model = Model::new(state.apply(model.network().clone()).unwrap(), model.card().clone());
    assert!(difference(&model) < 4e-3);
}

#[test]
fn a_file_says_what_it_is() {
    let model = model(&span(false, true), 2, 3, 1.0, Some(-0.2));
    let about = [("licence".to_string(), "CC-BY-4.0".to_string())];
    let file = model.to_onnx(false, &about).unwrap();
    let holds = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    for text in ["architecture", "span", "scale", "licence", "CC-BY-4.0", "feature_channels", "2*height"] {
        assert!(holds(text), "{text}");
    }
    // What is folded is not there twice.
    assert!(file.len() < 4 * StateDict::of(model.network()).iter().map(|(_, a)| a.data.len()).sum::<usize>());
    assert_eq!(model.to_onnx(false, &about).unwrap(), file);
}
