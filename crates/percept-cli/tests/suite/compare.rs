//! `percept compare` on tiny runs that the binary itself trained.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{arg, run};
use percept_image::resize::imresize;
use percept_image::{Image, Photo, Srgb, read_srgb, write_photo};
use serde_json::Value;
use tempfile::TempDir;

fn photo(seed: usize) -> Image<Srgb> {
    Image::from_fn(64, 48, |x, y, c| {
        let (x, y, k) = (x as f32, y as f32, (seed * 3 + c) as f32);
        0.5 + 0.2 * (x / (3.0 + k % 5.0) + k).sin() + 0.2 * (y / (2.0 + k % 7.0) - x / 11.0).cos()
    })
}

/// Folders of photos to train and to compare on.
fn photos() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (set, seeds) in [("train", 0..3), ("data", 3..15)] {
        let place = folder.path().join(set);
        fs::create_dir(&place).unwrap();
        for seed in seeds {
            write_photo(place.join(format!("{seed}.png")), &Photo::new(photo(seed))).unwrap();
        }
    }
    folder
}

/// Trains a ×2 network for some steps.
fn train(folder: &Path, name: &str, seed: u64, steps: u64, loss: &str) -> PathBuf {
    let place = folder.join("runs").join(name);
    let config = format!(
        "name = \"tiny\"\ntask = \"sr\"\nscale = 2\nmanual_seed = {seed}\n\n[datasets.train]\ndataroot_gt = {:?}\n\
         gt_size = 32\nbatch_size = 2\n\n[network_g]\ntype = \"srresnet\"\nnum_feat = 8\nnum_block = 1\n\n[train]\n\
         total_iter = {steps}\nema_decay = 0.0\noptim_g = {{ lr = 2e-3 }}\n\n{loss}\n",
        folder.join("train")
    );
    let file = folder.join(format!("{}.toml", name.replace('/', "-")));
    fs::write(&file, config).unwrap();
    run(&["train", arg(&file), "--out", arg(&place)]).exits(0);
    place
}

const L1: &str = "[[train.losses]]\ntype = \"l1\"";
const ALEX: &str = "[[train.losses]]\ntype = \"feature\"\nlayer_weights = { relu1 = 1.0 }\n\
                    backbone = { type = \"alexnet\", weights = \"random\" }";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_trained_network_is_better_than_one_that_hardly_is() {
    let folder = photos();
    let (long, short) = (train(folder.path(), "long", 1, 200, L1), train(folder.path(), "short", 1, 1, L1));
    let data = folder.path().join("data");
    let call = ["compare", arg(&long), arg(&short), "--data", arg(&data), "--metric", "psnr-y, psnr-rgb"];
    let found = json(&run(&[&call[..], &["--json"]].concat()).exits(0).out);
    assert_eq!(found["order"], serde_json::json!(["psnr-y", "psnr-rgb"]));
    assert_eq!(found["photos"].as_array().unwrap().len(), 12);
    for name in ["psnr-y", "psnr-rgb"] {
        let metric = &found["metrics"][name];
        assert_eq!(metric["outcome"], "better", "{metric}");
        let number = |key: &str| metric[key].as_f64().unwrap();
        let effect = |key: &str| metric["difference"][key].as_f64().unwrap();
        assert!((number("mean_a") - number("mean_b") - effect("mean")).abs() < 1e-9);
        assert!(0.0 < effect("low") && effect("low") < effect("mean") && effect("mean") < effect("high"));
        assert!(effect("d_z") > 0.0 && effect("p") <= number("p_holm") && number("p_holm") < 0.05);
        assert!(metric["protocol"].as_str().unwrap().contains("crop 2"));
        assert_eq!(metric["shares_backbone"], Value::Null);
    }
    assert_eq!(
        found["verdict"],
        "long against short: better on all 2 metrics. One training of each was compared: with another seed it may \
         come out differently."
    );
    run(&call).exits(0).prints(&["psnr-y", "↑", "12 photos, one run each", "better on all 2 metrics"]);
    // The other way round everything is worse, by as much.
    let back =
        run(&["compare", arg(&short), arg(&long), "--data", arg(&data), "--metric", "psnr-y", "--json"]);
    let back = json(&back.exits(0).out);
    let mean = |found: &Value| found["metrics"]["psnr-y"]["difference"]["mean"].as_f64().unwrap();
    assert!((mean(&back) + mean(&found)).abs() < 1e-9);
    assert!(back["verdict"].as_str().unwrap().contains("worse on the one metric"));
    // A model file is a run too, and a run is no better than itself.
    let model = long.join("model.safetensors");
    let same = run(&[
        "compare",
        arg(&long),
        arg(&model),
        "--data",
        arg(&data),
        "--metric",
        "psnr-y,ssim-y",
        "--json",
    ]);
    let same = json(&same.exits(0).out);
    assert!(
        same["verdict"].as_str().unwrap().contains("no difference on any of 2 metrics"),
        "{}",
        same["verdict"]
    );
    assert_eq!(same["metrics"]["psnr-y"]["difference"]["p"], 1.0);
}

/// The means are those of the photos that `percept apply` restores.
#[test]
fn pairs_are_restored_as_apply_does() {
    let folder = photos();
    let (a, b) = (train(folder.path(), "a", 1, 5, L1), train(folder.path(), "b", 2, 5, L1));
    let (gt, lq, out) = (folder.path().join("data"), folder.path().join("lq"), folder.path().join("out"));
    fs::create_dir(&lq).unwrap();
    for seed in 3..9 {
        let small = imresize(&read_srgb(gt.join(format!("{seed}.png"))).unwrap(), 32, 24);
        write_photo(lq.join(format!("{seed}x2.png")), &Photo::new(small.map(|v| v.clamp(0.0, 1.0)))).unwrap();
    }
    let call =
        ["compare", arg(&a), arg(&b), "--gt", arg(&gt), "--lq", arg(&lq), "--metric", "psnr-y", "--json"];
    let found = json(&run(&call).exits(0).out);
    run(&["apply", arg(&a), arg(&lq), "-o", arg(&out)]).exits(0);
    let scored = run(&[
        "score",
        "--ref",
        arg(&gt),
        "--test",
        arg(&out),
        "--metric",
        "psnr-y",
        "--crop",
        "2",
        "--json",
    ]);
    let expected = json(&scored.exits(0).out)["mean"]["psnr-y"].as_f64().unwrap();
    let got = found["metrics"]["psnr-y"]["mean_a"].as_f64().unwrap();
    assert!((got - expected).abs() < 1e-3, "{got}, {expected}");
    fs::write(lq.join("3x2.png"), "no picture").unwrap();
    run(&call).exits(1).says(&["skipped 3", "1 of 6 photos skipped, 5 compared"]);
}

#[test]
fn seeds_are_matched_by_the_cards() {
    let folder = photos();
    for seed in [5, 6, 7] {
        train(folder.path(), &format!("a/seed{seed}"), seed, 30, L1);
    }
    // Other names, another order, and a seed that the other side lacks.
    for (name, seed) in [("z", 5), ("y", 6), ("x", 9)] {
        train(folder.path(), &format!("b/{name}"), seed, 1, ALEX);
    }
    let runs = folder.path().join("runs");
    let (a, b, data) = (runs.join("a"), runs.join("b"), folder.path().join("data"));
    let metric = "psnr-y,lpips-alex";
    let call =
        ["compare", arg(&a), arg(&b), "--over", "seeds", "--data", arg(&data), "--metric", metric, "--json"];
    let found = json(&run(&call).exits(0).out);
    assert_eq!(found["a"]["seeds"], serde_json::json!([5, 6]));
    assert_eq!(found["b"]["seeds"], found["a"]["seeds"]);
    assert!(found["b"]["runs"][0].as_str().unwrap().ends_with("b/z"), "{}", found["b"]);
    let notes = found["notes"].to_string();
    assert!(
        notes.contains("Seeds of a alone are left out: 7")
            && notes.contains("Seeds of b alone are left out: 9")
    );
    // A loss of one side looks through AlexNet.
    let lpips = &found["metrics"]["lpips-alex"];
    assert_eq!((&lpips["shares_backbone"], &lpips["outcome"]), (&"AlexNet".into(), &Value::Null));
    assert_eq!(lpips["p_holm"], Value::Null);
    let verdict = found["verdict"].as_str().unwrap();
    assert!(
        verdict.starts_with("a against b: ") && verdict.contains("on the one metric, psnr-y."),
        "{verdict}"
    );
    assert!(verdict.ends_with("the same kind of network: lpips-alex (AlexNet)."), "{verdict}");
    let marked =
        ["compare", arg(&a), arg(&b), "--over", "seeds", "--data", arg(&data), "--metric", "lpips-alex"];
    run(&marked).exits(0).prints(&["not counted: AlexNet", "No verdict on a and b", "2 seeds"]);

    let pattern = runs.join("a/seed[56]");
    let call = [
        "compare",
        arg(&pattern),
        arg(&b),
        "--over",
        "seeds",
        "--data",
        arg(&data),
        "--metric",
        "psnr-y",
        "--json",
    ];
    let by_pattern = json(&run(&call).exits(0).out);
    assert_eq!(by_pattern["metrics"]["psnr-y"], found["metrics"]["psnr-y"]);
    run(&["compare", arg(&a), arg(&b), "--data", arg(&data)])
        .exits(2)
        .says(&["holds 3 runs", "--over seeds"]);
    let (seed7, x) = (a.join("seed7"), b.join("x"));
    let other = ["compare", arg(&seed7), arg(&x), "--over", "seeds", "--data", arg(&data)];
    run(&other).exits(2).says(&["no seed is in both", "seed7 has 7", "x has 9"]);
    train(folder.path(), "b/again", 5, 1, L1);
    run(&["compare", arg(&a), arg(&b), "--over", "seeds", "--data", arg(&data)])
        .exits(2)
        .says(&["the seed 5"]);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let folder = photos();
    let a = train(folder.path(), "a", 1, 1, L1);
    let data = folder.path().join("data");
    let call = |more: &[&str]| run(&[&["compare", arg(&a)], more].concat());
    let nowhere = folder.path().join("nowhere");
    call(&[arg(&nowhere), "--data", arg(&data)]).exits(2).says(&["nowhere", "no run"]);
    call(&[arg(&a)]).exits(2).says(&["--data"]);
    call(&[arg(&a), "--gt", arg(&data)]).exits(2).says(&["--lq"]);
    call(&[arg(&a), "--data", arg(&nowhere)]).exits(2).says(&["nowhere"]);
    call(&[arg(&a), "--data", arg(&data), "--metric", "psnr-z"]).exits(2).says(&["psnr-y"]);
    let sets = call(&[arg(&a), "--data", arg(&data), "--metric", "psnr-y,vgg-fd"]);
    sets.exits(2).says(&["`vgg-fd` compares whole folders", "percept score"]);
    let broken = folder.path().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("model.safetensors"), "none").unwrap();
    call(&[arg(&broken), "--data", arg(&data)]).exits(1).says(&["model.safetensors"]);
    // Other degradations: each side would restore its own photos.
    let text = fs::read_to_string(folder.path().join("a.toml")).unwrap();
    let noisy = text.replace(
        "batch_size = 2\n",
        "batch_size = 2\ndegradation = [{ type = \"downscale\", scale = 2.0 }, { type = \"jpeg\", quality = 50 }]\n",
    );
    fs::write(folder.path().join("c.toml"), noisy).unwrap();
    let c = folder.path().join("runs/c");
    run(&["train", arg(&folder.path().join("c.toml")), "--out", arg(&c)]).exits(0);
    call(&[arg(&c), "--data", arg(&data)]).exits(2).says(&["other degradations", "--gt DIR --lq DIR"]);
    // A single photo, and the metrics that a call leaves out: small photos leave some of them without a score.
    let one = folder.path().join("one");
    fs::create_dir(&one).unwrap();
    fs::copy(data.join("3.png"), one.join("3.png")).unwrap();
    call(&[arg(&a), "--data", arg(&one)])
        .exits(0)
        .prints(&["one photo says nothing about others", "ms-ssim-y leaves out 1 of 1 photo:"]);
}
