//! `percept experiment`, through the real binary: small trainings on real photos.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{arg, percept, run};
use serde_json::Value;

const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/photos");

fn experiment(folder: &Path, change: impl Fn(String) -> String) -> String {
    let text = format!(
        r#"
name = "tiny"
title = "Does a selection help?"
seeds = [3, 5]
reference = "feature"
ours = "across"
test = ["{PHOTOS}/val"]
test_crop = 64
metrics = ["psnr-y", "haarpsi"]
crop = 32
knobs.train.losses.feature.weight = ["across", "feature"]

[base]
task = "sr"
scale = 2
network_g = {{ type = "srresnet", num_feat = 8, num_block = 1 }}
datasets.train = {{ dataroot_gt = "{PHOTOS}/train", gt_size = 32, batch_size = 2 }}
logger = {{ print_freq = 1, save_checkpoint_freq = 1, use_tb_logger = false }}
train.total_iter = 4

[start]
train.total_iter = 2
train.losses = [{{ type = "l1" }}]

[[variant.feature.train.losses]]
type = "feature"
backbone = {{ type = "vgg16", weights = "random" }}
layer_weights = {{ relu1_2 = 1.0 }}

[[variant.across.train.losses]]
type = "feature"
backbone = {{ type = "vgg16", weights = "random" }}
layer_weights = {{ relu1_2 = 1.0 }}
weight = 0.25
selection = {{ contrast = "across", warmup = 0, lr = 0.1 }}
"#
    );
    let path = folder.join("tiny.toml");
    fs::write(&path, change(text)).unwrap();
    path.to_str().unwrap().to_string()
}

/// The results without what differs from call to call.
fn results(out: &Path) -> Value {
    let mut found: Value = serde_json::from_slice(&fs::read(out.join("results.json")).unwrap()).unwrap();
    for key in ["out", "command"] {
        found["plan"].as_object_mut().unwrap().remove(key);
    }
    for variant in found["variants"].as_array_mut().unwrap() {
        variant.as_object_mut().unwrap().remove("seconds");
    }
    rounded(&mut found);
    found
}

/// Sums over photos may be taken in another order: what is left of that is beyond the ninth digit.
fn rounded(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            *value = ((number.as_f64().unwrap() * 1e9).round() / 1e9).into();
        }
        Value::Array(values) => values.iter_mut().for_each(rounded),
        Value::Object(values) => values.values_mut().for_each(rounded),
        _ => {}
    }
}

#[test]
fn trains_judges_and_goes_on_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let file = experiment(folder.path(), |text| text);
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    run(&["experiment", &file, "--out", arg(&one), "--list"]).exits(0).prints(&[
        "seed-3 warm",
        "seed-5 across",
        "to do",
    ]);
    run(&["experiment", &file, "--out", arg(&one)]).exits(0).prints(&["README.md"]);
    run(&["experiment", &file, "--out", arg(&one), "--list"]).exits(0).prints(&["done"]);

    let found = results(&one);
    assert_eq!(found["photos"].as_array().unwrap().len(), 5);
    let variants = found["variants"].as_array().unwrap();
    let names: Vec<_> = variants.iter().map(|variant| variant["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["feature", "across"]);
    let psnr = &variants[1]["findings"]["psnr-y"];
    let (mean, reference) =
        (psnr["mean"].as_f64().unwrap(), variants[0]["findings"]["psnr-y"]["mean"].as_f64().unwrap());
    assert!((psnr["difference"]["mean"].as_f64().unwrap() - (mean - reference)).abs() < 1e-8);
    assert!(psnr["p_holm"].as_f64().is_some() && variants[0]["findings"]["psnr-y"]["difference"].is_null());
    assert_eq!(variants[1]["selection"]["taps"][0]["channels"], 64);
    assert!(variants[1]["selection"]["taps"][0]["between_seeds"].as_f64().is_some());
    let page = fs::read_to_string(one.join("README.md")).unwrap();
    for part in
        ["# Does a selection help?", "Seeds 3, 5", "5 photos", "psnr-y ↑", "less `feature`", "crops.jpg"]
    {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
    assert!(fs::metadata(one.join("crops.jpg")).unwrap().len() > 1000);
    let knobs = fs::read_to_string(one.join("knobs.svg")).unwrap();
    let values = knobs.find(">0.25<").zip(knobs.find(">1.0<")).unwrap();
    assert!(
        values.0 < values.1 && knobs.contains(">feature.weight<") && page.contains("](knobs.svg)"),
        "{knobs}"
    );

    // A second call trains nothing.
    let log = one.join("seed-3/across/log.jsonl");
    let before = fs::metadata(&log).unwrap().modified().unwrap();
    run(&["experiment", &file, "--out", arg(&one)]).exits(0);
    assert_eq!(fs::metadata(&log).unwrap().modified().unwrap(), before);

    let mut child = percept(&["experiment", &file, "--out", arg(&other)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !other.join("seed-3/feature/log.jsonl").exists() && started.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!other.join("results.json").exists(), "it was killed too late to show anything");
    run(&["experiment", &file, "--out", arg(&other)]).exits(0);
    assert_eq!(results(&other), found);
}

#[test]
fn pictures_are_kept_for_a_study() {
    let folder = tempfile::tempdir().unwrap();
    let file = experiment(folder.path(), |text| text);
    let [out, ask, study] = ["out", "ask", "study"].map(|name| folder.path().join(name));
    run(&["experiment", &file, "--out", arg(&out), "--pictures", arg(&ask)]).exits(0);
    let count = |part: &str| fs::read_dir(ask.join(part)).unwrap().count();
    assert_eq!(["gt", "lq", "methods/feature", "methods/across"].map(count), [5; 4]);
    let methods =
        ["feature", "across"].map(|name| format!("{name}={}", arg(&ask.join("methods").join(name))));
    let [gt, lq] = ["gt", "lq"].map(|part| ask.join(part));
    let new = ["study", "new", arg(&study), "--ref", arg(&gt), "--input", arg(&lq), "--methods"];
    run(&[&new[..], &[&methods[0], &methods[1]]].concat()).exits(0);
}

/// What a process has trained: the names of its runs, each time one began or went on.
fn trained(stderr: &str) -> Vec<String> {
    let began = stderr.lines().filter(|line| line.contains("M parameters"));
    began.map(|line| line.split("  ").next().unwrap().to_string()).collect()
}

#[test]
fn processes_that_share_a_folder_share_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let file = experiment(folder.path(), |text| text);
    let (shared, alone) = (folder.path().join("shared"), folder.path().join("alone"));
    let start = || {
        let mut call = percept(&["experiment", &file, "--out", arg(&shared)]);
        call.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children = [start(), start(), start()];
    let mut all = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        all.extend(trained(&said));
    }
    all.sort();
    let names = ["1/6 seed-3 warm", "2/6 seed-3 feature", "3/6 seed-3 across", "4/6 seed-5 warm"];
    assert_eq!(all[..4], names, "each run once: {all:?}");
    assert_eq!(all.len(), 6, "{all:?}");
    run(&["experiment", &file, "--out", arg(&alone)]).exits(0);
    assert_eq!(results(&shared), results(&alone));
}

#[test]
fn what_a_killed_process_worked_on_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let longer =
        |text: String| text.replace("[3, 5]", "[3]").replace("total_iter = 2\n", "total_iter = 1500\n");
    let file = experiment(folder.path(), longer);
    let out = folder.path().join("out");
    let call = || {
        let mut call = percept(&["experiment", &file, "--out", arg(&out)]);
        call.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut first = call();
    let (log, started) = (out.join("seed-3/warm/log.jsonl"), Instant::now());
    while fs::metadata(&log).map_or(0, |log| log.len()) == 0 && started.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut second = call();
    // Nothing of the second can begin before the start is trained.
    let mut lines = BufReader::new(second.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("another process works on it") && lines.read_line(&mut said).unwrap() > 0 {}
    first.kill().unwrap();
    first.wait().unwrap();
    lines.read_to_string(&mut said).unwrap();
    assert!(second.wait().unwrap().success(), "{said}");
    assert!(said.contains("seed-3 warm: another process works on it"), "{said}");
    assert!(said.contains("1/3 seed-3 warm  1500 steps, from step "), "{said}");
    assert_eq!(trained(&said).len(), 3, "{said}");
}

#[test]
fn what_is_unfinished_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let one_seed = |text: String| text.replace("[3, 5]", "[3]");
    let file = experiment(folder.path(), one_seed);
    let out = folder.path().join("out");
    run(&["experiment", &file, "--out", arg(&out), "--judge-only"])
        .exits(1)
        .says(&["feature", "train them first"]);
    run(&["experiment", &file, "--out", arg(&out)]).exits(0);
    fs::remove_file(out.join("seed-3/across/model.safetensors")).unwrap();
    run(&["experiment", &file, "--out", arg(&out), "--judge-only"]).exits(0).says(&["left out: across"]);
    let page = fs::read_to_string(out.join("README.md")).unwrap();
    assert!(page.contains("single seed") && page.contains("left out: across"), "{page}");
}

#[test]
fn mistakes_are_found_before_the_first_step() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let call = |from: &str, to: &str| {
        let file = experiment(folder.path(), |text| text.replace(from, to));
        run(&["experiment", &file, "--out", arg(&out)]).exits(2)
    };
    call("test_crop", "test_corp").says(&["test_corp", "test_crop"]);
    call("reference = \"feature\"", "reference = \"featur\"").says(&["featur"]);
    call("haarpsi", "haarspi").says(&["haarspi", "haarpsi"]);
    call("haarpsi", "vgg-fd").says(&["`vgg-fd` compares whole folders", "percept score"]);
    call("contrast = \"across\"", "contrast = \"acros\"").says(&["acros"]);
    call("lr = 0.1", "lr = -1.0").says(&["selection.lr` must be from 1e-9 to 10"]);
    call("/val\"", "\"").says(&["no photo"]);
    assert!(!out.exists());
}
