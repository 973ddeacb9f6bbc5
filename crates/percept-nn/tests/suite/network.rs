//! Networks: shapes, names, seeds and key maps.

use burn::tensor::{Device, Distribution, Tensor};
use percept_nn::network::{
    CompactConfig, EdsrConfig, NafNetConfig, Network, NetworkConfig, RrdbNetConfig, SrResNetConfig,
    from_esrgan,
};
use percept_nn::weights::StateDict;

fn small() -> [NetworkConfig; 5] {
    [
        NetworkConfig::SrResNet(SrResNetConfig { num_feat: 8, num_block: 2 }),
        NetworkConfig::Edsr(EdsrConfig { num_feat: 8, num_block: 2, res_scale: 0.1 }),
        NetworkConfig::RrdbNet(RrdbNetConfig { num_feat: 8, num_block: 1, num_grow_ch: 4 }),
        NetworkConfig::Compact(CompactConfig { num_feat: 8, num_conv: 2 }),
        NetworkConfig::NafNet(NafNetConfig {
            width: 4,
            enc_blk_nums: vec![1, 1],
            middle_blk_num: 1,
            dec_blk_nums: vec![1, 1],
        }),
    ]
}

fn init(config: &NetworkConfig, scale: usize, seed: u64) -> Network {
    config.init(scale, 3, seed, &Device::flex()).unwrap()
}

#[test]
fn every_scale_has_its_size_or_is_refused() {
    let image = Tensor::<4>::random([2, 7, 9, 3], Distribution::Uniform(0.0, 1.0), &Device::flex());
    let mut made = 0;
    for config in small() {
        for scale in 1..=5 {
            match config.init(scale, 3, 0, &Device::flex()) {
                Ok(network) => {
                    let result = network.forward(image.clone());
                    assert_eq!(result.dims(), [2, 7 * scale, 9 * scale, 3], "{}", config.name());
                    made += 1;
                }
                Err(error) => assert!(error.to_string().contains(config.name())),
            }
        }
    }
    assert_eq!(made, 4 + 4 + 3 + 4 + 1);
}

#[test]
fn a_packed_raw_becomes_a_picture() {
    let raw = Tensor::<4>::random([1, 4, 6, 4], Distribution::Uniform(0.0, 1.0), &Device::flex());
    for config in &small()[..4] {
        let network = config.init(2, 4, 0, &Device::flex()).unwrap();
        let picture = network.forward(raw.clone());
        assert_eq!(picture.dims(), [1, 8, 12, 3], "{}", config.name());
        // Layers that all make the signal small would leave nothing to learn from.
        let spread = (picture.clone().max() - picture.min()).into_scalar::<f32>();
        assert!(spread > 0.01, "{}: {spread}", config.name());
    }
}

#[test]
fn names_are_those_of_the_originals() {
    let expected = [
        ("conv_first.weight", "body.1.conv2.bias", "upconv2.weight", "conv_hr.bias"),
        ("conv_after_body.weight", "body.1.conv2.bias", "upsample.2.weight", "conv_last.bias"),
        ("body.0.rdb1.conv5.weight", "body.0.rdb3.conv1.bias", "conv_up2.weight", "conv_body.bias"),
        ("body.0.weight", "body.3.weight", "body.4.bias", "body.6.weight"),
        ("encoders.1.0.sca.1.weight", "middle_blks.0.norm1.bias", "ups.0.0.weight", "decoders.0.0.beta"),
    ];
    for (config, (a, b, c, d)) in small().iter().zip(expected) {
        let scale = if config.name() == "nafnet" { 1 } else { 4 };
        let state = StateDict::of(&init(config, scale, 0));
        for name in [a, b, c, d] {
            assert!(state.get(name).is_some(), "{} has no {name}", config.name());
        }
        assert!(state.iter().all(|(name, _)| !name.contains("SrRes") && !name.starts_with('.')));
        state.apply(init(config, scale, 1)).unwrap();
    }
}

#[test]
fn a_seed_is_a_network() {
    for config in small() {
        let weights = |seed| StateDict::of(&init(&config, 1, seed)).to_safetensors();
        assert_eq!(weights(3), weights(3));
        assert_ne!(weights(3), weights(4));
    }
    // The same name and seed give the same weights, however many blocks stand around them.
    let deep = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 8, num_block: 5 });
    let (deep, flat) = (StateDict::of(&init(&deep, 1, 3)), StateDict::of(&init(&small()[0], 1, 3)));
    assert_eq!(deep.get("conv_last.weight"), flat.get("conv_last.weight"));
}

#[test]
fn first_names_of_esrgan_are_understood() {
    let config = &small()[2];
    let state = StateDict::of(&init(config, 4, 0));
    let old = state.clone().renamed(|name| {
        let (place, kind) = name.rsplit_once('.')?;
        let old = match place {
            "conv_first" => "model.0".to_string(),
            "conv_body" => "model.1.sub.1".to_string(),
            "conv_up1" => "model.3".to_string(),
            "conv_up2" => "model.6".to_string(),
            "conv_hr" => "model.8".to_string(),
            "conv_last" => "model.10".to_string(),
            dense => {
                let parts: Vec<_> = dense.split('.').collect();
                format!("model.1.sub.{}.{}.{}.0", parts[1], parts[2].to_uppercase(), parts[3])
            }
        };
        Some(format!("{old}.{kind}"))
    });
    assert!(old.get("model.1.sub.0.RDB1.conv1.0.weight").is_some());
    let new = from_esrgan(old).apply(init(config, 4, 9)).unwrap();
    assert_eq!(StateDict::of(&new).to_safetensors(), state.to_safetensors());
}

#[test]
fn wrong_numbers_are_named() {
    let error = |config: NetworkConfig| config.validate(1).unwrap_err().to_string();
    assert!(
        error(NetworkConfig::SrResNet(SrResNetConfig { num_feat: 0, num_block: 1 })).contains("num_feat")
    );
    let uneven = NafNetConfig { dec_blk_nums: vec![1], ..NafNetConfig::default() };
    assert!(error(NetworkConfig::NafNet(uneven)).contains("dec_blk_nums"));
}
