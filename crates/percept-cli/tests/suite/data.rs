//! `percept data`, through the real binary: photos with known faults, and tiles.

use std::fs;
use std::path::{Path, PathBuf};

use percept_image::degrade::Jpeg;
use percept_image::resize::imresize;
use percept_image::{Degradation, Image, Photo, Srgb, read_photo, read_srgb, rng_for, write_photo};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Run, arg, run};

const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/photos/val");
const LMDB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../percept-image/tests/fixtures/lmdb/photos");

fn photo(name: &str) -> Image<Srgb> {
    let photo = read_srgb(Path::new(PHOTOS).join(name)).unwrap();
    let small = imresize(&photo, photo.width() / 2, photo.height() / 2);
    let (width, height) = (small.width() / 8 * 8, small.height() / 8 * 8);
    small.crop(0, 0, width, height).map(|v| v.clamp(0.0, 1.0))
}

fn write(path: &Path, image: &Image<Srgb>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_photo(path, &Photo::new(image.clone())).unwrap();
}

/// Two sound photos.
fn sound() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("coffee.png"), &photo("coffee.jpg"));
    write(&dir.path().join("spices.png"), &photo("spices.jpg"));
    dir
}

fn check(dir: &Path, more: &[&str]) -> Run {
    run(&[["data", "check", arg(dir)].as_slice(), more].concat())
}

/// Faults by the name of the first photo that they are about.
fn faults(run: &Run) -> Vec<(String, String)> {
    let found: Value = serde_json::from_str(&run.out).unwrap();
    let name = |path: &Value| {
        PathBuf::from(path.as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned()
    };
    let problems = found["problems"].as_array().unwrap().iter();
    problems
        .map(|problem| (problem["fault"].as_str().unwrap().to_string(), name(&problem["photos"][0])))
        .collect()
}

#[test]
fn sound_photos_are_called_so() {
    let dir = sound();
    check(dir.path(), &[]).exits(0).prints(&["2 photos, nothing wrong was found"]);
    let json = check(dir.path(), &["--json"]).exits(0);
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap()["photos"], 2);
    assert!(faults(&json).is_empty());
}

#[test]
fn every_fault_is_named_with_its_photo() {
    let dir = sound();
    let at = |name: &str| dir.path().join(name);
    let (coffee, spices) = (photo("coffee.jpg"), photo("spices.jpg"));
    let whole = fs::read(at("coffee.png")).unwrap();
    fs::write(at("cut.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(at("phone.heic"), b"").unwrap();
    write(&at("tiny.png"), &spices.crop(10, 20, 60, 95));
    fs::copy(at("coffee.png"), at("dup.png")).unwrap();
    write(
        &at("near.png"),
        &imresize(&spices, spices.width() * 3 / 4, spices.height() * 3 / 4).map(|v| v.clamp(0.0, 1.0) * 0.95),
    );
    let jpeg = Jpeg { quality: 40.0.into(), ..Jpeg::default() };
    let blocky = jpeg.apply(
        coffee.crop(coffee.width() / 2, 3, coffee.width() / 2, coffee.height() - 3),
        &mut rng_for(0, 0, 0),
    );
    write(&at("jpeg.png"), &blocky);
    let half = spices.crop(0, 0, spices.width() / 2, spices.height() / 2);
    let grey = Image::from_fn(half.width(), half.height(), |x, y, _| half.pixel(x, y)[1]);
    write(&at("grey.png"), &grey);
    let corner = coffee.crop(0, 0, 128, 128);
    let alpha = (0..128 * 128).map(|at| if at < 64 { 0.0 } else { 1.0 }).collect();
    write_photo(at("glass.png"), &Photo { alpha: Some(alpha), ..Photo::new(corner) }).unwrap();

    let found = check(dir.path(), &["--json"]).exits(1).says(&["8 problems in 9 photos"]);
    let expected = [
        ("unreadable", "cut.png"),
        ("unreadable", "phone.heic"),
        ("small", "tiny.png"),
        ("duplicate", "dup.png"),
        ("near_duplicate", "spices.png"),
        ("blocky", "jpeg.png"),
        ("grey", "grey.png"),
        ("alpha", "glass.png"),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(fault, name)| (fault.to_string(), name.to_string())).collect();
    assert_eq!(faults(&found), expected, "{}", found.out);
    check(dir.path(), &[]).exits(1).prints(&[
        "cannot be used; repair or remove",
        "dup.png: the same as",
        "coffee.png",
    ]);
    check(dir.path(), &["--min-side", "32", "--json"]).exits(1);
}

#[test]
fn pairs_of_other_size_place_or_content_are_named() {
    let (gt, lq) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (coffee, spices) = (photo("coffee.jpg"), photo("spices.jpg"));
    let shrunk = |image: &Image<Srgb>| {
        imresize(image, image.width() / 4, image.height() / 4).map(|v| v.clamp(0.0, 1.0))
    };
    let pair = |name: &str, target: &Image<Srgb>, input: &Image<Srgb>| {
        write(&gt.path().join(format!("{name}.png")), target);
        write(&lq.path().join(format!("{name}.png")), input);
    };
    // Noise and compression move nothing.
    let jpeg = Jpeg { quality: 30.0.into(), ..Jpeg::default() };
    let part =
        |image: &Image<Srgb>, x: usize, y: usize| image.crop(x, y, image.width() - 16, image.height() - 16);
    pair("right", &part(&coffee, 0, 0), &jpeg.apply(shrunk(&part(&coffee, 0, 0)), &mut rng_for(0, 0, 0)));
    pair("moved", &part(&spices, 0, 0), &shrunk(&part(&spices, 8, 0)));
    pair("half", &part(&coffee, 16, 8), &shrunk(&part(&coffee, 16, 10)));
    pair("large", &part(&spices, 16, 16), &shrunk(&spices));
    let raccoon = photo("raccoon.jpg");
    pair("other", &raccoon.crop(0, 0, 240, 184), &shrunk(&coffee.crop(0, 0, 240, 184)));
    write(&gt.path().join("single.png"), &photo("cityscape.jpg"));
    let call = ["--lq", arg(lq.path()), "--scale", "4"];
    let found = check(gt.path(), &[&call[..], &["--json"]].concat()).exits(1);
    let pairs: Vec<_> = faults(&found)
        .into_iter()
        .filter(|(fault, _)| fault != "near_duplicate" && fault != "duplicate")
        .collect();
    let expected = [
        ("unpaired", "single.png"),
        ("pair_size", "large.png"),
        ("shifted", "half.png"),
        ("shifted", "moved.png"),
        ("pair_content", "other.png"),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(fault, name)| (fault.to_string(), name.to_string())).collect();
    assert_eq!(pairs, expected, "{}", found.out);
    check(gt.path(), &call).exits(1).prints(&["shifted 2.0", "pixels left", "no place fits"]);
}

#[test]
fn an_lmdb_is_checked_as_a_folder_is() {
    let found = run(&["data", "check", LMDB, "--json"]).exits(1);
    assert!(faults(&found).iter().filter(|(fault, _)| fault == "small").count() == 4, "{}", found.out);
    run(&["data", "check", LMDB, "--list", "x.txt"]).exits(2).says(&["a list of its own"]);
    run(&["data", "check", "nowhere"]).exits(2).says(&["nowhere: no such file"]);
    let empty = tempfile::tempdir().unwrap();
    check(empty.path(), &[]).exits(2).says(&["holds no photos"]);
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn tiles_are_parts_of_their_photos_and_a_call_that_was_ended_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let image = Image::from_fn(200, 130, |x, y, c| ((x * 3 + y * 5 + c * 7) % 256) as f32 / 255.0);
    write(&dir.path().join("in/a.png"), &image);
    fs::copy(dir.path().join("in/a.png"), dir.path().join("in/b.png")).unwrap();
    write(&dir.path().join("in/small.png"), &image.crop(0, 0, 63, 90));
    let (input, out) = (dir.path().join("in"), dir.path().join("out"));
    let call = ["data", "tile", arg(&input), "-o", arg(&out), "--size", "64", "--step", "50"];
    run(&call).exits(1).says(&["small.png: 63×90 pixels are too few", "24 tiles", "1 photo could not"]);
    let found = names(&out);
    assert_eq!(found.len(), 25, "{found:?}");
    assert_eq!(
        [found[0].as_str(), found[11].as_str(), found[24].as_str()],
        ["a_s001.png", "a_s012.png", "tiles.json"]
    );
    // Columns at 0, 50, 100, 136; rows at 0, 50, 66.
    let tile = read_photo(out.join("a_s008.png")).unwrap();
    assert_eq!(tile.pixels, read_srgb(input.join("a.png")).unwrap().crop(136, 50, 64, 64));
    // One that is lost is written again, the others stay.
    fs::remove_file(out.join("b_s002.png")).unwrap();
    let modified = || fs::metadata(out.join("a_s001.png")).unwrap().modified().unwrap();
    let before = modified();
    run(&call).exits(1).says(&["24 tiles, 23 of them before"]);
    assert!(out.join("b_s002.png").exists() && modified() == before);
    run(&[&call[..7], &["--step", "32"]].concat()).exits(2).says(&["cut otherwise", "step 50"]);
    run(&["data", "tile", arg(&input), "-o", arg(&input)]).exits(2).says(&["holds other files"]);
}

#[test]
fn pairs_are_cut_at_the_same_places() {
    let dir = tempfile::tempdir().unwrap();
    let small = Image::from_fn(40, 32, |x, y, c| ((x * 3 + y * 5 + c * 7) % 256) as f32 / 255.0);
    let large = Image::from_fn(160, 128, |x, y, c| small.pixel(x / 4, y / 4)[c]);
    write(&dir.path().join("gt/a.png"), &large);
    write(&dir.path().join("lq/ax4.png"), &small);
    let [gt, lq, out] = ["gt", "lq", "out"].map(|name| dir.path().join(name));
    let call = [
        "data",
        "tile",
        arg(&gt),
        "--lq",
        arg(&lq),
        "--scale",
        "4",
        "-o",
        arg(&out),
        "--size",
        "64",
        "--step",
        "48",
    ];
    run(&call).exits(0).says(&["9 tiles"]);
    assert_eq!(names(&out.join("gt")), names(&out.join("lq")));
    for name in names(&out.join("gt")) {
        let (large, small) =
            (read_srgb(out.join("gt").join(&name)).unwrap(), read_srgb(out.join("lq").join(&name)).unwrap());
        assert_eq!(large, Image::from_fn(64, 64, |x, y, c| small.pixel(x / 4, y / 4)[c]), "{name}");
    }
    run(&call).exits(0).says(&["9 tiles, 9 of them before"]);
    let odd = [&call[..9], &["--size", "66", "--step", "48"]].concat();
    run(&odd).exits(2).says(&["--size must be a multiple of the scale 4"]);
}
