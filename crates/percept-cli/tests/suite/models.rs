//! Models that are part of percept, and what is made of two.

use std::fs;
use std::path::{Path, PathBuf};

use percept_image::{read_photo, write_photo};

use crate::common::{arg, run};

fn small(folder: &Path) -> PathBuf {
    let path = folder.join("small.png");
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/photos/val/coffee.jpg");
    let mut photo = read_photo(photo).unwrap();
    photo.pixels = photo.pixels.crop(101, 57, 41, 33);
    write_photo(&path, &photo).unwrap();
    path
}

#[test]
fn bundled_models_are_listed_and_used_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let photo = small(dir.path());
    run(&["models"]).exits(0).prints(&[
        "photo-x4",
        "classic-x4-psnr",
        "BSD-3-Clause",
        "MIT",
        "SPAN",
        "2.4 MB",
    ]);
    let listed: serde_json::Value = serde_json::from_str(&run(&["models", "--json"]).exits(0).out).unwrap();
    // The set that is measured first has no noise to take away, no blocks, and is not dark.
    let enlarging = |model: &&serde_json::Value| model["task"] == "sr";
    let models = listed["models"].as_array().unwrap();
    assert!(models.iter().filter(enlarging).all(|model| model["scores"].is_object()), "{listed}");
    assert_eq!((models.len(), models.iter().filter(enlarging).count()), (7, 4), "{listed}");
    run(&["info", "photo-x4"]).exits(0).prints(&["architecture         compact", "f16", "Xintao Wang"]);
    for (name, scale) in [
        ("photo-x4", 4),
        ("photo-x4-mild", 4),
        ("classic-x4", 4),
        ("classic-x4-psnr", 4),
        ("denoise", 1),
        ("jpeg", 1),
        ("lowlight", 1),
    ] {
        let out = dir.path().join(format!("{name}.png"));
        run(&["apply", name, arg(&photo), "-o", arg(&out)]).exits(0);
        let restored = read_photo(&out).unwrap().pixels;
        assert_eq!((restored.width(), restored.height()), (41 * scale, 33 * scale), "{name}");
    }
    run(&["apply", "foto-x4", arg(&photo), "-o", arg(&dir.path().join("no.png"))])
        .exits(2)
        .says(&["foto-x4: no such file, and no model of that name", "did you mean `photo-x4`?"]);
    run(&["info", "clasic-x4-psn"]).exits(2).says(&["did you mean `classic-x4-psnr`?"]);
    run(&["info", "something/else"]).exits(2).says(&["a model that is inside: classic-x4"]);
}

/// The first command of a newcomer.
#[test]
fn a_photo_alone_is_restored_beside_itself() {
    let dir = tempfile::tempdir().unwrap();
    let photo = small(dir.path());
    run(&["apply", arg(&photo)]).exits(0).says(&["the model is photo-x4; `percept models` lists others"]);
    let restored = read_photo(dir.path().join("small-x4.png")).unwrap().pixels;
    assert_eq!((restored.width(), restored.height()), (164, 132));
    let folder = dir.path().join("more");
    fs::create_dir(&folder).unwrap();
    fs::copy(&photo, folder.join("a.png")).unwrap();
    let out = dir.path().join("out");
    run(&["apply", arg(&folder), arg(&photo), "--outscale", "2", "-o", arg(&out)]).exits(0);
    let restored = read_photo(out.join("a.png")).unwrap().pixels;
    assert_eq!((restored.width(), restored.height()), (82, 66));
    run(&["apply", "nowhere.jpg"]).exits(2).says(&["nowhere.jpg"]);
    run(&["apply", "photo-x4"]).exits(2).says(&["photo-x4: no pictures are named for it"]);
}

/// Results of PyTorch with the same weights: `fixtures/models/make_restored.py` made them.
#[test]
fn bundled_models_restore_as_in_torch() {
    let dir = tempfile::tempdir().unwrap();
    let fixture =
        |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/models/{name}.png"));
    let input = fixture("input");
    for name in ["photo-x4", "photo-x4-mild", "classic-x4", "classic-x4-psnr", "denoise", "jpeg", "lowlight"]
    {
        for tile in ["0", "16"] {
            let out = dir.path().join("out.png");
            let call = ["apply", name, arg(&input), "-o", arg(&out), "--tile", tile, "--force"];
            run(&call).exits(0);
            let pixels = |path: &Path| read_photo(path).unwrap().pixels;
            let (ours, torch) = (pixels(&out), pixels(&fixture(name)));
            assert_eq!((ours.width(), ours.height()), (torch.width(), torch.height()));
            let apart = ours.data().iter().zip(torch.data()).map(|(a, b)| (a - b).abs() * 255.0);
            let most = apart.fold(0.0f32, f32::max);
            assert!(most < 1.01, "{name}, tiles of {tile}: {most} levels");
        }
    }
}

/// The strength lies between the two published networks, and its ends are they.
#[test]
fn the_strength_of_denoising_mixes_two_networks() {
    let dir = tempfile::tempdir().unwrap();
    let photo = small(dir.path());
    let restored = |model: &str, flags: &[&str]| {
        let out = dir.path().join("out.png");
        let call = [&["apply", model, arg(&photo), "-o", arg(&out), "--force"], flags].concat();
        run(&call).exits(0);
        fs::read(out).unwrap()
    };
    let (strong, mild) = (restored("photo-x4", &[]), restored("photo-x4-mild", &[]));
    assert!(restored("photo-x4", &["--denoise-strength", "1"]) == strong);
    assert!(restored("photo-x4", &["--denoise-strength", "0"]) == mild);
    let between = restored("photo-x4", &["--denoise-strength", "0.5"]);
    assert!(between != strong && between != mild);
    let mixed = dir.path().join("mixed.safetensors");
    run(&["interpolate", "photo-x4", "photo-x4-mild", "--alpha", "0.5", "-o", arg(&mixed)]).exits(0);
    assert!(restored(arg(&mixed), &[]) == between);

    let out = arg(&mixed);
    run(&["interpolate", "photo-x4", "photo-x4-mild", "--alpha", "0.5", "-o", out])
        .exits(2)
        .says(&["exists already"]);
    run(&["interpolate", "photo-x4", "classic-x4-psnr", "--alpha", "0.5", "-o", out, "--force"])
        .exits(2)
        .says(&["only models of the same network can be mixed"]);
    run(&["interpolate", "photo-x4", "photo-x4-mild", "--alpha", "9", "-o", out, "--force"])
        .exits(2)
        .says(&["--alpha must be from -1 to 2"]);
    for (model, strength, said) in [
        ("photo-x4", "1.5", "must be from 0 to 1"),
        ("classic-x4-psnr", "0.5", "needs a model that has a mild form"),
    ] {
        run(&["apply", model, arg(&photo), "-o", "no.png", "--denoise-strength", strength])
            .exits(2)
            .says(&[said]);
    }
}

/// Scores on the user's sets, by the field's protocol: those of `percept score` on the same files.
#[test]
fn models_are_judged_on_sets_of_the_user() {
    let dir = tempfile::tempdir().unwrap();
    let (sets, saved) = (dir.path().join("sets"), dir.path().join("measured.json"));
    let val = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/photos/val");
    for folder in ["Set5", "LIVE1"] {
        fs::create_dir_all(sets.join(folder)).unwrap();
        for name in ["coffee", "spices"] {
            let mut photo = read_photo(val.join(format!("{name}.jpg"))).unwrap();
            photo.pixels = photo.pixels.crop(101, 57, 130, 131);
            write_photo(sets.join(folder).join(format!("{name}.png")), &photo).unwrap();
        }
    }
    let call = ["models", "bench", arg(&sets), "--model", "classic-x4-psnr", "--save", arg(&saved)];
    run(&call).exits(0).prints(&[
        "Set5, bicubic ×4, 2 photos",
        "Set5, worn ×4, 2 photos",
        "bicubic [1]",
        "28.42",
        "arXiv 1707.02921",
    ]);
    let text = fs::read_to_string(&saved).unwrap();
    let measured: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = measured["scores"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["set"] == "Set5" && row["photos"] == 2), "LIVE1 is for JPEG: {text}");
    let score = |model: &str, name: &str| {
        let row = rows.iter().find(|row| row["model"] == model && row["spoiling"] == "bicubic ×4").unwrap();
        row["scores"][name].as_f64().unwrap()
    };
    assert!(score("classic-x4-psnr", "psnr-y") > score("bicubic", "psnr-y") + 1.0, "{text}");

    // The same by hand: shrunk, restored, scored.
    let (lq, gt, out) = (dir.path().join("lq"), dir.path().join("gt"), dir.path().join("out"));
    [&lq, &gt].iter().for_each(|folder| fs::create_dir(folder).unwrap());
    for name in ["coffee.png", "spices.png"] {
        let mut photo = read_photo(sets.join("Set5").join(name)).unwrap();
        photo.pixels = photo.pixels.crop(0, 0, 128, 128);
        write_photo(gt.join(name), &photo).unwrap();
        photo.pixels = percept_image::resize::imresize(&photo.pixels, 32, 32);
        write_photo(lq.join(name), &photo).unwrap();
    }
    run(&["apply", "classic-x4-psnr", arg(&lq), "-o", arg(&out)]).exits(0);
    let call = [
        "score",
        "--ref",
        arg(&gt),
        "--test",
        arg(&out),
        "--metric",
        "psnr-y,ssim-y,lpips-alex,dists",
        "--crop",
        "4",
        "--json",
    ];
    let theirs: serde_json::Value = serde_json::from_str(&run(&call).exits(0).out).unwrap();
    for name in ["psnr-y", "ssim-y", "lpips-alex", "dists"] {
        let (ours, theirs) = (score("classic-x4-psnr", name), theirs["mean"][name].as_f64().unwrap());
        assert!((ours - theirs).abs() < 1e-4, "{name}: {ours} {theirs}");
    }

    // Measured again, nothing is there twice.
    run(&["models", "bench", arg(&sets), "--model", "classic-x4-psnr", "--save", arg(&saved)]).exits(0);
    assert_eq!(fs::read_to_string(&saved).unwrap(), text);
    run(&["models", "bench", arg(&lq), "--model", "nothing"]).exits(2).says(&["nothing"]);
    run(&["models", "bench", "nowhere"]).exits(2).says(&["nowhere"]);
}

#[test]
fn a_page_shows_what_the_models_make_of_photos() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("models.html");
    run(&["models", "gallery", "-o", arg(&page)]).exits(0).prints(&[arg(&page)]);
    let html = fs::read_to_string(&page).unwrap();
    for part in [
        "classic-x4-psnr",
        "photo-x4-mild",
        "raccoon",
        "Rachel Michetti",
        "CC0",
        "lie farthest apart",
        "JPEG of quality 60",
    ] {
        assert!(html.contains(part), "no `{part}`");
    }
    assert!(html.matches("<figure>").count() >= 2 * 5 * 4 && html.len() < 2_500_000, "{}", html.len());
}

#[test]
fn time_and_memory_are_those_of_a_process() {
    let dir = tempfile::tempdir().unwrap();
    let saved = dir.path().join("measured.json");
    let call =
        ["models", "time", "--megapixels", "0.02", "--model", "classic-x4-psnr", "--save", arg(&saved)];
    run(&call).exits(0).prints(&["classic-x4-psnr", "164×123"]);
    let measured: serde_json::Value = serde_json::from_slice(&fs::read(&saved).unwrap()).unwrap();
    let time = &measured["time"][0];
    assert!(time["seconds"].as_f64().unwrap() > 0.0 && time["width"] == 164, "{time}");
    assert!(!cfg!(target_os = "linux") || time["megabytes"].as_f64().unwrap() > 5.0, "{time}");
    run(&["models", "time", "--megapixels", "0"]).exits(2);
    run(&["models", "time", "--megapixels", "0.02", "--model", "nothing"])
        .exits(1)
        .says(&["run it by itself"]);
}
