//! What files say of photos, sizes, formats and names.

use std::fs;
use std::path::{Path, PathBuf};

use percept_image::resize::imresize;
use percept_image::{Depth, Image, Photo, Srgb, read_photo, write_photo};

use super::{model, photo};
use crate::common::{arg, run};

/// A photo of the fixtures of the crate that reads them (`make_metadata.py`).
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../percept-image/tests/fixtures/metadata").join(name)
}

fn holds(photo: &Photo, part: &[u8]) -> bool {
    photo.metadata.exif.as_ref().is_some_and(|exif| exif.windows(part.len()).any(|window| window == part))
}

#[test]
fn what_files_say_is_kept_unless_it_is_stripped() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    let apply = |input: &str, out: &str, more: &[&str]| {
        let (input, out) = (fixture(input), at(out));
        run(&[&["apply", arg(&model), arg(&input), "-o", arg(&out)], more].concat())
    };
    let quiet = apply("photo.jpg", "a.jpg", &[]).exits(0);
    assert!(!quiet.err.contains("left out"), "{quiet:#?}");
    let kept = read_photo(at("a.jpg")).unwrap();
    // On its side in the file, upright in the result.
    assert_eq!(kept.pixels.size(), (12, 16));
    assert!(holds(&kept, b"Maker of cameras\0") && holds(&kept, b"\x01\x12\0\x03\0\0\0\x01\0\x01"));
    assert!(kept.metadata.xmp.is_some() && kept.metadata.density.is_some());
    apply("photo.jpg", "b.jpg", &["--strip"]).exits(0);
    let bare = fs::read(at("b.jpg")).unwrap();
    for word in [&b"Exif"[..], b"GPS", b"Maker", b"xap", b"Somebody"] {
        assert!(!bare.windows(word.len()).any(|window| window == word));
    }
    assert!(read_photo(at("b.jpg")).unwrap().metadata.is_empty());
    apply("photo.jpg", "c.ppm", &[])
        .exits(0)
        .says(&["photo.jpg: PPM has no place for EXIF: left out", "PPM has no place for XMP"]);
    apply("moving.gif", "d.png", &[]).exits(0).says(&["moving.gif: it has 3 pictures"]);
    apply("broken_note.png", "e.png", &[]).exits(0).says(&["the EXIF is damaged and is left out"]);
    // Primaries of a PNG become a profile.
    apply("p3.png", "f.webp", &[]).exits(0);
    assert!(read_photo(at("f.webp")).unwrap().icc.is_some());
}

fn far(a: &Image<Srgb>, b: &Image<Srgb>) -> f32 {
    assert_eq!(a.size(), b.size());
    a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn results_have_the_size_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    let alpha = (0..21 * 17).map(|i| (i % 21) as f32 / 20.0).collect();
    let input = Photo { alpha: Some(alpha), depth: Depth::Sixteen, ..Photo::new(photo(21, 17, 3)) };
    write_photo(at("in.png"), &input).unwrap();
    let apply = |out: &str, more: &[&str]| {
        run(&[&["apply", arg(&model), arg(&at("in.png")), "-o", arg(&at(out))], more].concat())
    };
    apply("two.png", &[]).exits(0);
    let two = read_photo(at("two.png")).unwrap();
    for (times, size) in [("3", (63, 51)), ("1.5", (32, 26)), ("0.5", (11, 9)), ("2", (42, 34))] {
        let out = format!("{times}.png");
        apply(&out, &["--outscale", times, "--tile", "16"]).exits(0);
        let got = read_photo(at(&out)).unwrap();
        assert_eq!((got.pixels.size(), got.alpha.as_ref().unwrap().len()), (size, size.0 * size.1));
        let right = imresize(&two.pixels, size.0, size.1).map(|v| v.clamp(0.0, 1.0));
        assert!(far(&got.pixels, &right) < 1.5 / 255.0, "{times}: {}", far(&got.pixels, &right));
    }
    for wrong in ["0", "-1", "nan", "inf", "65", "three"] {
        apply("none.png", &[&format!("--outscale={wrong}")]).exits(2).says(&["0.01 to 64"]);
    }
}

/// Mirroring the picture mirrors the mean of all ways, which the network alone does not.
#[test]
fn eight_ways_are_the_same_for_a_mirrored_picture() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    let image = photo(40, 28, 4);
    let turned = Image::from_fn(28, 40, |x, y, c| image.pixel(y, 27 - x)[c]);
    let save = |name: &str, image: &Image<Srgb>| {
        let photo = Photo { depth: Depth::Sixteen, ..Photo::new(image.clone()) };
        write_photo(at(name), &photo).unwrap();
    };
    save("in.png", &image);
    save("turned.png", &turned);
    let apply = |input: &str, out: &str, more: &[&str]| {
        run(&[&["apply", arg(&model), arg(&at(input)), "-o", arg(&at(out))], more].concat()).exits(0);
        read_photo(at(out)).unwrap().pixels
    };
    let back = |image: &Image<Srgb>| {
        let high = image.height();
        Image::from_fn(high, image.width(), |x, y, c| image.pixel(image.width() - 1 - y, x)[c])
    };
    let mean = apply("in.png", "a.png", &["--tta"]);
    let of_turned = back(&apply("turned.png", "b.png", &["--tta"]));
    let once = apply("in.png", "c.png", &[]);
    let once_turned = back(&apply("turned.png", "d.png", &[]));
    // Files have 16 bits; the network itself does not turn with its picture.
    let (ways, alone) = (far(&mean, &of_turned), far(&once, &once_turned));
    assert!(ways <= 3.0 / 65_535.0, "{ways}");
    assert!(alone > 8.0 * ways.max(1.0 / 65_535.0), "{alone} alone, {ways} in eight ways");
    assert!(far(&once, &mean) > 0.0);
    // In tiles, too.
    let tiled = apply("in.png", "e.png", &["--tta", "--tile", "16"]);
    assert!(far(&mean, &tiled) < 1.0 / 255.0);
}

#[test]
fn without_a_place_results_lie_beside_their_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    fs::create_dir_all(at("in/deep/deeper")).unwrap();
    for name in ["a.png", "b.gif.png", "in/c.png", "in/deep/d.png", "in/deep/deeper/e.png"] {
        write_photo(at(name), &Photo::new(photo(20, 16, 1))).unwrap();
    }
    let apply = |inputs: &[&str], more: &[&str]| {
        let inputs: Vec<_> = inputs.iter().map(|name| at(name).display().to_string()).collect();
        let inputs: Vec<_> = inputs.iter().map(String::as_str).collect();
        run(&[&["apply", arg(&model)], &inputs[..], more].concat())
    };
    apply(&["a.png", "b.gif.png"], &[]).exits(0).prints(&["a-x2.png", "b.gif-x2.png"]);
    // Not once more over the first one.
    apply(&["a.png"], &[]).exits(2).says(&["a-x2.png: exists already", "--force"]);
    apply(&["a.png"], &["--outscale", "1.5"]).exits(0).prints(&["a-x1.5.png"]);
    apply(&["a.png"], &["--suffix", "_big", "--format", "jpeg"]).exits(0).prints(&["a_big.jpg"]);
    apply(&["a.png"], &["--suffix", ""]).exits(2).says(&["would replace the picture"]);
    apply(&["a.png"], &["--suffix", "/x"]).exits(2).says(&["slash"]);
    // A folder's results are no pictures of the next call.
    apply(&["in"], &[]).exits(0).says(&["deep"]);
    assert!(at("in-x2/c.png").exists() && !at("in-x2/deep").exists());
    apply(&["in"], &["--recursive", "--force"]).exits(0);
    for name in ["in-x2/c.png", "in-x2/deep/d.png", "in-x2/deep/deeper/e.png"] {
        assert_eq!(read_photo(at(name)).unwrap().pixels.size(), (40, 32), "{name}");
    }
    // Results inside of the folder are not entered.
    let inside = at("in/out");
    for _ in 0..2 {
        let done =
            apply(&["in"], &["-r", "--force", "--suffix", "-z", "--format", "webp", "-o", arg(&inside)])
                .exits(0);
        assert_eq!(done.out.lines().count(), 3, "{done:#?}");
    }
    assert!(at("in/out/deep/deeper/e-z.webp").exists());
}

#[test]
fn a_format_that_is_asked_for_is_taken_where_it_holds_the_opacity() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    let deep = Photo { depth: Depth::Sixteen, ..Photo::new(photo(20, 16, 1)) };
    write_photo(at("deep.png"), &deep).unwrap();
    write_photo(at("clear.png"), &Photo { alpha: Some(vec![0.5; 320]), ..deep }).unwrap();
    let apply = |out: &str, more: &[&str]| {
        let (deep, clear, out) = (at("deep.png"), at("clear.png"), at(out));
        run(&[&["apply", arg(&model), arg(&deep), arg(&clear), "-o", arg(&out)], more].concat())
    };
    apply("jpeg", &["--format", "jpeg"]).exits(0).prints(&["deep.jpg", "clear.png"]);
    apply("webp", &["--format", "webp"]).exits(0).prints(&["deep.webp", "clear.webp"]);
    apply("tiff", &["--format", "tiff"]).exits(0).prints(&["deep.tif", "clear.tif"]);
    assert_eq!(read_photo(at("tiff/deep.tif")).unwrap().depth, Depth::Sixteen);
    apply("x", &["--format", "heic"]).exits(2).says(&["png", "jpeg", "webp", "tiff"]);
    let one = |out: &str, more: &[&str]| {
        run(&[&["apply", arg(&model), arg(&at("deep.png")), "-o", arg(&at(out))], more].concat())
    };
    one("a.png", &["--format", "webp"]).exits(2).says(&["PNG", "WebP", "--format"]);
    one("a.png", &["--suffix", "-x"]).exits(2).says(&["--suffix"]);
    one("a.png", &["--format", "png"]).exits(0);
}
