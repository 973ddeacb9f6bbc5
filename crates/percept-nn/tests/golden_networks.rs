//! Networks against PyTorch: `fixtures/make_networks.py` made the weights, the inputs and the outputs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use percept_nn::network::{EdsrConfig, NafNetConfig, NetworkConfig, RrdbNetConfig, SrResNetConfig};
use percept_nn::weights::StateDict;

fn agrees_with_torch(network_g: &NetworkConfig, scales: &[usize]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/networks.safetensors");
    let fixture = StateDict::load(&path).unwrap();
    let device = Device::flex();
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
    let config = EdsrConfig { num_feat: 4, num_block: 2, res_scale: 0.1 };
    agrees_with_torch(&NetworkConfig::Edsr(config), &[1, 3, 4]);
}

#[test]
fn rrdbnet_agrees_with_torch() {
    let config = RrdbNetConfig { num_feat: 4, num_block: 1, num_grow_ch: 3 };
    agrees_with_torch(&NetworkConfig::RrdbNet(config), &[1, 2, 4]);
}

#[test]
fn nafnet_agrees_with_torch() {
    let (enc_blk_nums, dec_blk_nums) = (vec![1, 2], vec![2, 1]);
    let config = NafNetConfig { width: 4, enc_blk_nums, middle_blk_num: 1, dec_blk_nums };
    agrees_with_torch(&NetworkConfig::NafNet(config), &[1]);
}
