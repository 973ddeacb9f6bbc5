//! Photos whose sides fit no network, against what other tools make of them: `fixtures/make_sizes.py`.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use percept_image::{Image, Srgb};
use percept_nn::model::{Asked, Model, Tiling};
use percept_nn::network::{
    ActType, CompactConfig, DatConfig, DruNetConfig, EdsrConfig, FbcnnConfig, NETWORKS, NafNetConfig,
    NetworkConfig, RealPlksrConfig, ResiConnection, RestormerConfig, RrdbNetConfig, ScuNetConfig, SpanConfig,
    SrResNetConfig, SwinIrConfig, Upsampler,
};
use percept_nn::weights::StateDict;

use super::seeded;

fn swinir(upsampler: Upsampler, window_size: usize, heads: usize, range: f64) -> NetworkConfig {
    NetworkConfig::SwinIr(SwinIrConfig {
        embed_dim: 12,
        depths: vec![2],
        num_heads: vec![heads],
        window_size,
        upsampler,
        img_range: Some(range),
        ..SwinIrConfig::default()
    })
}

fn dat(depth: &[usize], heads: usize, split_size: [usize; 2], light: bool) -> NetworkConfig {
    let (upsampler, resi_connection) = match light {
        true => (Upsampler::PixelShuffleDirect, ResiConnection::Three),
        false => (Upsampler::PixelShuffle, ResiConnection::One),
    };
    NetworkConfig::Dat(DatConfig {
        embed_dim: 96,
        depth: depth.to_vec(),
        num_heads: vec![heads; depth.len()],
        split_size,
        expansion_factor: if light { 1.0 } else { 2.0 },
        qkv_bias: !light,
        upsampler,
        resi_connection,
        ..DatConfig::default()
    })
}

fn cases() -> Vec<(&'static str, NetworkConfig, usize)> {
    let rrdbnet =
        || NetworkConfig::RrdbNet(RrdbNetConfig { num_feat: 4, num_block: 1, ..RrdbNetConfig::default() });
    let compact = CompactConfig { num_feat: 8, num_conv: 2, act_type: ActType::Prelu };
    let span = SpanConfig { feature_channels: 16, norm: false, ..SpanConfig::default() };
    let realplksr = RealPlksrConfig {
        dim: 16,
        n_blocks: 2,
        kernel_size: 5,
        layer_norm: true,
        ..RealPlksrConfig::default()
    };
    let nafnet = |levels| {
        let (enc_blk_nums, dec_blk_nums) = (vec![1; levels], vec![1; levels]);
        NetworkConfig::NafNet(NafNetConfig { width: 4, enc_blk_nums, middle_blk_num: 1, dec_blk_nums })
    };
    let edsr = EdsrConfig { num_feat: 8, num_block: 2, ..EdsrConfig::default() };
    let drunet = DruNetConfig { nc: [4, 4, 6, 6], nb: 2, noise_level: Some(15.0) };
    let fbcnn = FbcnnConfig { nc: [3, 4, 5, 512], nb: 2, ..FbcnnConfig::default() };
    let scunet = |config| NetworkConfig::ScuNet(ScuNetConfig { config, ..ScuNetConfig::default() });
    let restormer = RestormerConfig {
        dim: 4,
        num_blocks: [1; 4],
        num_refinement_blocks: 1,
        heads: [1, 2, 2, 4],
        ..RestormerConfig::default()
    };
    vec![
        ("rrdbnet_x1", rrdbnet(), 1),
        ("rrdbnet_x2", rrdbnet(), 2),
        ("rrdbnet_x4", rrdbnet(), 4),
        ("compact_x2", NetworkConfig::Compact(compact), 2),
        ("span_x2", NetworkConfig::Span(span), 2),
        ("realplksr_x2", NetworkConfig::RealPlksr(realplksr), 2),
        ("nafnet_x1", nafnet(3), 1),
        ("nafnet_gray_x1", nafnet(2), 1),
        ("srresnet_x2", NetworkConfig::SrResNet(SrResNetConfig { num_feat: 8, num_block: 2 }), 2),
        ("edsr_x4", NetworkConfig::Edsr(edsr), 4),
        ("drunet_x1", NetworkConfig::DruNet(drunet), 1),
        ("fbcnn_x1", NetworkConfig::Fbcnn(fbcnn), 1),
        ("swinir_x4", swinir(Upsampler::PixelShuffleDirect, 8, 2, 1.0), 4),
        ("swinir_x2", swinir(Upsampler::PixelShuffle, 5, 3, 1.0), 2),
        ("swinir_jpeg_x1", swinir(Upsampler::None, 7, 2, 255.0), 1),
        ("swinir_gray_x1", swinir(Upsampler::None, 8, 2, 1.0), 1),
        ("scunet_x1", scunet([1, 1, 1, 2, 1, 1, 1]), 1),
        ("scunet_gray_x1", scunet([1; 7]), 1),
        ("dat_x2", dat(&[3, 1], 4, [4, 8], false), 2),
        ("dat_light_x3", dat(&[2], 2, [8, 8], true), 3),
        ("restormer_x1", NetworkConfig::Restormer(restormer), 1),
    ]
}

/// The architecture is told by the weights; cut into tiles, the result is the same.
#[test]
fn photos_of_any_size_are_restored_as_by_other_tools() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sizes.safetensors");
    let fixture = StateDict::load(&path).unwrap();
    for (case, network_g, scale) in cases() {
        let channels = if case.contains("gray") { 1 } else { 3 };
        let gain = f64::from(fixture.get(&format!("{case}.gain")).unwrap().data[0]);
        let weights = seeded::weights(&network_g, scale, channels, gain);
        let asked = Asked { network_g: case.contains("drunet").then_some(&network_g), scale: None };
        let model = Model::of_weights(weights, Path::new(case), asked, &Device::flex()).unwrap();
        assert_eq!(model.card().network_g, network_g.completed(), "{case}");
        assert_eq!((model.card().scale, model.card().in_channels), (scale, channels), "{case}");
        let mut compared = 0;
        for (height, width) in [(17, 23), (3, 5), (18, 30)] {
            let Some(expected) = fixture.get(&format!("{case}.{height}x{width}")) else { continue };
            let values = seeded::photo(height, width, channels);
            let values = values.into_iter().flat_map(|value| std::iter::repeat_n(value, 3 / channels));
            let photo = Image::<Srgb>::from_vec(width, height, values.collect()).unwrap();
            for tiling in [Tiling::whole(), Tiling { size: Some(8), overlap: Some(64) }] {
                let result = model.restore(&photo, tiling).unwrap();
                let result: Vec<_> = result.data().iter().step_by(3 / channels).collect();
                let some = result.iter().step_by((result.len() / 250) | 1);
                assert_eq!(some.len(), expected.data.len(), "{case}");
                for (at, (got, expected)) in some.zip(&expected.data).enumerate() {
                    let difference = (*got - expected).abs();
                    assert!(difference <= 1e-4, "{case} {height}×{width} at {at}: {got}, torch {expected}");
                }
            }
            compared += 1;
        }
        assert!(compared >= 2, "{case}");
    }
    let tried: BTreeSet<_> = cases().iter().map(|(_, network_g, _)| network_g.name()).collect();
    assert!(NETWORKS.iter().all(|kind| tried.contains(kind.name)), "{tried:?}");
}
