//! Scores by names that hold a file or a run.

use std::path::Path;

use burn::tensor::Device;
use percept_image::{Image, Metric, Srgb};
use percept_nn::backbone::{BackboneConfig, WeightSource};
use percept_nn::disentangle::{Start, TripletConfig};
use percept_nn::loss::{FeatureLoss, LossConfig, TrainLoss};
use percept_nn::metric::{ChannelDistance, SelectedTap, SelectionFile};
use percept_nn::weights::{StateDict, WeightStore};
use percept_run::metric::{named, space_section};
use percept_run::{Checkpoint, Checkpoints};
use serde_json::{Value, json};

fn photo(strength: f32) -> Image<Srgb> {
    Image::from_fn(40, 32, |x, y, c| {
        let wave = ((x * 3 + y * (c + 1)) as f32 / 5.0).sin();
        (0.5 + 0.3 * wave + strength * ((x * 7 + y * 13 + c) % 5) as f32 / 10.0).clamp(0.0, 1.0)
    })
}

fn score(metric: &dyn Metric) -> f64 {
    metric.score(&photo(0.0), &photo(0.5)).unwrap()
}

fn find(name: &str) -> Result<Box<dyn Metric>, String> {
    named(name, 0, &WeightStore::new(), &Device::flex()).map_err(|error| error.to_string())
}

fn refused(name: &str) -> String {
    let Err(error) = find(name) else { panic!("{name} is no score") };
    error
}

fn backbone() -> BackboneConfig {
    BackboneConfig { weights: WeightSource::Random, ..BackboneConfig::default() }
}

/// A file of `percept select`, and that `selected:FILE@SIDE` loses its size only where no file has that name.
#[test]
fn a_file_is_a_score_and_may_end_like_a_size() {
    let folder = tempfile::tempdir().unwrap();
    let tap = SelectedTap {
        name: "relu1_2".to_string(),
        weights: (0..64).map(|c| if c == 3 { 64.0 } else { 0.0 }).collect(),
        response: vec![0.5; 64],
        variance: vec![1.0; 64],
    };
    let file = SelectionFile {
        backbone: backbone(),
        distance: ChannelDistance::Squared,
        taps: vec![tap],
        learned: "by hand".to_string(),
    };
    let path = folder.path().join("mine@30");
    file.save(&path).unwrap();
    let plain = find(&format!("selected:{}", path.display())).unwrap();
    assert!(plain.name().ends_with("mine@30") && !plain.protocol().contains("shrunk"));
    let shrunk = find(&format!("selected:{}@30", path.display())).unwrap();
    assert!(shrunk.name().ends_with("mine@30@30") && shrunk.protocol().contains("shrunk to 30 pixels"));
    assert_ne!(score(plain.as_ref()), score(shrunk.as_ref()));
}

/// Saves a checkpoint of a selection in the run's folder, as a training does.
fn checkpoint(run: &Path, iter: u64, opt: &Value, lr: f64) {
    let mut state = StateDict::new();
    if let Ok(opt) = serde_json::from_value::<LossConfig>(opt.clone())
        && opt.selection().is_some()
        && let TrainLoss::Space(mut space) =
            opt.init(&WeightStore::new(), &Device::flex().autodiff()).unwrap()
    {
        let device = Device::flex().autodiff();
        let image = |strength: f32| {
            let photos = [photo(strength), photo(strength / 2.0)];
            let data: Vec<f32> = photos.iter().flat_map(|photo| photo.data().to_vec()).collect();
            burn::tensor::Tensor::from_data(burn::tensor::TensorData::new(data, [2, 32, 40, 3]), &device)
        };
        let seen = space.see(image(0.3), image(0.0));
        space.selection_step(&seen, |_| image(lr as f32));
        state.extend_prefixed(&space_section("mine"), space.state_dict());
    }
    let mut term = opt.clone();
    if term.is_object() {
        term["name"] = "mine".into();
    }
    let card = json!({"model": {"losses": [{"type": "l1", "name": "l1"}, term]}});
    Checkpoints::new(run.join("checkpoints")).save(Checkpoint { iter, card, state }, 2).unwrap();
}

#[test]
fn a_run_is_the_score_of_its_newest_sound_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path();
    let selection =
        TripletConfig { start: Start::Uniform, warmup: 0, lr: 0.5, ema: 0.0, ..TripletConfig::default() };
    let feature =
        FeatureLoss { backbone: backbone(), selection: Some(selection.into()), ..FeatureLoss::default() };
    let opt = serde_json::to_value(LossConfig::Feature(feature)).unwrap();
    checkpoint(run, 2, &opt, 0.9);
    let name = format!("selected:{}", run.display());
    let older = find(&name).unwrap();
    assert_eq!(older.name(), name);
    checkpoint(run, 4, &opt, 0.1);
    let newest = find(&name).unwrap();
    assert_ne!(score(newest.as_ref()), score(older.as_ref()), "another selection");
    let file = run.join("checkpoints/00000002.safetensors");
    assert_eq!(score(find(&format!("selected:{}", file.display())).unwrap().as_ref()), score(older.as_ref()));

    // Still a safetensors file, but not the one that was written: one value of it is another.
    let path = run.join("checkpoints/00000004.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(score(find(&name).unwrap().as_ref()), score(older.as_ref()), "the newest is damaged");
    std::fs::write(run.join("checkpoints/00000002.safetensors"), b"{}").unwrap();
    let error = refused(&name);
    assert!(error.contains("damaged") && error.contains("00000004"), "{error}");
}

#[test]
fn a_run_without_selection_is_no_score() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path();
    let error = |name: &Path| refused(&format!("selected:{}", name.display()));
    assert!(error(run).contains("no checkpoint"));
    assert!(error(&run.join("nowhere")).contains("nowhere"));
    for (opt, said) in [
        (json!({"type": "l1", "name": "other"}), "without a selection"),
        (json!({"type": "feature"}), "without a selection"),
        (json!({"type": "dists"}), "without a selection"),
        (json!({"type": "telepathy"}), "does not describe"),
    ] {
        checkpoint(run, 9, &opt, 0.0);
        assert!(error(run).contains(said), "{opt}: {}", error(run));
    }
    let unknown = refused("lpips-alx");
    assert!(unknown.contains("lpips-alex") && unknown.contains("selected:RUN"), "{unknown}");
}
