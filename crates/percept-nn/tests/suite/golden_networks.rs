//! Networks against PyTorch: `fixtures/make_networks.py` made the weights, inputs, outputs and gradients.

use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use percept_nn::network::{
    CompactConfig, EdsrConfig, NafNetConfig, NetworkConfig, RrdbNetConfig, SrResNetConfig,
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
        let got = param.val().grad(self.gradients).unwrap().into_data().try_into_vec::<f32>().unwrap();
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

fn agrees_with_torch(network_g: &NetworkConfig, scales: &[usize]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/networks.safetensors");
    let fixture = StateDict::load(&path).unwrap();
    let device = Device::flex().autodiff();
    for scale in scales {
        let case = format!("{}_x{scale}", network_g.name());
        let network = network_g.init(*scale, 3, 0, &device).unwrap();
        // Strict: PyTorch's names and shapes are ours.
        let network = fixture.section(&format!("{case}.weights.")).apply(network).unwrap();
        let input = fixture.get(&format!("{case}.input")).unwrap();
        let expected = fixture.get(&format!("{case}.output")).unwrap();
        let data = TensorData::new(input.data.clone(), input.shape.clone());
        let output = network.forward(Tensor::<4>::from_data(data, &device));
        assert_eq!(output.dims(), expected.shape[..], "{case}");
        let gradients = output.clone().square().mean().backward();
        let references = fixture.section(&format!("{case}.gradients."));
        let mut visitor =
            Gradient { fixture: &references, gradients: &gradients, path: Vec::new(), compared: 0 };
        network.visit(&mut visitor);
        assert_eq!(visitor.compared, references.len(), "{case}");
        let output = output.into_data().try_into_vec::<f32>().unwrap();
        let mean = expected.data.iter().sum::<f32>() / expected.data.len() as f32;
        let spread = expected.data.iter().map(|v| (v - mean).abs()).fold(0.0, f32::max);
        assert!(spread > 0.1, "{case}: an output that hardly varies tests nothing ({spread})");
        for (at, (got, expected)) in output.iter().zip(&expected.data).enumerate() {
            assert!((got - expected).abs() <= 1e-5, "{case} at {at}: {got}, torch {expected}");
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
