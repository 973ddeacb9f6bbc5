//! `percept agree` on small tables, through the real binary.

use std::fs;
use std::path::PathBuf;

use crate::common::{arg, run};
use percept_image::{Image, Photo, Srgb, write_photo};
use serde_json::Value;
use tempfile::TempDir;

/// Four references in three strengths of two distortions; people's scores fall with the strength.
fn table() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let photo = |seed: usize, off: &dyn Fn(usize, usize) -> f32| {
        Image::<Srgb>::from_fn(40, 36, |x, y, c| {
            0.5 + 0.3 * ((x * (seed + 1) + 2 * y + 7 * c) as f32 / 6.0).sin() + off(x, y)
        })
    };
    let save = |name: &str, image| write_photo(folder.path().join(name), &Photo::new(image)).unwrap();
    let mut lines = "reference,distorted,score,spread,distortion\n".to_string();
    for seed in 0..4 {
        save(&format!("r{seed}.png"), photo(seed, &|_, _| 0.0));
        for level in 1..=3 {
            let size = 0.02 * level as f32;
            save(
                &format!("n{seed}{level}.png"),
                photo(seed, &|x, y| if (x + y) % 2 == 0 { size } else { -size }),
            );
            save(&format!("s{seed}{level}.png"), photo(seed, &|_, _| size));
            for kind in ["noise", "shift"] {
                let name = format!("{}{seed}{level}.png", &kind[..1]);
                lines += &format!(
                    "r{seed}.png,{name},{},0.5,{kind}\n",
                    10.0 - 3.0 * level as f64 + 0.1 * seed as f64
                );
            }
        }
    }
    let path = folder.path().join("table.csv");
    fs::write(&path, lines).unwrap();
    (folder, path)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn json_csv_and_table_say_the_same() {
    let (folder, path) = table();
    let call = ["agree", arg(&path), "--metric", "ssim-rgb, psnr-y"];
    let found = json(&run(&[&call[..], &["--json"]].concat()).exits(0).out);
    assert_eq!(
        (&found["kind"], &found["n"], &found["references"]),
        (&"ratings".into(), &24.into(), &4.into())
    );
    assert_eq!(found["order"], serde_json::json!(["ssim-rgb", "psnr-y"]));
    let psnr = &found["metrics"]["psnr-y"];
    assert!(psnr["protocol"].as_str().unwrap().contains("BT.601") && psnr["better"] == "higher");
    for statistic in ["srocc", "krocc", "plcc", "rmse", "outliers", "2afc"] {
        let of = &psnr["overall"][statistic];
        let [value, low, high] = ["value", "low", "high"].map(|key| of[key].as_f64().unwrap());
        assert!(low <= value + 1e-9 && value <= high + 1e-9, "{statistic}: {of}");
    }
    assert_eq!(psnr["distortions"]["noise"]["n"], 12);
    assert_eq!(psnr["overall"]["logistic"]["beta"].as_array().unwrap().len(), 5);
    assert_eq!(found["rows"].as_array().unwrap().len(), 24);
    // Strength orders the noise of one reference as people do.
    assert_eq!(psnr["distortions"]["noise"]["2afc"]["value"], 1.0);

    let value = psnr["overall"]["srocc"]["value"].as_f64().unwrap();
    run(&call).exits(0).prints(&[
        "metric",
        "ssim-rgb",
        &format!("{value:.3} ["),
        "24 ratings of 4 references",
        "by more than chance (Holm over 1 pair)",
        "srocc by kind of distortion",
    ]);
    let csv = run(&[&call[..], &["--csv"]].concat()).exits(0).out;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 2 * 3);
    assert!(
        lines[0].starts_with("metric,distortion,n,references,srocc,srocc low,srocc high,krocc,"),
        "{}",
        lines[0]
    );
    assert!(lines[4].starts_with(&format!("psnr-y,all,24,4,{value},")), "{}", lines[4]);

    let page = folder.path().join("page.html");
    let with_page = run(&[&call[..], &["--json", "-o", arg(&page)]].concat()).exits(0);
    assert_eq!(json(&with_page.out)["metrics"], found["metrics"]);
    assert!(fs::read_to_string(&page).unwrap().contains("class=\"fit\""));
    run(&[&call[..], &["-o", arg(&page)]].concat()).exits(0).prints(&["page.html"]).says(&["24 ratings"]);
    let file = folder.path().join("found.json");
    run(&[&call[..], &["-o", arg(&file)]].concat()).exits(0).prints(&["found.json"]);
    assert_eq!(json(&fs::read_to_string(&file).unwrap()), found);
}

#[test]
fn the_curve_and_the_direction_are_choices() {
    let (_folder, path) = table();
    let call = |more: &[&str]| {
        let call = ["agree", arg(&path), "--metric", "psnr-y", "--json"];
        json(&run(&[&call[..], more].concat()).exits(0).out)["metrics"]["psnr-y"]["overall"].clone()
    };
    let (five, four, lower) = (call(&[]), call(&["--logistic", "4"]), call(&["--lower-is-better"]));
    assert_eq!(four["logistic"]["beta"].as_array().unwrap().len(), 4);
    assert_eq!(five["srocc"], four["srocc"]);
    assert_eq!(five["srocc"]["value"].as_f64().unwrap(), -lower["srocc"]["value"].as_f64().unwrap());
    assert_eq!(five["plcc"], lower["plcc"]);
}

#[test]
fn choices_have_their_agreement() {
    let (folder, _) = table();
    let path = folder.path().join("choices.csv");
    let mut lines = "reference,a,b,votes,voters\n".to_string();
    for seed in 0..4 {
        lines += &format!(
            "r{seed}.png,n{seed}1.png,n{seed}3.png,2,10\nr{seed}.png,n{seed}2.png,n{seed}2.png,5,10\n"
        );
    }
    fs::write(&path, lines).unwrap();
    let found = json(&run(&["agree", arg(&path), "--metric", "psnr-y", "--json"]).exits(0).out);
    let overall = &found["metrics"]["psnr-y"]["overall"];
    assert_eq!((&found["kind"], &overall["srocc"]), (&"choices".into(), &Value::Null));
    assert!((overall["2afc"]["value"].as_f64().unwrap() - 0.65).abs() < 1e-12);
    run(&["agree", arg(&path), "--metric", "psnr-y"]).exits(0).prints(&["2afc", "8 choices of 4 references"]);
    run(&["agree", arg(&path), "--metric", "psnr-y", "--lower-is-better"])
        .exits(2)
        .says(&["--lower-is-better"]);
    fs::write(&path, "a,b,c,best\nn01.png,n02.png,n03.png,a\nn11.png,n13.png,,a\n").unwrap();
    run(&["agree", arg(&path), "--metric", "noise,tv"])
        .exits(0)
        .prints(&["best", "2 choices without references"]);
    run(&["agree", arg(&path), "--metric", "noise,psnr-y"]).exits(2).says(&["no references", "psnr-y"]);
}

#[test]
fn broken_pictures_and_wrong_calls_are_named() {
    let (folder, path) = table();
    fs::write(folder.path().join("n11.png"), "no picture").unwrap();
    fs::remove_file(folder.path().join("s23.png")).unwrap();
    let found = run(&["agree", arg(&path), "--metric", "psnr-y", "--json"]).exits(1).says(&[
        "skipped n11.png",
        "skipped s23.png",
        "2 of 24 rows skipped, 22 judged",
    ]);
    assert_eq!(json(&found.out)["skipped"].as_array().unwrap().len(), 2);
    let call = |more: &[&str]| run(&[&["agree"], more].concat());
    call(&["nowhere.csv", "--metric", "psnr-y"]).exits(2).says(&["nowhere.csv"]);
    call(&[arg(&path), "--metric", "psnr-z"]).exits(2).says(&["psnr-y"]);
    call(&[arg(&path), "--metric", "vgg-fd"]).exits(2).says(&["`vgg-fd` compares whole folders"]);
    call(&[arg(&path)]).exits(2).says(&["--metric"]);
    call(&[arg(&path), "--metric", "psnr-y", "--layout", "live"]).exits(2);
    call(&[arg(&path), "--metric", "psnr-y", "--logistic", "3"]).exits(2);
    call(&[arg(&path), "--metric", "psnr-y", "-o", "no-such-folder/x.html"])
        .exits(2)
        .says(&["no-such-folder"]);
    call(&[arg(&path), "--metric", "psnr-y", "--root", "nowhere"])
        .exits(1)
        .says(&["none of the 24 rows", "--root"]);
    fs::write(&path, "reference,distorted,score\nr0.png,n01.png,much\n").unwrap();
    call(&[arg(&path), "--metric", "psnr-y"]).exits(2).says(&["line 2", "`much`"]);
}
