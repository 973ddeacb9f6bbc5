//! `percept apply`: what a file holds survives, nothing is overwritten, one broken file stops nothing.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{arg, percept, run};
use percept_image::{Depth, Image, Photo, Srgb, read_photo, write_photo};
use percept_nn::model::{Card, Model};
use percept_nn::network::{NetworkConfig, SrResNetConfig};
use percept_nn::weights::StateDict;

/// A smooth picture with detail.
fn photo(width: usize, height: usize, seed: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        let (x, y, k) = (x as f32, y as f32, (seed * 3 + c) as f32);
        0.5 + 0.2 * (x / (3.0 + k % 5.0) + k).sin() + 0.2 * (y / (2.0 + k % 7.0) - x / 11.0).cos()
    })
}

/// The header of an ICC profile for colour pixels, and some content.
fn profile() -> Vec<u8> {
    let mut icc = vec![7; 200];
    icc[..4].copy_from_slice(&200_u32.to_be_bytes());
    icc[12..20].copy_from_slice(b"mntrRGB ");
    icc[36..40].copy_from_slice(b"acsp");
    icc
}

/// The file of a small network that enlarges twice.
fn model(folder: &Path) -> PathBuf {
    let network_g = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 8, num_block: 2 });
    let network = network_g.init(2, 3, 7, &percept_conv::device("cpu").unwrap()).unwrap();
    let card = Card {
        network_g,
        task: "sr".to_string(),
        scale: 2,
        in_channels: 3,
        losses: serde_json::Value::Null,
        seed: 7,
        data: serde_json::Value::Null,
        finished: false,
        iter: 0,
        percept: "0.1.0".to_string(),
        sha256: String::new(),
    };
    let path = folder.join("model.safetensors");
    Model::new(network, card).save(&path).unwrap();
    path
}

#[test]
fn alpha_and_sixteen_bits_are_kept_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (model, input, out) = (model(folder.path()), at("in.png"), at("out"));
    let alpha = (0..24 * 20).map(|i| i as f32 / 479.0).collect();
    write_photo(
        &input,
        &Photo {
            alpha: Some(alpha),
            depth: Depth::Sixteen,
            icc: Some(profile()),
            ..Photo::new(photo(24, 20, 3))
        },
    )
    .unwrap();

    let done = run(&["apply", arg(&model), arg(&input), "-o", arg(&out)]).exits(0).prints(&["in.png"]);
    let result = read_photo(PathBuf::from(done.out.trim())).unwrap();
    assert_eq!(result.pixels.size(), (48, 40));
    assert_eq!(result.depth, Depth::Sixteen);
    assert_eq!(result.icc, Some(profile()));
    let alpha = result.alpha.unwrap();
    assert_eq!(alpha.len(), 48 * 40);
    assert!(alpha[0] < 0.02 && alpha[alpha.len() - 1] > 0.98);

    let before = fs::read(out.join("in.png")).unwrap();
    run(&["apply", arg(&model), arg(&input), "-o", arg(&out)]).exits(2).says(&["in.png", "--force"]);
    assert_eq!(fs::read(out.join("in.png")).unwrap(), before);
    run(&["apply", arg(&model), arg(&input), "-o", arg(&out), "--force"]).exits(0);
}

/// What a file hides under transparent pixels may be any colour.
#[test]
fn colours_under_transparent_pixels_do_not_show() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    let inside = |x: usize, y: usize| (x as f32 - 30.0).hypot(y as f32 - 25.0) < 18.0;
    let alpha: Vec<f32> = (0..60 * 50)
        .map(|i| match (inside(i % 60, i / 60), i % 60 < 30) {
            (true, true) => 1.0,
            (true, false) => 0.4,
            _ => 0.0,
        })
        .collect();
    for depth in [Depth::Eight, Depth::Sixteen] {
        let restored = |hidden: f32, more: &[&str]| {
            let seen = photo(60, 50, 2);
            let pixels =
                Image::from_fn(60, 50, |x, y, c| if inside(x, y) { seen.pixel(x, y)[c] } else { hidden });
            let sprite = Photo { alpha: Some(alpha.clone()), depth, ..Photo::new(pixels) };
            write_photo(at("in.png"), &sprite).unwrap();
            let (input, out) = (at("in.png"), at("out"));
            let call = ["apply", arg(&model), arg(&input), "-o", arg(&out), "--force"];
            run(&[&call[..], more].concat()).exits(0);
            read_photo(out.join("in.png")).unwrap()
        };
        let (white, black) = (restored(1.0, &[]), restored(0.0, &[]));
        assert_eq!(white, black);
        assert!(white.alpha.unwrap().iter().any(|a| *a > 0.0 && *a < 0.3), "an edge is there to be seen");
        let tiled = restored(1.0, &["--tile", "32"]);
        let far = tiled.pixels.data().iter().zip(black.pixels.data()).map(|(a, b)| (a - b).abs());
        assert!(far.fold(0.0, f32::max) <= 1.0 / 255.0 + 1e-6);
    }
}

#[test]
fn tiles_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    write_photo(at("in.png"), &Photo::new(photo(90, 70, 5))).unwrap();
    run(&["apply", arg(&model), arg(&at("in.png")), "-o", arg(&at("whole"))]).exits(0);
    run(&["apply", arg(&model), arg(&at("in.png")), "-o", arg(&at("tiled")), "--tile", "32"]).exits(0);
    let read = |name: &str| read_photo(at(name).join("in.png")).unwrap().pixels;
    let (whole, tiled) = (read("whole"), read("tiled"));
    let far = whole.data().iter().zip(tiled.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far <= 1.0 / 255.0 + 1e-6, "{far}");
}

#[test]
fn one_broken_picture_among_good_ones_is_named_and_the_rest_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    fs::create_dir(at("in")).unwrap();
    for name in ["a.png", "b.png", "c.png"] {
        write_photo(at("in").join(name), &Photo::new(photo(20, 16, 1))).unwrap();
    }
    let whole = fs::read(at("in").join("b.png")).unwrap();
    fs::write(at("in").join("b.png"), &whole[..whole.len() / 2]).unwrap();
    let broken = at("in").join("b.png").display().to_string();
    run(&["apply", arg(&model), arg(&at("in")), "-o", arg(&at("out"))])
        .exits(1)
        // By itself, and in the sum at the end.
        .says(&[&format!("left out: {broken}: the file is cut off")])
        .says(&[&format!("1 of 3 pictures could not be done ({broken})")])
        .prints(&["a.png", "c.png"]);
    assert!(at("out").join("c.png").exists() && !at("out").join("b.png").exists());
}

#[test]
fn the_format_is_the_inputs_where_that_can_hold_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    let plain = Photo::new(photo(20, 16, 1));
    let clear = Photo { alpha: Some(vec![0.5; 20 * 16]), ..plain.clone() };
    let grey = Photo { grey: true, depth: Depth::Sixteen, pixels: photo(20, 16, 1), ..plain.clone() };
    for name in ["a.jpg", "b.webp", "c.bmp"] {
        write_photo(at(name), &plain).unwrap();
    }
    write_photo(at("d.tif"), &grey).unwrap();
    // A PNG that is called JPEG: no JPEG holds its alpha.
    write_photo(at("e.png"), &clear).unwrap();
    fs::rename(at("e.png"), at("e.jpg")).unwrap();
    // No bitmap of one bit holds what comes out.
    fs::write(at("f.pbm"), b"P1\n4 2\n0 1 0 1 1 0 1 0\n").unwrap();
    let inputs = ["a.jpg", "b.webp", "c.bmp", "d.tif", "e.jpg", "f.pbm"].map(at);
    let mut call = vec!["apply", arg(&model), "-o"];
    let out = at("out");
    call.push(arg(&out));
    call.extend(inputs.iter().map(|path| arg(path)));
    run(&call).exits(0);
    let mut results: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    results.sort();
    assert_eq!(results, ["a.jpg", "b.webp", "c.bmp", "d.tif", "e.png", "f.png"]);
    let read = |name: &str| read_photo(out.join(name)).unwrap();
    assert!(read("d.tif").grey && read("d.tif").depth == Depth::Sixteen);
    let alpha = read("e.png").alpha.unwrap();
    assert!(alpha.iter().all(|v| (v - 0.5).abs() < 0.01));
    // The file that is in the way is found before anything is replaced by the fallback's name, too.
    fs::remove_file(out.join("a.jpg")).unwrap();
    let again = run(&["apply", arg(&model), arg(&at("a.jpg")), arg(&at("e.jpg")), "-o", arg(&out)]);
    again.exits(1).says(&["e.png: exists already", "1 of 2"]).prints(&["a.jpg"]);
}

#[test]
fn one_picture_may_go_to_a_file_of_another_format() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    write_photo(at("in.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    write_photo(at("other.png"), &Photo::new(photo(20, 16, 2))).unwrap();
    let out = at("new/result.webp");
    run(&["apply", arg(&model), arg(&at("in.png")), "-o", arg(&out)]).exits(0).prints(&["result.webp"]);
    assert_eq!(read_photo(&out).unwrap().pixels.size(), (40, 32));
    run(&["apply", arg(&model), arg(&at("in.png")), "-o", arg(&out)]).exits(2).says(&["--force"]);
    run(&["apply", arg(&model), arg(&at("in.png")), arg(&at("other.png")), "-o", arg(&out), "--force"])
        .exits(2)
        .says(&["result.webp", "2 pictures", "folder"]);
}

/// What is in the way is said before the first picture is done.
#[test]
fn nothing_is_done_where_something_would_be_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    fs::create_dir_all(at("in/deeper")).unwrap();
    fs::create_dir(at("out")).unwrap();
    for name in ["in/a.png", "in/b.png", "in/deeper/a.png"] {
        write_photo(at(name), &Photo::new(photo(20, 16, 1))).unwrap();
    }
    fs::write(at("out/b.png"), "mine").unwrap();
    run(&["apply", arg(&model), arg(&at("in")), "-o", arg(&at("out"))]).exits(2).says(&["b.png", "--force"]);
    assert!(!at("out/a.png").exists());
    assert_eq!(fs::read(at("out/b.png")).unwrap(), b"mine");
    run(&["apply", arg(&model), arg(&at("in")), arg(&at("in/deeper")), "-o", arg(&at("out")), "--force"])
        .exits(2)
        .says(&["a.png", "two results"]);
}

#[test]
fn a_model_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_photo(at("in.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    let apply = |model: &Path, more: &[&str]| {
        run(&[&["apply", arg(model), arg(&at("in.png")), "-o", arg(&at("out"))], more].concat())
    };
    apply(&at("nowhere"), &[]).exits(2).says(&["nowhere", "run"]);
    let path = model(folder.path());
    let whole = fs::read(&path).unwrap();
    for bytes in [&b"half a fi"[..], &whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
        fs::write(&path, bytes).unwrap();
        apply(folder.path(), &[]).exits(1).says(&["model.safetensors", "help"]);
    }
    // A picture is no model, and a model no picture.
    apply(&at("in.png"), &[]).exits(1).says(&["in.png"]);
    fs::write(&path, &whole).unwrap();
    run(&["apply", arg(&path), arg(&path), "-o", arg(&at("out"))]).exits(1).says(&["1 of 1"]);
    assert_eq!(fs::read_dir(at("out")).unwrap().count(), 0);
}

#[test]
fn public_weights_need_their_network_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let carded = model(folder.path());
    write_photo(at("in.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    let mut bare = StateDict::new();
    bare.extend_prefixed("", StateDict::load(&carded).unwrap());
    bare.save(&at("bare.safetensors")).unwrap();
    let apply = |model: &str, out: &str, more: &[&str]| {
        run(&[&["apply", arg(&at(model)), arg(&at("in.png")), "-o", arg(&at(out))], more].concat())
    };
    apply("bare.safetensors", "out", &[]).exits(1).says(&["bare.safetensors", "--network"]);
    apply("bare.safetensors", "out", &["--scale", "2"]).exits(2).says(&["--network"]);
    apply("bare.safetensors", "out", &["--network", "srresnet", "--scale", "4"]).exits(1).says(&["upconv2"]);
    apply("bare.safetensors", "out", &["--network", "srresnet", "--scale", "2"]).exits(0);
    apply("model.safetensors", "carded", &[]).exits(0);
    assert_eq!(fs::read(at("out/in.png")).unwrap(), fs::read(at("carded/in.png")).unwrap());
}

#[cfg(unix)]
#[test]
fn ctrl_c_finishes_the_picture_and_says_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    fs::create_dir(at("in")).unwrap();
    for i in 0..20 {
        write_photo(at("in").join(format!("{i:02}.png")), &Photo::new(photo(160, 120, i))).unwrap();
    }
    let mut child = percept(&["apply", arg(&model), arg(&at("in")), "-o", arg(&at("out"))])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut first).unwrap();
    assert!(first.contains("00.png"), "{first}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("finishing this picture") && said.contains("of 20 pictures are done"), "{said}");
    let done = 1 + rest.lines().count();
    assert!(done < 20 && said.contains(&format!("{done} of 20")), "{done}: {said}");
    assert!(said.contains(&format!("{done:02}.png")), "the first one that is not done is named: {said}");
    let results: Vec<_> = fs::read_dir(at("out")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(results.len(), done);
    results.iter().for_each(|path| assert_eq!(read_photo(path).unwrap().pixels.size(), (320, 240)));
}
