//! Networks against PyTorch: `fixtures/make_networks.py`, `make_spandrel.py`, `make_transformers.py` and `make_kair.py` made the
//! weights, inputs, outputs and gradients.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use percept_image::{Image, Srgb};
use percept_nn::model::{Asked, Model, Tiling};
use percept_nn::network::{
    ActType, CompactConfig, DatConfig, DruNetConfig, EdsrConfig, FbcnnConfig, LayerNormType, NafNetConfig,
    NetworkConfig, RealPlksrConfig, ResiConnection, RestormerConfig, RrdbNetConfig, ScuNetConfig, SpanConfig,
    SrResNetConfig, SwinIrConfig, Upsampler,
};
use percept_nn::weights::{Array, StateDict};

use super::seeded;

/// Of a gradient: its norm, and its first, middle and last element.
type Some4 = [f32; 4];

/// The gradient of every parameter, by its name.
struct Found<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: BTreeMap<String, Some4>,
}

impl ModuleVisitor for Found<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        // The variant of an enum is a place without a name.
        self.path.push(if container.starts_with("Enum:") { String::new() } else { name.to_string() });
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let parts: Vec<_> = self.path.iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        let name = parts.join(".");
        // A few are marks that nothing reads.
        let Some(got) = param.val().grad(self.gradients) else { return };
        let got = got.into_data().try_into_vec::<f32>().unwrap();
        let norm = got.iter().map(|v| v * v).sum::<f32>().sqrt();
        self.found.insert(name, [norm, got[0], got[got.len() / 2], got[got.len() - 1]]);
    }
}

/// Where the arrays of a script are.
fn fixture(name: &str) -> StateDict {
    StateDict::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// With networks written from their papers.
fn agrees_with_torch(network_g: &NetworkConfig, scales: &[usize]) {
    let fixture = fixture("networks.safetensors");
    for scale in scales {
        let case = format!("{}_x{scale}", network_g.name());
        agrees(&case, network_g, *scale, Reference::stored(&case, network_g, &fixture));
    }
}

/// What PyTorch gives.
struct Reference {
    /// Under the names of percept's network.
    weights: StateDict,
    input: Array,
    output: Array,
    gradients: Gradients4,
}

/// Gradients by their names, or in the order of these.
enum Gradients4 {
    Named(StateDict),
    Sorted(Vec<f32>),
}

impl Reference {
    /// All of it in the fixture.
    fn stored(case: &str, network_g: &NetworkConfig, fixture: &StateDict) -> Self {
        let section = |part: &str| network_g.with_our_names(fixture.section(&format!("{case}.{part}.")));
        let array = |part: &str| fixture.get(&format!("{case}.{part}")).unwrap().clone();
        Self {
            weights: section("weights"),
            input: array("input"),
            output: array("output"),
            gradients: Gradients4::Named(section("gradients")),
        }
    }

    /// With weights and input that are made again.
    fn seeded(case: &str, network_g: &NetworkConfig, scale: usize, fixture: &StateDict) -> Self {
        let array = |part: &str| fixture.get(&format!("{case}.{part}")).unwrap().clone();
        let (gain, size) = (array("gain").data[0], array("size").data);
        let [height, width] = [size[0] as usize, size[1] as usize];
        let mut weights = seeded::weights(network_g, scale, 3, f64::from(gain));
        // Beside the parameters stand others in the authors' files.
        weights.extend_prefixed("", fixture.section(&format!("{case}.beside.")));
        Self {
            weights: network_g.with_our_names(weights),
            input: Array { shape: vec![1, height, width, 3], data: seeded::photo(height, width, 3) },
            output: array("output"),
            gradients: Gradients4::Sorted(array("gradients").data),
        }
    }
}

fn agrees(case: &str, network_g: &NetworkConfig, scale: usize, reference: Reference) {
    let device = Device::flex().autodiff();
    let Reference { weights, input, output: expected, gradients: references } = reference;
    // Strict: PyTorch's names and shapes are ours.
    let network = network_g.init(scale, network_g.in_channels(&weights), 0, &device).unwrap();
    assert_eq!((network_g.fitted(&weights), network_g.scale(&weights)), (network_g.completed(), Some(scale)));
    let network = weights.apply(network).unwrap();
    let data = TensorData::new(input.data, input.shape);
    let output = network.forward(Tensor::<4>::from_data(data, &device));
    assert_eq!(output.dims(), expected.shape[..], "{case}");
    let gradients = output.clone().square().mean().backward();
    let mut visitor = Found { gradients: &gradients, path: Vec::new(), found: BTreeMap::new() };
    network.visit(&mut visitor);
    compare_gradients(case, &visitor.found, &references);
    let output = output.into_data().try_into_vec::<f32>().unwrap();
    let mean = expected.data.iter().sum::<f32>() / expected.data.len() as f32;
    let spread = expected.data.iter().map(|v| (v - mean).abs()).fold(0.0, f32::max);
    assert!(spread > 0.1, "{case}: an output that hardly varies tests nothing ({spread})");
    // Of values like those of a photo; larger ones are as exact for their size.
    let tolerance = 1e-5 * spread.max(1.0);
    for (at, (got, expected)) in output.iter().zip(&expected.data).enumerate() {
        assert!((got - expected).abs() <= tolerance, "{case} at {at}: {got}, torch {expected}");
    }
}

fn compare_gradients(case: &str, found: &BTreeMap<String, Some4>, references: &Gradients4) {
    let rows: Vec<&[f32]> = match references {
        Gradients4::Named(state) => {
            assert_eq!(state.len(), found.len(), "{case}");
            found.keys().map(|name| &state.get(name).unwrap().data[..]).collect()
        }
        Gradients4::Sorted(rows) => rows.chunks_exact(4).collect(),
    };
    assert_eq!(rows.len(), found.len(), "{case}");
    let largest = found.values().map(|some| some[0]).fold(0.0, f32::max);
    for ((name, some), expected) in found.iter().zip(rows) {
        // On some parameters nothing depends, and what is left is rounding.
        let tolerance = if expected[0] == 0.0 { 1e-6 * largest } else { 1e-4 * expected[0] };
        for (got, reference) in some.iter().zip(expected) {
            assert!((got - reference).abs() <= tolerance, "{case} {name}: {some:?}, torch {expected:?}");
        }
    }
}

#[test]
fn srresnet_agrees_with_torch() {
    agrees_with_torch(&NetworkConfig::SrResNet(SrResNetConfig { num_feat: 4, num_block: 2 }), &[1, 3, 4]);
}

#[test]
fn edsr_agrees_with_torch() {
    let config = EdsrConfig { num_feat: 4, num_block: 2, res_scale: Some(0.1) };
    agrees_with_torch(&NetworkConfig::Edsr(config), &[1, 3, 4]);
}

#[test]
fn rrdbnet_agrees_with_torch() {
    let config = RrdbNetConfig { num_feat: 4, num_block: 1, num_grow_ch: 3, ..RrdbNetConfig::default() };
    agrees_with_torch(&NetworkConfig::RrdbNet(config), &[1, 2, 4]);
}

#[test]
fn compact_agrees_with_torch() {
    let config = CompactConfig { num_feat: 4, num_conv: 2, ..CompactConfig::default() };
    agrees_with_torch(&NetworkConfig::Compact(config), &[1, 3, 4]);
}

#[test]
fn nafnet_agrees_with_torch() {
    let (enc_blk_nums, dec_blk_nums) = (vec![1, 2], vec![2, 1]);
    let config = NafNetConfig { width: 4, enc_blk_nums, middle_blk_num: 1, dec_blk_nums };
    agrees_with_torch(&NetworkConfig::NafNet(config), &[1]);
}

/// Every variant that a published file may be of.
fn published() -> Vec<(&'static str, NetworkConfig, usize)> {
    let esrgan = |use_pixel_unshuffle, plus| {
        let (num_feat, num_block, num_grow_ch) = (3, 1, 2);
        NetworkConfig::RrdbNet(RrdbNetConfig {
            num_feat,
            num_block,
            num_grow_ch,
            use_pixel_unshuffle,
            plus,
            ..RrdbNetConfig::default()
        })
    };
    let folded_twice = |use_pixel_unshuffle| {
        let NetworkConfig::RrdbNet(config) = esrgan(use_pixel_unshuffle, false) else { unreachable!() };
        NetworkConfig::RrdbNet(RrdbNetConfig { shuffle_factor: Some(2), ..config })
    };
    let compact = |act_type| NetworkConfig::Compact(CompactConfig { num_feat: 4, num_conv: 2, act_type });
    let span = |feature_channels, cat, norm, reparameterized| {
        let cat_channels = Some(cat);
        let config =
            SpanConfig { feature_channels, cat_channels, norm, reparameterized, ..SpanConfig::default() };
        NetworkConfig::Span(config)
    };
    let realplksr = |use_ea, layer_norm, dysample| {
        let (dim, n_blocks, kernel_size) = (8, 1, 5);
        let (split_ratio, norm_groups) = (0.25, 4);
        let config = RealPlksrConfig {
            dim,
            n_blocks,
            kernel_size,
            split_ratio,
            use_ea,
            norm_groups,
            layer_norm,
            dysample,
        };
        NetworkConfig::RealPlksr(config)
    };
    vec![
        ("realplksr_x4", realplksr(true, false, false), 4),
        ("realplksr_layer_x1", realplksr(false, true, false), 1),
        ("realplksr_dysample_x1", realplksr(true, true, true), 1),
        ("realplksr_dysample_x2", realplksr(true, false, true), 2),
        ("realplksr_dysample_x3", realplksr(false, true, true), 3),
        ("rrdbnet_x1", esrgan(false, false), 1),
        ("rrdbnet_x2", esrgan(false, false), 2),
        ("rrdbnet_x8", esrgan(true, false), 8),
        ("rrdbnet_plus_x4", esrgan(true, true), 4),
        ("rrdbnet_folded_x1", esrgan(true, false), 1),
        ("rrdbnet_folded_x2", esrgan(true, false), 2),
        ("rrdbnet_x16", esrgan(true, false), 16),
        ("rrdbnet_folded_twice_x1", folded_twice(false), 1),
        ("rrdbnet_folded_twice_x4", folded_twice(true), 4),
        ("compact_relu_x2", compact(ActType::Relu), 2),
        ("compact_leakyrelu_x4", compact(ActType::LeakyRelu), 4),
        ("span_x1", span(3, 3, false, false), 1),
        ("span_x2", span(2, 2, false, true), 2),
        ("span_x3", span(2, 2, true, true), 3),
        ("span_x4", span(3, 2, true, false), 4),
        ("span_x8", span(2, 2, true, false), 8),
    ]
}

/// Every variant of a published transformer.
fn transformers() -> Vec<(&'static str, NetworkConfig, usize)> {
    use ResiConnection::{One, Three};
    let swinir =
        |embed_dim, groups: [&[usize]; 2], mlp_ratio, window_size, (upsampler, num_feat), resi_connection| {
            let [depths, num_heads] = groups.map(<[_]>::to_vec);
            let img_range = Some(if window_size == 7 { 255.0 } else { 1.0 });
            NetworkConfig::SwinIr(SwinIrConfig {
                embed_dim,
                depths,
                num_heads,
                window_size,
                mlp_ratio,
                qkv_bias: true,
                patch_norm: true,
                upsampler,
                resi_connection,
                num_feat,
                img_range,
            })
        };
    let bare = SwinIrConfig {
        embed_dim: 6,
        depths: vec![2],
        num_heads: vec![2],
        window_size: 4,
        qkv_bias: false,
        patch_norm: false,
        upsampler: Upsampler::PixelShuffle,
        num_feat: 4,
        img_range: Some(1.0),
        ..SwinIrConfig::default()
    };
    let (shuffle, nearest) = ((Upsampler::PixelShuffle, 4), (Upsampler::NearestConv, 4));
    let (direct, denoise) = ((Upsampler::PixelShuffleDirect, 64), (Upsampler::None, 64));
    let dat = |depth: &[usize], num_heads: &[usize], split_size, expansion_factor, qkv_bias, light| {
        let (depth, num_heads) = (depth.to_vec(), num_heads.to_vec());
        let upsampler = if light { Upsampler::PixelShuffleDirect } else { Upsampler::PixelShuffle };
        let (resi_connection, num_feat) = if light { (Three, 64) } else { (One, 4) };
        NetworkConfig::Dat(DatConfig {
            embed_dim: 192,
            depth,
            num_heads,
            split_size,
            expansion_factor,
            qkv_bias,
            upsampler,
            resi_connection,
            num_feat,
        })
    };
    let restormer = |num_blocks, num_refinement_blocks, bias, layer_norm_type| {
        let (dim, heads, ffn_expansion_factor) = (4, [1, 2, 2, 4], 2.66);
        NetworkConfig::Restormer(RestormerConfig {
            dim,
            num_blocks,
            num_refinement_blocks,
            heads,
            ffn_expansion_factor,
            bias,
            layer_norm_type,
        })
    };
    let scunet = |dim, config| NetworkConfig::ScuNet(ScuNetConfig { dim, config, head_dim: 4 });
    vec![
        ("swinir_light_x4", swinir(8, [&[2, 1], &[2, 4]], 2.0, 4, direct, One), 4),
        ("swinir_x2", swinir(6, [&[2], &[2]], 2.0, 8, shuffle, One), 2),
        ("swinir_x3", swinir(6, [&[2, 2], &[1, 3]], 1.5, 3, shuffle, One), 3),
        ("swinir_x8", swinir(4, [&[2], &[2]], 2.0, 2, (Upsampler::PixelShuffle, 2), One), 8),
        ("swinir_real_x2", swinir(8, [&[2], &[2]], 2.0, 4, nearest, One), 2),
        ("swinir_real_large_x4", swinir(8, [&[2], &[2]], 2.0, 4, nearest, Three), 4),
        ("swinir_denoise_x1", swinir(6, [&[3], &[3]], 2.0, 4, denoise, One), 1),
        ("swinir_jpeg_x1", swinir(6, [&[2], &[3]], 2.0, 7, denoise, One), 1),
        ("swinir_bare_x2", NetworkConfig::SwinIr(bare), 2),
        ("scunet_x1", scunet(8, [2, 1, 1, 1, 1, 1, 2]), 1),
        ("restormer_x1", restormer([1, 2, 1, 1], 1, false, LayerNormType::WithBias), 1),
        ("restormer_free_x1", restormer([2, 1, 1, 1], 2, true, LayerNormType::BiasFree), 1),
        ("dat_x2", dat(&[1], &[4], [4, 4], 2.0, false, false), 2),
        ("dat_light_x3", dat(&[3, 1], &[4, 4], [4, 8], 1.0, true, true), 3),
    ]
}

#[test]
fn published_transformers_agree_with_torch() {
    let fixture = fixture("transformers.safetensors");
    for (case, network_g, scale) in &transformers() {
        agrees(case, network_g, *scale, Reference::seeded(case, network_g, *scale, &fixture));
    }
}

#[test]
fn published_architectures_agree_with_spandrel() {
    let fixture = fixture("spandrel.safetensors");
    for (case, network_g, scale) in &published() {
        agrees(case, network_g, *scale, Reference::stored(case, network_g, &fixture));
    }
}

/// Those of KAIR: on levels that are halved three times.
fn halving() -> Vec<(&'static str, NetworkConfig, usize)> {
    let drunet = || NetworkConfig::DruNet(DruNetConfig { nc: [4, 4, 6, 6], nb: 2, noise_level: Some(15.0) });
    let fbcnn =
        |quality| NetworkConfig::Fbcnn(FbcnnConfig { nc: [3, 4, 5, 6], nb: 2, embedding: 6, quality });
    vec![
        ("drunet", drunet(), 1),
        ("drunet_gray", drunet(), 1),
        ("drunet_odd", drunet(), 1),
        ("fbcnn", fbcnn(None), 1),
        ("fbcnn_gray", fbcnn(None), 1),
        ("fbcnn_quality", fbcnn(Some(20.0)), 1),
    ]
}

#[test]
fn networks_of_kair_agree_with_spandrel() {
    let fixture = fixture("kair.safetensors");
    let others = ["odd", "quality"];
    for (case, network_g, scale) in halving() {
        if others.iter().any(|part| case.ends_with(part)) {
            continue;
        }
        agrees(case, &network_g, scale, Reference::stored(case, &network_g, &fixture));
    }
}

/// Without a word about it: architecture, variant, sizes and scale are told by the weights, and the result is the authors'.
#[test]
fn published_weights_are_recognised_and_applied() {
    let plain = [
        ("srresnet_x3", NetworkConfig::SrResNet(SrResNetConfig { num_feat: 4, num_block: 2 }), 3),
        (
            "rrdbnet_x2",
            NetworkConfig::RrdbNet(RrdbNetConfig {
                num_feat: 4,
                num_block: 1,
                num_grow_ch: 3,
                ..RrdbNetConfig::default()
            }),
            2,
        ),
        (
            "compact_x4",
            NetworkConfig::Compact(CompactConfig { num_feat: 4, num_conv: 2, ..CompactConfig::default() }),
            4,
        ),
        ("edsr_x4", NetworkConfig::Edsr(EdsrConfig { num_feat: 4, num_block: 2, res_scale: Some(0.1) }), 4),
    ];
    let files = [
        ("networks.safetensors", plain.to_vec()),
        ("spandrel.safetensors", published()),
        ("kair.safetensors", halving()),
    ];
    for (file, cases) in files {
        let fixture = fixture(file);
        for (case, network_g, scale) in cases {
            let weights = fixture.section(&format!("{case}.weights."));
            // What weights do not show is said.
            let hidden = ["leakyrelu", "edsr", "drunet", "quality"].iter().any(|part| case.contains(part));
            let asked = Asked { network_g: hidden.then_some(&network_g), scale: None };
            let model = Model::of_weights(weights, Path::new(case), asked, &Device::flex()).unwrap();
            assert_eq!(model.card().network_g, network_g, "{case}");
            let channels = if case.contains("gray") { 1 } else { 3 };
            assert_eq!((model.card().scale, model.card().in_channels), (scale, channels), "{case}");
            assert_eq!(model.assumption().is_some(), case.contains("_relu"), "{case}");
            let array = fixture.get(&format!("{case}.input")).unwrap();
            // A single channel is that of a grey photo.
            let coloured = |data: &[f32]| -> Vec<f32> {
                data.iter().flat_map(|value| std::iter::repeat_n(*value, 3 / channels)).collect()
            };
            let values = coloured(&array.data);
            let photo = Image::<Srgb>::from_vec(array.shape[2], array.shape[1], values).unwrap();
            let result = model.restore(&photo, Tiling::default()).unwrap();
            let expected = coloured(&fixture.get(&format!("{case}.output")).unwrap().data);
            let inside = expected.iter().filter(|value| (0.0..1.0).contains(*value)).count();
            assert!(inside > expected.len() / 8, "{case}: nearly all of {} is cut off", expected.len());
            for (got, expected) in result.data().iter().zip(&expected) {
                assert!((got - expected.clamp(0.0, 1.0)).abs() <= 1e-5, "{case}: {got}, torch {expected}");
            }
        }
    }
}
