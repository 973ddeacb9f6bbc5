//! Model files, and images that go through them in tiles.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use percept_image::{Image, PackedBayer, Srgb};
use percept_nn::model::{Asked, Card, Model, ModelError, Tiling};
use percept_nn::network::{
    CompactConfig, DatConfig, DruNetConfig, EdsrConfig, FbcnnConfig, NafNetConfig, NetworkConfig,
    RealPlksrConfig, RestormerConfig, RrdbNetConfig, ScuNetConfig, SpanConfig, SrResNetConfig, SwinIrConfig,
};
use percept_nn::weights::{Array, StateDict, WeightError};
use serde_json::{Value, json};
use tempfile::TempDir;

fn card(network_g: NetworkConfig, scale: usize, in_channels: usize) -> Card {
    Card {
        network_g,
        task: "sr".to_string(),
        scale,
        in_channels,
        losses: json!([{"type": "l1", "name": "l1", "weight": 1.0}]),
        seed: 3,
        data: json!({"photos": 5}),
        finished: false,
        iter: 12,
        percept: "0.1.0".to_string(),
        sha256: String::new(),
    }
}

/// A network all of whose layers matter. Initial weights are nearly those of no change at all, so they are grown;
/// gates and biases start at 0, so they are filled.
fn model(network_g: NetworkConfig, scale: usize, in_channels: usize, growth: f32) -> Model {
    let card = card(network_g.clone(), scale, in_channels);
    let network = network_g.init(card.network_scale(), in_channels, 3, &Device::flex()).unwrap();
    let mut state = StateDict::new();
    for (name, array) in StateDict::of(&network).iter() {
        let grown = |(at, value): (usize, &f32)| match *value {
            0.0 => 0.1 * ((at * 7) % 5) as f32 - 0.2,
            value => growth * value,
        };
        let data = array.data.iter().enumerate().map(grown).collect();
        state.insert(name, Array { shape: array.shape.clone(), data });
    }
    Model::new(state.apply(network).unwrap(), card)
}

fn photo(width: usize, height: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        let (x, y) = (x as f32, y as f32);
        0.5 + 0.3 * (x / 3.0 + c as f32).sin() * (y / 5.0).cos() + 0.1 * ((x * y) / 40.0).sin()
    })
}

fn srresnet(num_feat: usize, num_block: usize) -> NetworkConfig {
    NetworkConfig::SrResNet(SrResNetConfig { num_feat, num_block })
}

fn span(reparameterized: bool) -> NetworkConfig {
    NetworkConfig::Span(SpanConfig {
        feature_channels: 8,
        norm: !reparameterized,
        reparameterized,
        ..SpanConfig::default()
    })
}

fn realplksr(layer_norm: bool, dysample: bool) -> NetworkConfig {
    let config =
        RealPlksrConfig { dim: 8, n_blocks: 3, kernel_size: 9, layer_norm, dysample, ..Default::default() };
    NetworkConfig::RealPlksr(config)
}

fn swinir(blocks: usize) -> NetworkConfig {
    let (depths, num_heads) = (vec![blocks; 2], vec![2; 2]);
    NetworkConfig::SwinIr(SwinIrConfig { embed_dim: 12, depths, num_heads, ..SwinIrConfig::default() })
}

fn scunet() -> NetworkConfig {
    NetworkConfig::ScuNet(ScuNetConfig { dim: 8, config: [1, 1, 1, 2, 1, 1, 1], head_dim: 4 })
}

fn restormer() -> NetworkConfig {
    let (num_blocks, num_refinement_blocks) = ([1; 4], 1);
    let config = RestormerConfig { dim: 8, num_blocks, num_refinement_blocks, ..RestormerConfig::default() };
    NetworkConfig::Restormer(config)
}

fn dat(split_size: [usize; 2]) -> NetworkConfig {
    let (depth, num_heads, num_feat) = (vec![3, 2], vec![2; 2], 8);
    NetworkConfig::Dat(DatConfig {
        embed_dim: 32,
        depth,
        num_heads,
        split_size,
        num_feat,
        ..DatConfig::default()
    })
}

fn drunet() -> NetworkConfig {
    NetworkConfig::DruNet(DruNetConfig { nc: [6, 8, 8, 8], nb: 2, noise_level: Some(15.0) })
}

fn fbcnn() -> NetworkConfig {
    NetworkConfig::Fbcnn(FbcnnConfig { nc: [6, 8, 8, 8], nb: 2, embedding: 8, quality: None })
}

fn nafnet(width: usize) -> NetworkConfig {
    let (enc_blk_nums, dec_blk_nums) = (vec![1, 2], vec![1, 1]);
    NetworkConfig::NafNet(NafNetConfig { width, enc_blk_nums, middle_blk_num: 1, dec_blk_nums })
}

fn largest_difference(a: &Image<Srgb>, b: &Image<Srgb>) -> f32 {
    assert_eq!(a.size(), b.size());
    a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Mean size of the change from pixel to pixel: what a network that says nothing would have none of.
fn liveliness(image: &Image<Srgb>) -> f32 {
    let values = image.data();
    let steps = values.iter().zip(&values[3..]).map(|(a, b)| (a - b).abs());
    steps.sum::<f32>() / values.len() as f32
}

#[test]
fn tiles_give_what_one_piece_gives() {
    let edsr = NetworkConfig::Edsr(EdsrConfig { num_feat: 12, num_block: 4, ..EdsrConfig::default() });
    let rrdb = |num_block| {
        NetworkConfig::RrdbNet(RrdbNetConfig {
            num_feat: 8,
            num_block,
            num_grow_ch: 4,
            ..RrdbNetConfig::default()
        })
    };
    let cases = [
        (srresnet(12, 3), 4, 4.0),
        (srresnet(12, 3), 3, 4.0),
        (srresnet(12, 16), 1, 2.0),
        (edsr, 2, 1.5),
        (rrdb(3), 4, 2.0),
        // Sees 320 pixels far, on paper.
        (rrdb(21), 4, 2.0),
        (rrdb(2), 2, 2.0),
        (
            NetworkConfig::Compact(CompactConfig { num_feat: 12, num_conv: 4, ..CompactConfig::default() }),
            4,
            2.0,
        ),
        (nafnet(8), 1, 1.0),
        (span(true), 2, 1.0),
        (span(false), 4, 1.0),
        (realplksr(true, false), 4, 1.0),
        (drunet(), 1, 1.0),
        // Their means are those of the whole photo.
        (fbcnn(), 1, 1.0),
        (realplksr(false, true), 2, 1.0),
        (swinir(2), 4, 2.0),
        (swinir(6), 1, 4.0),
        (scunet(), 1, 1.5),
        // Their channels are compared over the whole photo; windows of the last have zeros beyond its edges.
        (restormer(), 1, 1.0),
        (dat([4, 8]), 2, 1.0),
    ];
    for (network_g, scale, growth) in cases {
        let name = format!("{} x{scale}", network_g.name());
        let model = model(network_g, scale, 3, growth);
        let image = photo(147, 101);
        let whole = model.restore(&image, Tiling::whole()).unwrap();
        assert_eq!(whole.size(), (147 * scale, 101 * scale));
        let life = liveliness(&whole);
        assert!(life > 0.01, "{name}: {life}");
        let tiles = |overlap| Tiling { size: Some(48), overlap };
        let difference = largest_difference(&whole, &model.restore(&image, tiles(None)).unwrap());
        assert!(difference <= 1.0 / 255.0, "{name}: {difference}");
        let bare = largest_difference(&whole, &model.restore(&image, tiles(Some(0))).unwrap());
        assert!(bare > 1.0 / 255.0, "{name}: without overlap {bare}, so the test tests nothing");
    }
}

/// The mean of a tile is not the mean of the photo: half of it is black.
#[test]
fn channel_attention_sees_the_whole_photo_in_every_tile() {
    let model = model(nafnet(8), 1, 3, 1.0);
    let half = Image::from_fn(160, 48, |x, y, c| if x < 80 { 0.0 } else { photo(160, 48).pixel(x, y)[c] });
    let whole = model.restore(&half, Tiling::whole()).unwrap();
    let tiled = model.restore(&half, Tiling { size: Some(48), overlap: None }).unwrap();
    let difference = largest_difference(&whole, &tiled);
    assert!(difference <= 1.0 / 255.0, "{difference}");
    // A part by itself, which is what a tile with its own mean would be, differs inside too.
    let part = model.restore(&half.crop(64, 0, 96, 48), Tiling::whole()).unwrap();
    let difference = largest_difference(&whole.crop(128, 8, 32, 32), &part.crop(64, 8, 32, 32));
    assert!(difference > 1.0 / 255.0, "{difference}: the mean does not matter, so the test tests nothing");
}

#[test]
fn every_size_goes_through() {
    let naf = NetworkConfig::NafNet(NafNetConfig { width: 4, ..NafNetConfig::default() });
    let rrdb = NetworkConfig::RrdbNet(RrdbNetConfig {
        num_feat: 4,
        num_block: 1,
        num_grow_ch: 2,
        ..RrdbNetConfig::default()
    });
    for (network_g, scale) in
        [(naf, 1), (srresnet(4, 1), 4), (rrdb, 1), (swinir(1), 2), (restormer(), 1), (dat([2, 4]), 1)]
    {
        let model = model(network_g, scale, 3, 1.0);
        for (width, height) in [(1, 1), (1, 40), (17, 3), (33, 50)] {
            let tilings =
                [(None, None), (Some(1), Some(0)), (Some(16), None), (Some(usize::MAX), Some(usize::MAX))];
            for (size, overlap) in tilings.into_iter().take(if width < 20 { 4 } else { 1 }) {
                let restored = model.restore(&photo(width, height), Tiling { size, overlap }).unwrap();
                assert_eq!(restored.size(), (scale * width, scale * height));
                assert!(restored.data().iter().all(|value| (0.0..=1.0).contains(value)));
            }
        }
        assert_eq!(model.restore(&photo(0, 0), Tiling::default()).unwrap().size(), (0, 0));
    }
}

/// Where its authors do not want it so, padding with zeros would be a dark edge that the network answers to.
#[test]
fn padding_continues_the_image() {
    let model = model(restormer(), 1, 3, 1.0);
    let restore = |width, height| {
        let grey = Image::from_fn(width, height, |_, _, _| 0.6);
        model.restore(&grey, Tiling::whole()).unwrap()
    };
    let difference = largest_difference(&restore(64, 64).crop(0, 0, 61, 63), &restore(61, 63));
    assert!(difference < 1e-4, "{difference}");
}

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
