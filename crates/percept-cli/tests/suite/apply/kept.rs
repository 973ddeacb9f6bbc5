//! What a file holds survives.

use std::fs;
use std::path::PathBuf;

use percept_image::{Depth, Image, Photo, read_photo, write_photo};

use super::{model, photo, profile};
use crate::common::{arg, run};

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
    again.exits(2).says(&["e.png: exists already", "--force"]);
    assert!(!out.join("a.jpg").exists());
}
