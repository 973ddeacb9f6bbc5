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
    run(&["models"]).exits(0).prints(&["photo-x4", "classic-x4-psnr", "BSD-3-Clause", "MIT", "SPAN"]);
    run(&["info", "photo-x4"]).exits(0).prints(&["architecture         compact", "f16", "Xintao Wang"]);
    for name in ["photo-x4", "photo-x4-mild", "classic-x4", "classic-x4-psnr"] {
        let out = dir.path().join(format!("{name}.png"));
        run(&["apply", name, arg(&photo), "-o", arg(&out)]).exits(0);
        let restored = read_photo(&out).unwrap().pixels;
        assert_eq!((restored.width(), restored.height()), (164, 132), "{name}");
    }
    run(&["apply", "foto-x4", arg(&photo), "-o", arg(&dir.path().join("no.png"))])
        .exits(2)
        .says(&["foto-x4: no such file, and no model of that name", "photo-x4"]);
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
    for name in ["photo-x4", "photo-x4-mild", "classic-x4", "classic-x4-psnr"] {
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
