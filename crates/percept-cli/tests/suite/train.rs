//! `percept train`: from a config to a model, and nothing lost by a kill.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::common::{arg, percept, run};
use percept_image::{Image, Photo, Srgb, write_photo};
use percept_nn::weights::{Array, StateDict};

/// A smooth picture with detail; another `seed`, another picture.
fn photo(width: usize, height: usize, seed: usize) -> Image<Srgb> {
    let wave = |x: usize, y: usize, c: usize| {
        let (x, y, k) = (x as f32, y as f32, (seed * 3 + c) as f32);
        0.5 + 0.2 * (x / (3.0 + k % 5.0) + k).sin() + 0.2 * (y / (2.0 + k % 7.0) - x / 11.0).cos()
    };
    Image::from_fn(width, height, wave)
}

/// A config of a tiny run on generated photos, with every part in use. `steps` in all, a checkpoint every third.
pub fn tiny(folder: &Path, steps: usize) -> PathBuf {
    for (set, count) in [("train", 3), ("val", 1)] {
        let photos = folder.join(set);
        fs::create_dir_all(&photos).unwrap();
        for i in 0..count {
            write_photo(photos.join(format!("{i}.png")), &Photo::new(photo(64, 48, i))).unwrap();
        }
    }
    let text = format!(
        r#"
name = "tiny"
task = "sr"
scale = 2
manual_seed = 7

[datasets.train]
dataroot_gt = {train:?}
gt_size = 32
batch_size = 2

[datasets.val]
dataroot_gt = {val:?}

[network_g]
type = "srresnet"
num_feat = 8
num_block = 2

[path]
run = {run:?}

[train]
total_iter = {steps}
ema_decay = 0.9

[train.scheduler]
type = "cosine"

[[train.losses]]
type = "l1"

[[train.losses]]
type = "feature"
layer_weights = {{ relu1 = 1.0, relu2 = 1.0 }}
backbone = {{ type = "alexnet", weights = "random" }}

[train.losses.selection]
warmup = 2

[val]
val_freq = 1000

[logger]
print_freq = 1
save_checkpoint_freq = 3
"#,
        train = folder.join("train"),
        val = folder.join("val"),
        run = folder.join("run"),
    );
    let path = folder.join("tiny.toml");
    fs::write(&path, text).unwrap();
    path
}

/// Waits until the log of the run in `folder` has `lines` lines.
fn wait_for(folder: &Path, lines: usize) {
    let log = folder.join("run/log.jsonl");
    let started = Instant::now();
    while fs::read_to_string(&log).map_or(0, |text| text.lines().count()) < lines {
        assert!(started.elapsed() < Duration::from_secs(60), "the run wrote no {lines} lines");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Every array of the model; the card beside them names the folder, which differs.
fn model(folder: &Path) -> Vec<(String, Array)> {
    arrays(&folder.join("run/model.safetensors"))
}

pub fn arrays(path: &Path) -> Vec<(String, Array)> {
    let state = StateDict::load(path).unwrap();
    state.iter().map(|(name, array)| (name.to_string(), array.clone())).collect()
}

#[test]
fn init_train_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sr.toml");
    run(&["init", "sr", "-o", arg(&config)]).exits(0).prints(&["sr.toml"]);
    run(&["init", "sr", "-o", arg(&config)]).exits(2).says(&["sr.toml", "--force"]);
    run(&["init", "fly"]).exits(2).says(&["fly", "denoise"]);
    // As it was written, but smaller and on photos that exist.
    tiny(folder.path(), 2);
    let mut text = fs::read_to_string(&config).unwrap();
    for (from, to) in [
        ("photos/train", arg(&folder.path().join("train"))),
        ("photos/val", arg(&folder.path().join("val"))),
        ("total_iter = 10000", "total_iter = 2"),
        ("batch_size = 8", "batch_size = 2"),
        ("gt_size = 96", "gt_size = 32"),
        ("feature_channels = 48", "feature_channels = 8"),
    ] {
        assert!(text.contains(from), "no `{from}` in {text}");
        text = text.replace(from, to);
    }
    fs::write(&config, text).unwrap();
    let out = folder.path().join("run");
    run(&["train", arg(&config), "--out", arg(&out)]).exits(0).prints(&[arg(&out)]);
    assert!(out.join("model.safetensors").is_file() && out.join("config.toml").is_file());
}

/// As they are written, for two steps on photos that exist.
#[test]
fn the_recipes_of_the_field_train_as_they_are() {
    let photos = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/photos");
    let folder = tempfile::tempdir().unwrap();
    for (name, steps) in [("sr-gan", "4000"), ("real-sr", "10000")] {
        let config = folder.path().join(format!("{name}.toml"));
        run(&["init", name, "-o", arg(&config)]).exits(0);
        let text = fs::read_to_string(&config).unwrap();
        assert!(text.contains(&format!("total_iter = {steps}\n")), "{text}");
        let text = text
            .replace("\"photos/", &format!("\"{photos}/"))
            .replace(&format!("total_iter = {steps}\n"), "total_iter = 2\n")
            .replace("start = 1500\n", "start = 0\n")
            .replace("metrics = [\"psnr-y\", \"lpips-alex\"]", "metrics = [\"psnr-y\"]")
            .replace("# max_images = 5", "max_images = 1")
            .replace("print_freq = 100", "print_freq = 1");
        fs::write(&config, text).unwrap();
        let out = folder.path().join(name);
        run(&["train", arg(&config), "--out", arg(&out)]).exits(0);
        let log = fs::read_to_string(out.join("log.jsonl")).unwrap();
        assert!(log.contains("\"l_g_gan\"") && log.contains("\"out_d_fake\""), "{log}");
    }
}

#[test]
fn schema_is_json_and_knows_the_keys() {
    let schema: serde_json::Value = serde_json::from_str(&run(&["schema"]).exits(0).out).unwrap();
    assert!(schema["properties"]["datasets"].is_object(), "{schema}");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(folder.path(), 2);
    let text = fs::read_to_string(&config).unwrap().replace("gt_size", "gt_sise");
    fs::write(&config, text).unwrap();
    run(&["train", arg(&config)]).exits(2).says(&["gt_sise", "`gt_size`", "tiny.toml:9"]);
    run(&["train", "nowhere.toml"]).exits(2).says(&["nowhere.toml", "percept init"]);
}

#[test]
fn a_run_that_exists_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(folder.path(), 2);
    run(&["train", arg(&config)]).exits(0);
    let before = model(folder.path());
    run(&["train", arg(&config)]).exits(2).says(&["--resume", "choose another folder"]);
    run(&["train", arg(&config), "--resume"]).exits(0);
    assert_eq!(model(folder.path()), before);
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_same_weights() {
    let steps = 24;
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&["train", arg(&tiny(whole.path(), steps))]).exits(0);
    let config = tiny(killed.path(), steps);
    for (attempt, lines) in [4, 9, 10, 17].into_iter().enumerate() {
        let mut command = percept(&["train", arg(&config)]);
        if attempt > 0 {
            command.arg("--resume");
        }
        let mut child = command.spawn().unwrap();
        wait_for(killed.path(), lines);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    run(&["train", arg(&config), "--resume"]).exits(0);
    assert!(model(whole.path()) == model(killed.path()), "the weights differ");
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let steps = 60;
    run(&["train", arg(&tiny(whole.path(), steps))]).exits(0);
    let config = tiny(stopped.path(), steps);
    let child = percept(&["train", arg(&config)]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait_for(stopped.path(), 5);
    let interrupted =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("press again") && said.contains("--resume"), "{said}");
    run(&["train", arg(&config), "--resume"]).exits(0);
    assert!(model(whole.path()) == model(stopped.path()), "the weights differ");
}

#[test]
fn a_checkpoint_cut_in_half_falls_back_to_the_one_before() {
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&["train", arg(&tiny(whole.path(), 9))]).exits(0);
    // Six steps of a run of nine: what a kill would leave.
    let config = tiny(cut.path(), 9);
    let mut child = percept(&["train", arg(&config)]).spawn().unwrap();
    wait_for(cut.path(), 7);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut checkpoints: Vec<_> = fs::read_dir(cut.path().join("run/checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    checkpoints.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    checkpoints.sort();
    assert_eq!(checkpoints.len(), 2, "{checkpoints:?}");
    let bytes = fs::read(&checkpoints[1]).unwrap();
    fs::write(&checkpoints[1], &bytes[..bytes.len() / 2]).unwrap();
    let name = checkpoints[1].file_name().unwrap().to_str().unwrap();
    run(&["train", arg(&config), "--resume"]).exits(0).says(&["warning", name]);
    assert!(model(whole.path()) == model(cut.path()), "the weights differ");
}

/// A full disk: `/dev/full` in the place of the temporary file is not to be had, so the limit on the size of files
/// stands for it. Training goes on, and the checkpoint from before survives.
#[cfg(unix)]
#[test]
fn a_full_disk_is_a_warning_and_the_old_checkpoint_survives() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(folder.path(), 12);
    let whole = run(&["train", arg(&config), "--out", arg(&folder.path().join("whole"))]).exits(0);
    assert!(!whole.err.contains("warning"), "{}", whole.err);
    let stopped = folder.path().join("run");
    // Three steps, then a resumed process that may write no file above 8 KiB.
    let mut child = percept(&["train", arg(&config)]).spawn().unwrap();
    wait_for(folder.path(), 5);
    child.kill().unwrap();
    child.wait().unwrap();
    let limited = format!(
        "trap '' XFSZ; ulimit -f 16; exec {} train {} --resume",
        env!("CARGO_BIN_EXE_percept"),
        arg(&stopped)
    );
    let ended = std::process::Command::new("sh").args(["-c", &limited]).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("warning") && said.contains("free space"), "{said}");
    assert!(stopped.join("checkpoints/00000003.safetensors").is_file(), "{said}");
    run(&["train", arg(&stopped), "--resume"]).exits(0);
    let model = |run: &str| arrays(&folder.path().join(run).join("model.safetensors"));
    assert!(model("whole") == model("run"), "the weights differ");
}

#[test]
fn one_broken_photo_is_named_and_training_goes_on_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(folder.path(), 2);
    let broken = folder.path().join("train/1.png");
    let bytes = fs::read(&broken).unwrap();
    fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
    run(&["train", arg(&config)]).exits(0).says(&["1 of 3 photos", "1.png", "cut off"]);
}

#[test]
fn a_run_that_began_with_other_settings_is_not_continued_silently() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(folder.path(), 2);
    run(&["train", arg(&config), "--resume"]).exits(0);
    let text = fs::read_to_string(&config).unwrap().replace("manual_seed = 7", "manual_seed = 8");
    fs::write(&config, text).unwrap();
    run(&["train", arg(&config), "--resume"]).exits(2).says(&["manual_seed = 7", "--out"]);
    run(&["train", arg(&folder.path().join("run"))]).exits(2).says(&["--resume"]);
    run(&["train", arg(&folder.path().join("run")), "--resume"]).exits(0);
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(folder.path(), 9);
    run(&["train", arg(&config)]).exits(0);
    // Weights so large that what the network makes is infinite.
    let (path, large) =
        (folder.path().join("run/model.safetensors"), folder.path().join("large.safetensors"));
    let mut bytes = fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[header..].chunks_exact_mut(4).for_each(|value| value.copy_from_slice(&1e30f32.to_le_bytes()));
    fs::write(&large, bytes).unwrap();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("[path]", &format!("[path]\npretrain_network_g = {large:?}"))).unwrap();
    let again = folder.path().join("again");
    run(&["train", arg(&config), "--out", arg(&again)]).exits(1).says(&["l_g_l1", "failed_batch_", "help:"]);
}

#[test]
fn weights_with_nan_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(folder.path(), 2);
    run(&["train", arg(&config)]).exits(0);
    let path = folder.path().join("run/model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let broken = folder.path().join("broken.safetensors");
    fs::write(&broken, bytes).unwrap();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("[path]", &format!("[path]\npretrain_network_g = {broken:?}"))).unwrap();
    let out = folder.path().join("second");
    run(&["train", arg(&config), "--out", arg(&out)]).exits(1).says(&["broken.safetensors", "NaN"]);
    assert!(!out.exists());
}

/// Weights of another size say which keys fit them.
#[test]
fn a_start_of_another_size_says_what_to_set() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(folder.path(), 2);
    run(&["train", arg(&config)]).exits(0);
    let start = folder.path().join("run/model.safetensors");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("[path]", &format!("[path]\npretrain_network_g = {start:?}"));
    let second = folder.path().join("second");
    let train = |text: &str| {
        fs::write(&config, text).unwrap();
        run(&["train", arg(&config), "--out", arg(&second)])
    };
    train(&text.replace("num_block = 2", "num_block = 3").replace("scale = 2", "scale = 4"))
        .exits(1)
        .says(&["model.safetensors", "network_g.num_block = 2", "scale = 2"]);
    train(&text.replace("type = \"srresnet\"", "type = \"edsr\"").replace("num_feat = 8", ""))
        .exits(1)
        .says(&["network_g.type = \"srresnet\"", "network_g.num_feat = 8"]);
    assert!(!second.exists());
    train(&text).exits(0);
}

/// What a training selected judges photos, by the run's folder or its model.
#[test]
fn a_run_s_selection_judges_photos() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(folder.path(), 4);
    let out = folder.path().join("run");
    run(&["train", arg(&config), "--out", arg(&out)]).exits(0);
    let test = folder.path().join("test");
    fs::create_dir(&test).unwrap();
    let spoilt = photo(64, 48, 0).map(|v| 0.8 * v);
    write_photo(test.join("0.png"), &Photo::new(spoilt)).unwrap();
    let score = |metric: &str| {
        let val = folder.path().join("val");
        run(&["score", "--ref", arg(&val), "--test", arg(&test), "--metric", metric, "--json"])
    };
    let value = |of: &str| {
        let name = format!("selected:{of}");
        let scored: serde_json::Value = serde_json::from_str(&score(&name).exits(0).out).unwrap();
        scored["mean"][&name].as_f64().unwrap()
    };
    let selected = value(arg(&out));
    assert!(selected > 0.0);
    assert_eq!(selected, value(arg(&out.join("model.safetensors"))));
    score("selected:no/such/run").exits(2).says(&["no/such/run"]);
    score("selected").exits(2).says(&["selected:RUN"]);
}
