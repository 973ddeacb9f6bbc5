//! Model files.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use percept_image::{Image, PackedBayer, Srgb};
use percept_nn::model::{Asked, Card, Model, ModelError, Tiling};
use percept_nn::network::{
    CompactConfig, DatConfig, EdsrConfig, NafNetConfig, NetworkConfig, RealPlksrConfig, RestormerConfig,
    RrdbNetConfig, ScuNetConfig, SpanConfig, SrResNetConfig, SwinIrConfig,
};
use percept_nn::weights::{Array, StateDict, WeightError};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::tiny::*;

/// The weights of a model file without its card, as others publish theirs.
fn bare(path: &Path) {
    let mut bare = StateDict::new();
    bare.extend_prefixed("", StateDict::load(path).unwrap());
    bare.save(path).unwrap();
}

/// A model in a file of a folder of its own.
fn saved(network_g: NetworkConfig, scale: usize, in_channels: usize) -> (TempDir, std::path::PathBuf, Model) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = model(network_g, scale, in_channels, 1.0);
    model.save(&path).unwrap();
    (folder, path, model)
}

fn load(path: &Path) -> Result<Model, ModelError> {
    Model::load(path, &Device::flex())
}

#[test]
fn a_file_holds_the_model_bit_for_bit() {
    let (_folder, path, saved) = saved(srresnet(4, 1), 1, 4);
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.card().sha256.len(), 64);
    assert_eq!(Card { sha256: String::new(), ..loaded.card().clone() }, *saved.card());
    let weights = |model: &Model| StateDict::of(model.network()).to_safetensors();
    assert_eq!(weights(&loaded), weights(&saved));
    let raw = Image::<PackedBayer>::from_fn(20, 12, |x, y, c| ((x * 3 + y + c) % 9) as f32 / 9.0);
    let restore = |model: &Model| model.restore_bayer(&raw, Tiling::default()).unwrap();
    assert_eq!(restore(&loaded), restore(&saved));
    assert_eq!(restore(&loaded).size(), (40, 24));
    // Saved again, the file is the same.
    let again = path.with_extension("again");
    loaded.save(&again).unwrap();
    assert_eq!(fs::read(again).unwrap(), fs::read(&path).unwrap());

    let error = loaded.restore(&photo(9, 9), Tiling::default()).unwrap_err();
    assert!(matches!(error, ModelError::Input { .. }), "{error}");
    assert!(error.to_string().contains("packed Bayer") && error.to_string().contains("model.safetensors"));
}

/// What other tools ask for and percept does not is written beside the parameters, and left out when it is read.
#[test]
fn transformers_are_saved_with_what_follows_from_their_windows() {
    let index = ".relative_position_index";
    for (network_g, scale, masks, indices) in [(swinir(2), 2, 2, 4), (dat([4, 8]), 2, 4, 6)] {
        let (_folder, path, saved) = saved(network_g, scale, 3);
        let file = StateDict::load(&path).unwrap();
        let count = |what: &str| file.iter().filter(|(name, _)| name.contains(what)).count();
        assert_eq!((count("attn_mask"), count(index)), (masks, indices));
        let masks = file.iter().filter(|(name, _)| name.contains("attn_mask"));
        assert!(masks.flat_map(|(_, mask)| &mask.data).all(|value| [0.0, -100.0].contains(value)));
        assert!(count("num_batches") == 0);
        let weights = |model: &Model| StateDict::of(model.network()).to_safetensors();
        assert_eq!(weights(&load(&path).unwrap()), weights(&saved));
    }
}

/// SPAN's authors keep the folded convolutions beside the branches, and other tools want them there.
#[test]
fn a_span_is_saved_as_its_authors_do() {
    let (_folder, path, saved) = saved(span(true), 2, 3);
    let loaded = load(&path).unwrap();
    let weights = |model: &Model| StateDict::of(model.network());
    assert_eq!(weights(&loaded).to_safetensors(), weights(&saved).to_safetensors());
    let mut file = StateDict::load(&path).unwrap();
    for place in ["conv_1", "conv_2", "block_1.c1_r", "block_6.c3_r"] {
        assert!(
            file.get(&format!("{place}.eval_conv.bias")).is_some()
                && file.get(&format!("{place}.sk.bias")).is_some()
        );
    }
    // They alone are the same network.
    let folded = file
        .clone()
        .renamed(|name| (!name.contains(".sk.") && !name.contains(".conv.")).then(|| name.to_string()));
    let mut bare = StateDict::new();
    bare.extend_prefixed("", folded);
    let folded = Model::of_weights(bare, &path, Asked::default(), &Device::flex()).unwrap();
    assert_eq!(folded.card().network_g, span(true).completed().fitted(&StateDict::of(folded.network())));
    let restore = |model: &Model| model.restore(&photo(20, 12), Tiling::default()).unwrap();
    assert!(largest_difference(&restore(&folded), &restore(&saved)) < 1e-5);
    // Nor does a card hide a change of what is derived.
    let mut array = file.get("conv_1.eval_conv.bias").unwrap().clone();
    array.data[0] += 1.0;
    file.insert("conv_1.eval_conv.bias", array);
    file.save(&path).unwrap();
    assert!(matches!(load(&path).unwrap_err(), ModelError::Damaged { .. }));
}

/// A folded SPAN has branches in its file, which other tools want; what they were made of is what is read.
#[test]
fn a_folded_span_is_saved_with_branches() {
    let (_folder, path, saved) = saved(span(false), 2, 3);
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.card().network_g, saved.card().network_g);
    let weights = |model: &Model| StateDict::of(model.network()).to_safetensors();
    assert_eq!(weights(&loaded), weights(&saved));
    let asked = Asked { network_g: Some(&NetworkConfig::Span(SpanConfig::default())), scale: Some(2) };
    assert!(Model::import(&path, asked, &Device::flex()).is_ok());
    bare(&path);
    let restore = |model: &Model| model.restore(&photo(20, 12), Tiling::default()).unwrap();
    assert_eq!(weights(&load(&path).unwrap()), weights(&saved));
    // The branches alone are the same network.
    let state = StateDict::load(&path).unwrap();
    let branches = state.renamed(|name| (!name.contains(".eval_conv.")).then(|| name.to_string()));
    branches.save(&path).unwrap();
    let branches = load(&path).unwrap();
    assert!(matches!(&branches.card().network_g, NetworkConfig::Span(config) if config.reparameterized));
    assert!(largest_difference(&restore(&branches), &restore(&saved)) < 1e-3);
}

/// Grey is what the network makes of it, and colours stay what they were.
#[test]
fn a_network_of_one_channel_restores_photos() {
    let compact = CompactConfig { num_feat: 8, num_conv: 2, ..CompactConfig::default() };
    for (network_g, scale) in [(NetworkConfig::Compact(compact), 2), (drunet(), 1), (fbcnn(), 1)] {
        let (_folder, path, saved) = saved(network_g, scale, 1);
        bare(&path);
        let asked = Asked { network_g: Some(&saved.card().network_g), scale: None };
        let loaded = Model::import(&path, asked, &Device::flex()).unwrap();
        assert_eq!((loaded.card().in_channels, loaded.card().scale), (1, scale));
        let grey = Image::<Srgb>::from_fn(37, 21, |x, y, _| photo(37, 21).pixel(x, y)[0]);
        let result = loaded.restore(&grey, Tiling::whole()).unwrap();
        assert!(result.data().chunks_exact(3).all(|p| p.iter().all(|value| (value - p[0]).abs() < 1e-5)));
        assert!(liveliness(&result) > 0.0);
        // A photo whose brightness is the same, in other colours.
        let shares = [0.299, 0.587, 0.114];
        let tint = [0.02, 0.01, -(0.02 * shares[0] + 0.01 * shares[1]) / shares[2]];
        let tinted = Image::<Srgb>::from_fn(37, 21, |x, y, c| grey.pixel(x, y)[c] + tint[c]);
        let coloured = loaded.restore(&tinted, Tiling::whole()).unwrap();
        let pixels = result.data().chunks_exact(3).zip(coloured.data().chunks_exact(3));
        // Neither is cut off.
        let inside: Vec<_> = pixels.filter(|(grey, _)| (0.15..0.85).contains(&grey[0])).collect();
        assert!(inside.len() > 20, "{}", inside.len());
        for (grey, colour) in inside {
            assert!((0..3).all(|c| (colour[c] - grey[c] - tint[c]).abs() < 1e-3), "{grey:?} {colour:?}");
        }
    }
}

#[test]
fn a_damaged_file_is_named() {
    let (_folder, path, _) = saved(srresnet(4, 1), 2, 3);
    let whole = fs::read(&path).unwrap();
    let broken = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = load(&path).unwrap_err();
        assert!(error.to_string().contains("model.safetensors"), "{error}");
        error
    };
    let mut flipped = whole.clone();
    let last = flipped.len() - 2;
    flipped[last] ^= 1;
    assert!(matches!(broken(&flipped), ModelError::Damaged { .. }));
    for length in [0, 4, 100, whole.len() / 2, whole.len() - 1] {
        broken(&whole[..length]);
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let (_folder, path, _) = saved(srresnet(4, 1), 2, 3);
    let mut state = StateDict::load(&path).unwrap();
    let mut bias = state.get("conv_last.bias").unwrap().clone();
    bias.data[1] = f32::NAN;
    state.insert("conv_last.bias", bias);
    let mut card: Value = serde_json::from_str(&state.metadata()[Card::KEY]).unwrap();
    card["sha256"] = state.sha256().into();
    state.set_metadata(Card::KEY, &card.to_string());
    state.save(&path).unwrap();
    let error = load(&path).unwrap_err();
    assert!(matches!(error, ModelError::Weights(WeightError::NotFinite { .. })), "{error}");
    let message = error.to_string();
    assert!(message.contains("model.safetensors") && message.contains("conv_last.bias"), "{message}");
}

#[test]
fn a_card_that_is_not_that_of_the_weights_is_refused() {
    let (_folder, path, _) = saved(srresnet(4, 1), 2, 3);
    let state = StateDict::load(&path).unwrap();
    let card: Value = serde_json::from_str(&state.metadata()[Card::KEY]).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let (mut state, mut card) = (state.clone(), card.clone());
        change(&mut card);
        state.set_metadata(Card::KEY, &card.to_string());
        state.save(&path).unwrap();
        let error = load(&path).unwrap_err();
        assert!(error.to_string().contains("model.safetensors"), "{error}");
        error
    };
    assert!(matches!(with(&|card| card["network_g"]["num_feat"] = 9.into()), ModelError::Card { .. }));
    assert!(matches!(with(&|card| card["network_g"]["type"] = "unet".into()), ModelError::Card { .. }));
    assert!(matches!(with(&|card| card["in_channels"] = 1_000_000_000.into()), ModelError::Card { .. }));
    assert!(matches!(with(&|card| card["scale"] = 7.into()), ModelError::Network { .. }));
    assert!(matches!(with(&|card| card["scale"] = 4.into()), ModelError::Weights(WeightError::Names { .. })));
}

#[test]
fn without_a_card_the_weights_say_what_they_are() {
    let (_folder, path, saved) = saved(srresnet(6, 3), 2, 3);
    bare(&path);
    let restore = |model: &Model| model.restore(&photo(20, 12), Tiling::default()).unwrap();
    let detected = load(&path).unwrap();
    assert_eq!((&detected.card().network_g, detected.card().scale), (&srresnet(6, 3), 2));
    assert_eq!(detected.assumption(), None);
    assert_eq!(restore(&detected), restore(&saved));

    // What is said is checked.
    let config = NetworkConfig::SrResNet(SrResNetConfig::default());
    let import = |network_g, scale| Model::import(&path, Asked { network_g, scale }, &Device::flex());
    for asked in [Some(&config), None] {
        assert_eq!(import(asked, Some(2)).unwrap().card().network_g, srresnet(6, 3));
        let error = import(asked, Some(4)).unwrap_err().to_string();
        assert!(error.contains("said to be 4") && error.contains("model.safetensors"), "{error}");
    }
    let error = import(Some(&nafnet(4)), None).unwrap_err().to_string();
    assert!(error.contains("does not fit the network") && error.contains("model.safetensors"), "{error}");

    let mut bare = StateDict::load(&path).unwrap();
    bare.set_metadata("iter", "5");
    bare.set_metadata("card", "{}");
    bare.save(&path).unwrap();
    let error = load(&path).unwrap_err();
    assert!(matches!(error, ModelError::Checkpoint { .. }), "{error}");

    let mut other = StateDict::new();
    let conv = Array { shape: vec![2, 3, 1, 1], data: vec![0.5; 6] };
    other.insert("conv_first.weight", conv.clone());
    other.insert("layers.0.weight", conv);
    other.save(&path).unwrap();
    let error = load(&path).unwrap_err();
    assert!(matches!(error, ModelError::Unrecognised { .. }), "{error}");
    assert!(error.to_string().contains("nearest is") && error.to_string().contains("model.safetensors"));
}

#[test]
fn sizes_of_public_weights_are_read_off_them() {
    let edsr = EdsrConfig { num_feat: 6, num_block: 3, res_scale: Some(0.1) };
    let default = EdsrConfig { res_scale: Some(0.1), ..EdsrConfig::default() };
    let rrdb = RrdbNetConfig { num_feat: 6, num_block: 2, num_grow_ch: 5, ..RrdbNetConfig::default() };
    let compact = CompactConfig { num_feat: 6, num_conv: 3, ..CompactConfig::default() };
    let cases = [
        (NetworkConfig::Edsr(edsr), NetworkConfig::Edsr(default), 4),
        (NetworkConfig::RrdbNet(rrdb), NetworkConfig::RrdbNet(RrdbNetConfig::default()), 2),
        (NetworkConfig::Compact(compact), NetworkConfig::Compact(CompactConfig::default()), 4),
        (nafnet(6), NetworkConfig::NafNet(NafNetConfig::default()), 1),
        (span(true).completed(), NetworkConfig::Span(SpanConfig::default()), 2),
        (span(false).completed(), NetworkConfig::Span(SpanConfig::default()), 4),
        (realplksr(true, true), NetworkConfig::RealPlksr(RealPlksrConfig::default()), 3),
        (realplksr(false, false), NetworkConfig::RealPlksr(RealPlksrConfig::default()), 1),
        (swinir(2).completed(), NetworkConfig::SwinIr(SwinIrConfig::default()), 4),
        (scunet(), NetworkConfig::ScuNet(ScuNetConfig::default()), 1),
        (restormer(), NetworkConfig::Restormer(RestormerConfig::default()), 1),
        (dat([4, 8]), NetworkConfig::Dat(DatConfig::default()), 2),
        (dat([16, 8]), NetworkConfig::Dat(DatConfig::default()), 3),
    ];
    for (network_g, default, scale) in cases {
        let (_folder, path, _) = saved(network_g.clone(), scale, 3);
        bare(&path);
        for asked in [Some(scale), None] {
            let imported =
                Model::import(&path, Asked { network_g: Some(&default), scale: asked }, &Device::flex())
                    .unwrap();
            assert_eq!(imported.card().network_g, network_g);
            assert_eq!(imported.card().scale, scale);
        }
    }
}

/// Others leave the connections of an ESRGAN+ out where its names are newer ones.
#[test]
fn esrgan_plus_is_saved_under_its_first_names() {
    let config =
        RrdbNetConfig { num_feat: 6, num_block: 2, num_grow_ch: 5, plus: true, ..RrdbNetConfig::default() };
    let (_folder, path, model) = saved(NetworkConfig::RrdbNet(config), 4, 3);
    let state = StateDict::load(&path).unwrap();
    let names = [
        "model.0.weight",
        "model.1.sub.1.RDB3.conv5.0.bias",
        "model.1.sub.0.RDB1.conv1x1.weight",
        "model.1.sub.2.bias",
        "model.3.weight",
        "model.6.weight",
        "model.8.weight",
        "model.10.bias",
    ];
    assert!(names.iter().all(|name| state.get(name).is_some()), "{state:?}");
    let again = load(&path).unwrap();
    assert_eq!(again.card().network_g, model.card().network_g);
    assert_eq!(StateDict::of(again.network()).sha256(), StateDict::of(model.network()).sha256());
}

/// The weights of an EDSR do not show how its residuals are scaled.
#[test]
fn what_weights_do_not_show_is_said_and_kept_in_the_card() {
    let narrow = EdsrConfig { num_feat: 6, num_block: 2, res_scale: Some(0.1) };
    let open = |res_scale| NetworkConfig::Edsr(EdsrConfig { res_scale, ..EdsrConfig::default() });
    let share = |model: &Model| match &model.card().network_g {
        NetworkConfig::Edsr(config) => config.res_scale,
        other => panic!("{other}"),
    };
    let (_folder, path, saved) = saved(NetworkConfig::Edsr(narrow), 2, 3);
    // The card says it, whatever the default is; and what contradicts it is refused.
    let import = |network_g: &NetworkConfig| {
        Model::import(&path, Asked { network_g: Some(network_g), scale: None }, &Device::flex())
    };
    let carded = import(&open(None)).unwrap();
    assert_eq!((share(&carded), carded.assumption()), (Some(0.1), None));
    let error = import(&open(Some(0.5))).unwrap_err().to_string();
    assert!(error.contains("0.5") && error.contains("0.1"), "{error}");
    let error = import(&srresnet(4, 1)).unwrap_err().to_string();
    assert!(error.contains("srresnet") && error.contains("edsr"), "{error}");

    bare(&path);
    let guessed = import(&open(None)).unwrap();
    let said = guessed.assumption().unwrap();
    assert!(
        said.contains("res_scale") && said.contains("1 is used") && said.contains("6 features"),
        "{said}"
    );
    let told = import(&open(Some(0.1))).unwrap();
    assert_eq!((share(&guessed), share(&told), told.assumption()), (Some(1.0), Some(0.1), None));
    let restore = |model: &Model| model.restore(&photo(20, 12), Tiling::default()).unwrap();
    assert_eq!(restore(&told), restore(&saved));
    assert!(largest_difference(&restore(&guessed), &restore(&saved)) > 1e-3);
    // Saved by percept, it needs no flag any more.
    guessed.save(&path).unwrap();
    assert_eq!(share(&load(&path).unwrap()), Some(1.0));

    // Wide ones are scaled down by their authors.
    let wide = NetworkConfig::Edsr(EdsrConfig { num_feat: 256, num_block: 1, res_scale: None });
    assert_eq!(
        wide.completed().to_string(),
        r#"{"type":"edsr","num_feat":256,"num_block":1,"res_scale":0.1}"#
    );
    assert!(wide.assumption(&open(None)).unwrap().contains("0.1 is used"));
}

/// A small file may not ask for more memory than there is.
#[test]
fn a_file_that_claims_a_giant_network_is_refused() {
    let (_folder, path, _) = saved(srresnet(4, 1), 2, 3);
    let mut state = StateDict::new();
    state.extend_prefixed("", StateDict::load(&path).unwrap());
    // More channels than any network has, and more than the file can have.
    for (channels, says) in [(100_000, "num_feat"), (4000, "does not fit the network")] {
        let wide = Array { shape: vec![channels, 3, 1, 1], data: vec![0.0; 3 * channels] };
        state.insert("conv_first.weight", wide);
        state.save(&path).unwrap();
        let asked = Asked { network_g: Some(&srresnet(4, 1)), scale: None };
        let error = Model::import(&path, asked, &Device::flex()).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("model.safetensors"), "{error}");
    }
}

#[test]
fn a_result_that_is_no_number_names_the_model() {
    let (_folder, path, _) = saved(srresnet(4, 1), 2, 3);
    model(srresnet(4, 1), 2, 3, 1e30).save(&path).unwrap();
    let error = load(&path).unwrap().restore(&photo(20, 12), Tiling::default()).unwrap_err();
    assert!(matches!(error, ModelError::NotFinite { .. }), "{error}");
    assert!(error.to_string().contains("model.safetensors"), "{error}");
}
