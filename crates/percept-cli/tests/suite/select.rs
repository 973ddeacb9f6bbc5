//! `percept select`, through the real binary and on real photos.

use crate::common::run;
use serde_json::Value;

const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/photos/train");

#[test]
fn photos_alone_give_a_metric() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alex.safetensors");
    let file = file.to_str().unwrap();
    let flags = ["--photos", "8", "--side", "64", "--steps", "100", "-o", file];
    let call = [["select", "--data", PHOTOS].as_slice(), &flags].concat();
    run(&call).exits(0).prints(&["relu1", "relu5", "held-out", file]);
    // What took minutes is not replaced unasked.
    run(&call).exits(2).says(&[file, "--force"]);
    let json = [call.as_slice(), &["--json", "--force"]].concat();
    let found: Value = serde_json::from_str(&run(&json).exits(0).out).unwrap();
    assert_eq!(found["photos"], 8);
    assert_eq!(found["taps"][0]["channels"], 64);
    for which in ["uniform", "selected"] {
        let share = found["ordered"][which].as_f64().unwrap();
        assert!((0.5..=1.0).contains(&share), "{which}: {share}");
    }

    let photo = |name: &str| format!("{PHOTOS}/{name}");
    let first = std::fs::read_dir(photo(""))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let name = first.filter(|name| name.ends_with(".png") || name.ends_with(".jpg")).min().unwrap();
    let metric = format!("selected:{file}");
    let score = ["score", "--ref", &photo(&name), "--test", &photo(&name), "--metric", &metric, "--json"];
    run(&score).exits(0).prints(&[
        "squared distance of alexnet features at relu1, relu2, relu3, relu4, relu5",
        "over blur, noise",
    ]);
}

#[test]
fn wrong_calls_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, file) = (folder.path().to_str().unwrap(), folder.path().join("s.safetensors"));
    let out = ["-o", file.to_str().unwrap()];
    let call = |data: &str, more: &[&str]| run(&[&["select", "--data", data], &out[..], more].concat());
    call(empty, &[]).exits(2).says(&["0 photos", "--side"]);
    call(&format!("{empty}/none"), &[]).exits(2);
    call(PHOTOS, &["--backbone", "vgg16", "--taps", "relu7_7"]).exits(2).says(&["relu7_7", "relu1_2"]);
    call(PHOTOS, &["--kinds", "blur,rain"]).exits(2).says(&["rain", "coarse-noise"]);
    call(PHOTOS, &["--photos", "1"]).exits(2);
    assert!(!file.exists());
}
