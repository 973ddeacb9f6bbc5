//! Networks against PyTorch: `fixtures/make_networks.py` and `fixtures/make_spandrel.py` made the weights, inputs, outputs
//! and gradients.

use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use percept_nn::network::{
    CompactConfig, EdsrConfig, NafNetConfig, NetworkConfig, RrdbNetConfig, SpanConfig, SrResNetConfig,
};
use percept_nn::weights::StateDict;

/// The gradient of every parameter against `CASE.gradients.NAME`.
struct Gradient<'a> {
    fixture: &'a StateDict,
    gradients: &'a Gradients,
    path: Vec<String>,
    compared: usize,
}

impl ModuleVisitor for Gradient<'_> {
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
        let expected = &self.fixture.get(&name).unwrap().data;
        assert!(expected[0] > 0.0, "{name}");
        let some = [norm, got[0], got[got.len() / 2], got[got.len() - 1]];
        for (got, reference) in some.iter().zip(expected) {
            assert!((got - reference).abs() <= 1e-4 * expected[0], "{name}: {some:?}, torch {expected:?}");
        }
        self.compared += 1;
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
        agrees(network_g, *scale, &fixture);
    }
}

fn agrees(network_g: &NetworkConfig, scale: usize, fixture: &StateDict) {
    let device = Device::flex().autodiff();
    let case = format!("{}_x{scale}", network_g.name());
    let network = network_g.init(scale, 3, 0, &device).unwrap();
    // Strict: PyTorch's names and shapes are ours.
    let weights = network_g.with_our_names(fixture.section(&format!("{case}.weights.")));
    assert_eq!((network_g.fitted(&weights), network_g.scale(&weights)), (network_g.completed(), Some(scale)));
    let network = weights.apply(network).unwrap();
    let input = fixture.get(&format!("{case}.input")).unwrap();
    let expected = fixture.get(&format!("{case}.output")).unwrap();
    let data = TensorData::new(input.data.clone(), input.shape.clone());
    let output = network.forward(Tensor::<4>::from_data(data, &device));
    assert_eq!(output.dims(), expected.shape[..], "{case}");
    let gradients = output.clone().square().mean().backward();
    let references = fixture.section(&format!("{case}.gradients."));
    let mut visitor = Gradient { fixture: &references, gradients: &gradients, path: Vec::new(), compared: 0 };
    network.visit(&mut visitor);
    assert_eq!(visitor.compared, references.len(), "{case}");
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
    let config = RrdbNetConfig { num_feat: 4, num_block: 1, num_grow_ch: 3 };
    agrees_with_torch(&NetworkConfig::RrdbNet(config), &[1, 2, 4]);
}

#[test]
fn compact_agrees_with_torch() {
    let config = CompactConfig { num_feat: 4, num_conv: 2 };
    agrees_with_torch(&NetworkConfig::Compact(config), &[1, 3, 4]);
}

#[test]
fn nafnet_agrees_with_torch() {
    let (enc_blk_nums, dec_blk_nums) = (vec![1, 2], vec![2, 1]);
    let config = NafNetConfig { width: 4, enc_blk_nums, middle_blk_num: 1, dec_blk_nums };
    agrees_with_torch(&NetworkConfig::NafNet(config), &[1]);
}

/// In three branches and folded, with normalised photos and as they are, with a narrower end.
#[test]
fn span_agrees_with_spandrel() {
    let fixture = fixture("spandrel.safetensors");
    let cases = [
        (1, 3, 3, false, false),
        (2, 2, 2, false, true),
        (3, 2, 2, true, true),
        (4, 3, 2, true, false),
        (8, 2, 2, true, false),
    ];
    for (scale, feature_channels, cat, norm, reparameterized) in cases {
        let cat_channels = Some(cat);
        let config =
            SpanConfig { feature_channels, cat_channels, norm, reparameterized, ..SpanConfig::default() };
        agrees(&NetworkConfig::Span(config), scale, &fixture);
    }
}
