//! Networks: shapes, names, seeds and key maps.

use burn::tensor::{Device, Distribution, Tensor};
use percept_nn::network::{
    CompactConfig, DatConfig, EdsrConfig, NETWORKS, NafNetConfig, Network, NetworkConfig, RealPlksrConfig,
    RestormerConfig, RrdbNetConfig, ScuNetConfig, SpanConfig, SrResNetConfig, SwinIrConfig, Upsampler,
};
use percept_nn::weights::{Array, StateDict};

fn small() -> [NetworkConfig; 11] {
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
    let new = config.with_our_names(old).apply(init(config, 4, 9)).unwrap();
    assert_eq!(StateDict::of(&new).to_safetensors(), state.to_safetensors());
}

/// The names under which ESRGAN's authors published it, and those of its first training code's successor for SRResNet.
#[test]
fn published_names_are_understood() {
    let renamed = |config: &NetworkConfig, pairs: &[(&str, &str)], scale: usize| {
        let state = StateDict::of(&init(config, scale, 0));
        let published = state.clone().renamed(|name| {
            let mut name = name.to_string();
            for (ours, theirs) in pairs {
                name = name.replace(ours, theirs);
            }
            Some(name)
        });
        assert_ne!(published, state);
        let ours = config.with_our_names(published);
        assert_eq!(config.fitted(&ours), *config);
        assert_eq!(config.scale(&ours), Some(scale));
        assert_eq!(ours.to_safetensors(), state.to_safetensors());
        // Ours stay ours.
        assert_eq!(config.with_our_names(state.clone()), state);
    };
    let esrgan = [
        ("conv_body", "trunk_conv"),
        ("body.", "RRDB_trunk."),
        (".rdb", ".RDB"),
        ("conv_up", "upconv"),
        ("conv_hr", "HRconv"),
    ];
    renamed(&small()[2], &esrgan, 4);
    // BSRGAN's for twice the size, which has one enlargement.
    let plain = RrdbNetConfig {
        num_feat: 8,
        num_block: 1,
        num_grow_ch: 4,
        use_pixel_unshuffle: false,
        ..RrdbNetConfig::default()
    };
    renamed(&NetworkConfig::RrdbNet(plain), &esrgan, 2);
    renamed(&small()[0], &[("body.", "recon_trunk."), ("conv_hr", "HRconv")], 4);
}

/// EDSR as its authors publish it, with the mean colour as layers; with another one it would be another network.
#[test]
fn edsr_of_its_authors_is_understood() {
    let config = NetworkConfig::Edsr(EdsrConfig { num_feat: 8, num_block: 2, res_scale: None });
    let state = StateDict::of(&init(&config, 4, 0));
    let mut theirs = state.clone().renamed(|name| {
        let (place, kind) = name.rsplit_once('.')?;
        let place = match place {
            "conv_first" => "head.0".to_string(),
            "conv_after_body" => "body.2".to_string(),
            "conv_last" => "tail.1".to_string(),
            inside => {
                inside.replace("upsample", "tail.0").replace(".conv1", ".body.0").replace(".conv2", ".body.2")
            }
        };
        Some(format!("{place}.{kind}"))
    });
    for (layer, sign) in [("sub_mean", -1.0), ("add_mean", 1.0)] {
        let bias = [0.4488, 0.4371, 0.4040].map(|mean: f32| 255.0 * sign * mean);
        let weight = (0..9).map(|i| f32::from(u8::from(i % 4 == 0))).collect();
        theirs.insert(&format!("{layer}.weight"), Array { shape: vec![3, 3, 1, 1], data: weight });
        theirs.insert(&format!("{layer}.bias"), Array { shape: vec![3], data: bias.to_vec() });
    }
    let asked = NetworkConfig::detect(&theirs).unwrap();
    let ours = asked.with_our_names(theirs.clone());
    assert_eq!((asked.fitted(&ours), asked.scale(&ours)), (config.clone(), Some(4)));
    assert_eq!(ours.to_safetensors(), state.to_safetensors());

    theirs.insert("add_mean.bias", Array { shape: vec![3], data: vec![120.0, 111.0, 103.0] });
    let error = asked.with_our_names(theirs).apply(init(&config, 4, 0)).unwrap_err().to_string();
    assert!(error.contains("`add_mean.bias`"), "{error}");
}

/// Whoever trained them may have put weights under keys of his own.
#[test]
fn weights_are_found_under_any_keys() {
    let state = StateDict::of(&init(&small()[2], 4, 0));
    let found = |keys: &[&str], beside: &[&str]| {
        let mut all = StateDict::new();
        for key in keys {
            all.extend_prefixed(&format!("{key}."), state.clone());
        }
        for name in beside {
            all.insert(name, Array { shape: vec![1], data: vec![0.0] });
        }
        let inside = NetworkConfig::unwrapped(all);
        assert_eq!(inside.to_safetensors(), state.to_safetensors(), "{keys:?}");
        (inside.provenance().wrapper.clone(), inside.provenance().left.clone())
    };
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(found(&["upscaler"], &[]), (texts(&["upscaler"]), vec![]));
    assert_eq!(found(&["checkpoint.G"], &["n_averaged", "d.conv.weight"]).0, ["checkpoint", "G"]);
    assert_eq!(found(&["g", "g_ema"], &["d.conv.weight"]), (texts(&["g_ema"]), texts(&["g"])));
    // What is not under any stays, and so does what is nothing.
    assert_eq!(NetworkConfig::unwrapped(state.clone()), state);
    let nothing = state.renamed(|name| name.ends_with("bias").then(|| format!("a.{name}")));
    assert_eq!(NetworkConfig::unwrapped(nothing.clone()), nothing);
}

/// What is not understood is not dropped: it is named when the weights are applied.
#[test]
fn unknown_names_stay_to_be_named() {
    let config = &small()[2];
    let mut state = StateDict::of(&init(config, 4, 0));
    let array = state.get("conv_last.bias").unwrap().clone();
    for name in ["model.5.weight", "RRDB_trunk.x", "model.1.sub.0.RDB1.conv1x1.weight"] {
        state.insert(name, array.clone());
    }
    let error = config.with_our_names(state).apply(init(config, 4, 0)).unwrap_err().to_string();
    assert!(error.contains("3 unexpected") && error.contains("model.5.weight"), "{error}");
}

#[test]
fn weights_of_no_architecture_are_told_what_they_are_near_to() {
    let mut state = StateDict::of(&init(&small()[2], 4, 0));
    assert_eq!(NetworkConfig::detect(&state).unwrap().name(), "rrdbnet");
    let conv = |shape: &[usize]| Array { shape: shape.to_vec(), data: vec![0.5; shape.iter().product()] };
    // Two channels come out, and there is a part that no ESRGAN has.
    state.insert("conv_last.weight", conv(&[2, 8, 3, 3]));
    state.insert("conv_last.bias", conv(&[2]));
    state.insert("attention.weight", conv(&[8, 8, 1, 1]));
    let error = NetworkConfig::detect(&state).unwrap_err();
    let nearest = error.nearest.as_ref().unwrap();
    assert_eq!((nearest.network_g.clone(), nearest.scale), (small()[2].clone(), Some(4)));
    let message = error.to_string();
    for word in [
        "rrdbnet ×4",
        "1 unexpected (`attention.weight`)",
        "`conv_last.weight` [2, 8, 3, 3] instead of [3, 8, 3, 3]",
    ] {
        assert!(message.contains(word), "{word}: {message}");
    }
    // Where there is no name of ours, kinds of layers say what is near; and there may be none.
    let mut denoiser = StateDict::new();
    for (place, shape) in [(0, [64, 1, 3, 3]), (2, [64, 64, 3, 3]), (5, [1, 64, 3, 3])] {
        denoiser.insert(&format!("model.{place}.weight"), conv(&shape));
        denoiser.insert(&format!("model.{place}.bias"), conv(&shape[..1]));
    }
    for last in ["weight", "bias", "running_mean", "running_var"] {
        denoiser.insert(&format!("model.3.{last}"), conv(&[64]));
    }
    let message = NetworkConfig::detect(&denoiser).unwrap_err().to_string();
    assert_eq!(
        message,
        "these weights are of no architecture that percept knows; nearest is srresnet, from which they differ in names \
         (`model.0.bias`, `model.0.weight`, `model.2.bias`, … instead of `body.0.conv1.bias`, `body.0.conv1.weight`, \
         `body.0.conv2.bias`, …) and in layers (3 3×3 convolutions, 1 batch normalisation; srresnet, in its usual size, has \
         35 3×3 convolutions)"
    );
    assert!(NetworkConfig::detect(&StateDict::new()).unwrap_err().to_string().contains("no weights"));
}

/// What others made of an architecture of ours is not that architecture, and the message says so.
#[test]
fn relatives_are_not_taken_for_what_they_are_near_to() {
    let of = |name: &str, scale| {
        let config =
            NETWORKS.iter().find(|kind| kind.name == name).map(|kind| shrunk(&(kind.config)())).unwrap();
        StateDict::of(&init(&config, scale, 0))
    };
    let conv = |shape: &[usize]| Array { shape: shape.to_vec(), data: Vec::new() };
    // Each block of HAT has convolutions beside the attention.
    let mut hat = of("swinir", 4);
    hat.insert("layers.0.residual_group.blocks.0.conv_block.cab.0.weight", conv(&[4, 12, 3, 3]));
    // SRFormer's keys are permuted, and its maps have a convolution between them.
    let mut srformer = of("swinir", 2).renamed(|name| Some(name.replace(".qkv.", ".q.")));
    srformer
        .insert("layers.0.residual_group.blocks.0.mlp.dwconv.depthwise_conv.0.weight", conv(&[24, 1, 5, 5]));
    // PLKSR's authors wrote a name in another way.
    let plksr = of("realplksr", 4).renamed(|name| Some(name.replace("channel_mixer", "channe_mixer")));
    // RGT's attention has other parts than that of DAT.
    let rgt = of("dat", 2).renamed(|name| (!name.contains("_interaction")).then(|| name.to_string()));
    // Nothing of Uformer has a name of SwinIR's, but its words are.
    let mut uformer = StateDict::new();
    for (name, shape) in [
        ("encoderlayer_0.blocks.0.norm1.weight", &[16][..]),
        ("encoderlayer_0.blocks.0.norm1.bias", &[16]),
        ("conv.blocks.1.attn.relative_position_bias_table", &[225, 4]),
        ("conv.mlp.fc1.weight", &[64, 16]),
    ] {
        uformer.insert(name, conv(shape));
    }
    for (state, nearest, differs) in [
        (hat, "swinir ×4", "1 unexpected (`layers.0.residual_group.blocks.0.conv_block.cab.0.weight`)"),
        (srformer, "swinir ×2", "`layers.0.residual_group.blocks.0.attn.q.bias`"),
        (plksr, "realplksr ×4", "`feats.1.channe_mixer.0.bias`"),
        (rgt, "dat ×2", "attn.channel_interaction.1.bias`"),
        (uformer, "swinir", "differ in names (`conv.blocks.1"),
    ] {
        let message = NetworkConfig::detect(&state).unwrap_err().to_string();
        let starts = format!("these weights are of no architecture that percept knows; nearest is {nearest}");
        assert!(message.starts_with(&starts) && message.contains(differs), "{nearest}, {differs}: {message}");
    }
}

/// What is named in a message is in the file: LaMa and others number the places of a `model` as ESRGAN does.
#[test]
fn names_of_others_are_not_translated() {
    let mut state = StateDict::new();
    for place in 0..12 {
        let weight = Array { shape: vec![64, 64, 3, 3], data: Vec::new() };
        state.insert(&format!("model.{}.weight", 3 * place + 1), weight);
    }
    let message = NetworkConfig::detect(&state).unwrap_err().to_string();
    assert!(message.contains("`model.1.weight`") && !message.contains("conv_up"), "{message}");
}

/// Wider than any that percept makes, but an ESRGAN.
#[test]
fn a_network_that_cannot_be_made_is_named_with_the_reason() {
    let mut wide = StateDict::of(&init(&small()[2], 4, 0));
    wide.insert("conv_first.weight", Array { shape: vec![1_000_000, 3, 3, 3], data: Vec::new() });
    let message = NetworkConfig::detect(&wide).unwrap_err().to_string();
    assert!(
        message.contains("nearest is rrdbnet")
            && message.contains("no network can be made (")
            && message.contains("num_feat"),
        "{message}"
    );
}

/// Whatever a file's names and shapes claim, nothing is allocated for it.
#[test]
fn claims_are_not_believed() {
    let claims: [&[(&str, &[usize])]; 6] = [
        &[("body.18446744073709551615.weight", &[1]), ("body.0.weight", &[usize::MAX, 3, 3, 3])],
        &[("body.2000000.weight", &[12, 64, 3, 3]), ("body.0.weight", &[64, 3, 3, 3])],
        &[
            ("conv_first.weight", &[4096, 3, 3, 3]),
            ("body.0.rdb1.conv1.weight", &[4096]),
            ("conv_last.weight", &[]),
        ],
        &[("model.0.weight", &[64, 48]), ("model.18446744073709551615.weight", &[0])],
        &[("conv_1.sk.weight", &[4096]), ("conv_cat.weight", &[4096]), ("upsampler.0.weight", &[usize::MAX])],
        &[("intro.weight", &[4096]), ("downs.0.a", &[]), ("downs.1.a", &[]), ("encoders.0.x.y", &[0, 0, 0])],
    ];
    for names in claims {
        let mut state = StateDict::new();
        for (name, shape) in names {
            state.insert(name, Array { shape: shape.to_vec(), data: Vec::new() });
        }
        NetworkConfig::detect(&state).unwrap_err();
        for kind in NETWORKS {
            let named = (kind.config)().with_our_names(state.clone());
            let fitted = (kind.config)().fitted(&named);
            let _ = (fitted.scale(&named), fitted.assumption(&fitted), fitted.completed());
        }
    }
}

/// Every whole number a fifth of what it is: a network of other sizes than the default ones.
fn shrunk(config: &NetworkConfig) -> NetworkConfig {
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
