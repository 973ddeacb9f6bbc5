//! Weights under names that are not percept's: what they are taken for, and what is said of those that are nothing.

use percept_nn::network::{EdsrConfig, NETWORKS, NetworkConfig, RrdbNetConfig};
use percept_nn::weights::{Array, StateDict};

use crate::network::{init, shrunk, small};

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
