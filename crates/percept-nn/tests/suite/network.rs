//! Networks: shapes, seeds, and the names of their own weights.

use burn::tensor::{Device, Distribution, Tensor};
use percept_nn::network::{
    CompactConfig, DatConfig, EdsrConfig, NETWORKS, NafNetConfig, Network, NetworkConfig, RealPlksrConfig,
    RestormerConfig, RrdbNetConfig, ScuNetConfig, SpanConfig, SrResNetConfig, SwinIrConfig, Upsampler,
};
use percept_nn::weights::StateDict;

pub fn small() -> [NetworkConfig; 11] {
    [
        NetworkConfig::SrResNet(SrResNetConfig { num_feat: 8, num_block: 2 }),
        NetworkConfig::Edsr(EdsrConfig { num_feat: 8, num_block: 2, res_scale: Some(0.1) }),
        NetworkConfig::RrdbNet(RrdbNetConfig {
            num_feat: 8,
            num_block: 1,
            num_grow_ch: 4,
            ..RrdbNetConfig::default()
        }),
        NetworkConfig::Compact(CompactConfig { num_feat: 8, num_conv: 2, ..CompactConfig::default() }),
        NetworkConfig::NafNet(NafNetConfig {
            width: 4,
            enc_blk_nums: vec![1, 1],
            middle_blk_num: 1,
            dec_blk_nums: vec![1, 1],
        }),
        NetworkConfig::Span(SpanConfig { feature_channels: 8, ..SpanConfig::default() }),
        NetworkConfig::RealPlksr(RealPlksrConfig {
            dim: 8,
            n_blocks: 1,
            dysample: true,
            ..RealPlksrConfig::default()
        }),
        NetworkConfig::SwinIr(SwinIrConfig {
            embed_dim: 12,
            depths: vec![2, 1],
            num_heads: vec![2, 3],
            window_size: 4,
            ..SwinIrConfig::default()
        }),
        NetworkConfig::ScuNet(ScuNetConfig { dim: 8, config: [1, 1, 1, 2, 1, 1, 1], head_dim: 4 }),
        NetworkConfig::Restormer(RestormerConfig {
            dim: 8,
            num_blocks: [1, 1, 1, 2],
            num_refinement_blocks: 1,
            ..RestormerConfig::default()
        }),
        NetworkConfig::Dat(DatConfig {
            embed_dim: 32,
            depth: vec![2, 1],
            num_heads: vec![2, 4],
            split_size: [2, 4],
            num_feat: 8,
            ..DatConfig::default()
        }),
    ]
}

pub fn init(config: &NetworkConfig, scale: usize, seed: u64) -> Network {
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
    assert_eq!(made, 4 + 4 + 3 + 4 + 1 + 4 + 4 + 4 + 1 + 1 + 4, "up to five times");
}

#[test]
fn a_packed_raw_becomes_a_picture() {
    let raw = Tensor::<4>::random([1, 4, 6, 4], Distribution::Uniform(0.0, 1.0), &Device::flex());
    for config in small().iter().filter(|config| config.validate(2).is_ok()) {
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
        ("conv_1.sk.weight", "block_1.c2_r.conv.1.bias", "block_6.c3_r.conv.2.weight", "upsampler.0.weight"),
        ("feats.0.weight", "feats.1.channel_mixer.2.bias", "feats.1.norm.weight", "to_img.init_pos"),
        (
            "patch_embed.norm.bias",
            "layers.1.conv.weight",
            "layers.0.residual_group.blocks.1.attn.relative_position_bias_table",
            "upsample.0.weight",
        ),
        (
            "m_head.0.weight",
            "m_down1.1.weight",
            "m_body.1.trans_block.msa.relative_position_params",
            "m_up2.1.conv_block.2.weight",
        ),
        (
            "patch_embed.proj.weight",
            "latent.1.attn.temperature",
            "up2_1.body.0.weight",
            "refinement.0.norm2.body.bias",
        ),
        (
            "before_RG.1.weight",
            "layers.0.blocks.0.attn.attns.1.pos.pos3.2.weight",
            "layers.0.blocks.1.attn.channel_interaction.2.running_var",
            "upsample.2.bias",
        ),
    ];
    for (config, (a, b, c, d)) in small().iter().zip(expected) {
        let scale = if config.validate(4).is_ok() { 4 } else { 1 };
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

/// Every whole number a fifth of what it is: a network of other sizes than the default ones.
pub fn shrunk(config: &NetworkConfig) -> NetworkConfig {
    fn shrink(value: &mut serde_json::Value) {
        match value {
            // Weights do not show how many groups a normalisation has.
            serde_json::Value::Object(fields) => {
                for (key, value) in fields {
                    // Heads are a divisor of what is left as well.
                    if !["norm_groups", "num_heads"].contains(&key.as_str()) {
                        shrink(value);
                    }
                    // Some halve it.
                    if let (true, Some(number)) = (key == "dim", value.as_u64()) {
                        *value = number.next_multiple_of(2).into();
                    }
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(shrink),
            _ => {
                if let Some(number) = value.as_u64() {
                    *value = (number / 5).max(1).into();
                }
            }
        }
    }
    let mut json = serde_json::to_value(config).unwrap();
    shrink(&mut json);
    serde_json::from_value(json).unwrap()
}

/// A line of the table is a name, and all that the name promises.
#[test]
fn every_architecture_is_complete() {
    let schema = schemars::schema_for!(NetworkConfig).to_value().to_string();
    let mut names: Vec<_> = NETWORKS.iter().map(|kind| kind.name).collect();
    for kind in NETWORKS {
        let (name, default) = (kind.name, (kind.config)());
        assert_eq!(default.name(), name);
        // The parser and the schema know it, by its name alone and with its settings.
        let json = serde_json::json!({ "type": name });
        assert_eq!(serde_json::from_value::<NetworkConfig>(json).unwrap(), default);
        assert_eq!(serde_json::to_value(&default).unwrap()["type"], name);
        assert!(schema.contains(&format!("\"const\":\"{name}\"")), "{name}: {schema}");
        assert!(schema.contains(&format!("Settings of `type = \\\"{name}\\\"`")), "{name}: {schema}");
        assert!(!kind.about.is_empty() && !kind.about.ends_with('.') && !kind.scales.is_empty(), "{name}");

        let config = shrunk(&default);
        assert_ne!(config, default, "{name}: sizes must be whole numbers");
        let image = Tensor::<4>::random([1, 9, 11, 3], Distribution::Uniform(0.0, 1.0), &Device::flex());
        for scale in 1..=8 {
            assert_eq!(default.validate(scale).is_ok(), kind.scales.contains(&scale), "{name} x{scale}");
            if !kind.scales.contains(&scale) {
                continue;
            }
            let network = init(&config, scale, 5);
            assert_eq!(
                network.forward(image.clone()).dims(),
                [1, 9 * scale, 11 * scale, 3],
                "{name} x{scale}"
            );
            // Sizes and scale are read off the weights, and the names are its own.
            let state = StateDict::of(&network);
            assert_eq!(config.with_our_names(state.clone()), state, "{name}");
            assert_eq!(default.fitted(&state).completed(), config.completed(), "{name} x{scale}");
            assert_eq!(default.fitted(&state).scale(&state), Some(scale), "{name}");
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), NETWORKS.len(), "a name stands twice");
}

/// No number of a config makes a network that exhausts memory or is none.
#[test]
fn every_number_has_its_range() {
    for kind in NETWORKS {
        let json = serde_json::to_value((kind.config)()).unwrap();
        for (key, value) in json.as_object().unwrap() {
            if !(value.is_number() || value.is_array()) {
                continue;
            }
            for wrong in [u64::MAX, 1 << 40, 100_000] {
                let mut json = json.clone();
                json[key] = match value.as_array() {
                    Some(values) => vec![wrong; values.len()].into(),
                    None => wrong.into(),
                };
                let config: NetworkConfig = serde_json::from_value(json).unwrap();
                let error = config.validate(kind.scales[0]).unwrap_err().to_string();
                assert!(error.contains(&format!("network_g.{key} of {}", kind.name)), "{error}");
            }
        }
    }
    for share in [f64::NAN, f64::INFINITY, -0.1, 1e30] {
        let config = EdsrConfig { res_scale: Some(share), ..EdsrConfig::default() };
        let error = NetworkConfig::Edsr(config).validate(1).unwrap_err().to_string();
        assert!(error.contains("res_scale"), "{error}");
        let config = SpanConfig { img_range: share, ..SpanConfig::default() };
        let error = NetworkConfig::Span(config).validate(1).unwrap_err().to_string();
        assert!(error.contains("img_range"), "{error}");
    }
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

/// Not every way to enlarge goes with every scale.
#[test]
fn a_swinir_that_cannot_enlarge_so_is_refused() {
    let fits = |upsampler, scale| {
        NetworkConfig::SwinIr(SwinIrConfig { upsampler, ..SwinIrConfig::default() }).validate(scale)
    };
    for (upsampler, scales) in [
        (Upsampler::PixelShuffle, &[1, 2, 3, 4, 8][..]),
        (Upsampler::PixelShuffleDirect, &[1, 2, 3, 4, 8]),
        (Upsampler::NearestConv, &[2, 4, 8]),
        (Upsampler::None, &[1]),
    ] {
        for scale in [1, 2, 3, 4, 8] {
            assert_eq!(fits(upsampler, scale).is_ok(), scales.contains(&scale), "{upsampler:?} x{scale}");
        }
    }
    let error = fits(Upsampler::None, 4).unwrap_err().to_string();
    assert!(error.contains("upsampler") && error.contains('4'), "{error}");
}
