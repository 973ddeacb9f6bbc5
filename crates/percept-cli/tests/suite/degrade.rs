//! `percept degrade`, through the real binary and on real photos.

use std::fs;
use std::path::{Path, PathBuf};

use percept_image::read_srgb;

use crate::common::{arg, run};

const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/photos/val");

fn config(folder: &Path, name: &str, train: &str) -> PathBuf {
    let path = folder.join(name);
    let text = format!(
        "name = \"x\"\ntask = \"sr\"\nnetwork_g.type = \"compact\"\n[[train.losses]]\ntype = \"l1\"\n\
         [datasets.train]\ndataroot_gt = \"nowhere\"\ngt_size = 64\n{train}\n"
    );
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_config_shows_what_its_network_will_see() {
    let folder = tempfile::tempdir().unwrap();
    let file = config(folder.path(), "real.toml", "recipe = \"real-esrgan\"\nsharpen_gt = {}");
    let (coffee, spices) = (format!("{PHOTOS}/coffee.jpg"), format!("{PHOTOS}/spices.jpg"));
    let out = folder.path().join("seen");
    let call = ["degrade", arg(&file), &coffee, &spices, "-o", arg(&out), "--samples", "3"];
    run(&call).exits(0).prints(&["index.html"]);
    let read = |name: &str| read_srgb(out.join(name)).unwrap();
    for name in ["coffee", "spices"] {
        for number in 1..=3 {
            assert_eq!(read(&format!("{name}-{number}-target.png")).size(), (64, 64));
            assert_eq!(read(&format!("{name}-{number}-input.png")).size(), (16, 16));
        }
    }
    assert_ne!(read("coffee-1-input.png"), read("coffee-2-input.png"));
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert_eq!(page.matches("data:image/png;base64,").count(), 12);
    assert!(
        page.contains("real-esrgan") && page.contains("160×160 pixels"),
        "{}",
        &page[page.len() - 2000..]
    );
    // The same seed shows the same, another one something else.
    let again = folder.path().join("again");
    let other = |seed: &str| {
        run(&[
            "degrade",
            arg(&file),
            &coffee,
            "-o",
            arg(&again),
            "--samples",
            "1",
            "--seed",
            seed,
            "--force",
        ])
        .exits(0);
        read_srgb(again.join("coffee-1-input.png")).unwrap()
    };
    assert_eq!(other("0"), read("coffee-1-input.png"));
    assert_ne!(other("1"), read("coffee-1-input.png"));
    run(&call).exits(2).says(&["index.html", "--force"]);
}

#[test]
fn a_raw_is_shown_as_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let file = config(folder.path(), "raw.toml", "");
    let raw =
        fs::read_to_string(&file).unwrap().replace("\"sr\"", "\"raw2rgb\"").replace("compact", "srresnet");
    fs::write(&file, raw).unwrap();
    let out = folder.path().join("seen");
    let coffee = format!("{PHOTOS}/coffee.jpg");
    run(&["degrade", arg(&file), &coffee, "-o", arg(&out), "--samples", "1"]).exits(0);
    assert_eq!(read_srgb(out.join("coffee-1-input.png")).unwrap().size(), (64, 64));
}

#[test]
fn wrong_calls_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("seen");
    let coffee = format!("{PHOTOS}/coffee.jpg");
    let call = |train: &str, photo: &str| {
        let file = config(folder.path(), "wrong.toml", train);
        run(&["degrade", arg(&file), photo, "-o", arg(&out), "--samples", "1"])
    };
    call("dataroot_lq = \"pairs\"", &coffee).exits(2).says(&["trains with pairs"]);
    call("recipe = \"real-esrgan\"\ndegradation = []", &coffee).exits(2).says(&["`degradation` contradict"]);
    call("recipe = \"esrgan\"", &coffee).exits(2).says(&["real-esrgan"]);
    call("patch_size = 32", &coffee).exits(2).says(&["patch_size` must be 64 to 2048"]);
    // Of a size that is a matter of chance.
    let chance = "degradation = [{ type = \"resize\", scale = [0.2, 0.3] }]";
    call(chance, &coffee).exits(2).says(&["scale 4 needs", "of = \"photo\""]);
    call("degradation = [{ type = \"resize\", scale = 0.01 }]", &coffee).exits(2).says(&["scale 4 needs"]);
    assert!(!out.exists());
    call("", &format!("{PHOTOS}/none.jpg")).exits(1).says(&["none.jpg", "none of the photos"]);
    call("gt_size_ = 3", &coffee).exits(2).says(&["gt_size"]);
    let small = folder.path().join("small.ppm");
    fs::write(&small, [b"P6 8 8 255\n".as_slice(), &[7; 192]].concat()).unwrap();
    call("", arg(&small)).exits(1).says(&["small.ppm: 8×8 pixels are too few"]);
}
