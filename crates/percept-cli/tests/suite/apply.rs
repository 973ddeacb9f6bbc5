//! `percept apply`: what a file holds survives, nothing is overwritten, one broken file stops nothing.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{arg, percept, run};
use percept_image::{Depth, Image, Photo, Srgb, decode_photo, read_photo, write_photo};
use percept_nn::model::{Card, Model};
use percept_nn::network::{EdsrConfig, NETWORKS, NetworkConfig, SrResNetConfig};
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
    again.exits(2).says(&["e.png: exists already", "--force"]);
    assert!(!out.join("a.jpg").exists());
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
    let alone = run(&["apply", arg(&path), arg(&path), "-o", arg(&at("out"))]).exits(1);
    assert!(!alone.err.contains("1 of 1"), "{alone:#?}");
    assert_eq!(fs::read_dir(at("out")).unwrap().count(), 0);
}

#[test]
fn public_weights_say_what_they_are() {
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
    apply("bare.safetensors", "out", &["--scale", "4"]).exits(1).says(&["said to be 4", "it is 2"]);
    apply("bare.safetensors", "out", &["--network", "nafnet"])
        .exits(1)
        .says(&["bare.safetensors", "does not fit"]);
    let srresnet = ["--network", "srresnet"];
    apply("bare.safetensors", "out", &[&srresnet[..], &["--scale", "4"]].concat())
        .exits(1)
        .says(&["scale was said to be 4", "by the file it is 2"]);
    apply("bare.safetensors", "out", &[&srresnet[..], &["--res-scale", "0.1"]].concat())
        .exits(2)
        .says(&["--res-scale", "edsr"]);
    apply("bare.safetensors", "out", &["--network", "unet"])
        .exits(2)
        .says(&["srresnet", "compact", "nafnet"]);
    apply("bare.safetensors", "out", &[&srresnet[..], &["--scale", "2"]].concat()).exits(0);
    apply("bare.safetensors", "out", &["--force"]).exits(0);
    apply("model.safetensors", "carded", &[]).exits(0);
    assert_eq!(fs::read(at("out/in.png")).unwrap(), fs::read(at("carded/in.png")).unwrap());
}

/// The architectures stand in one table, and help shows it.
#[test]
fn help_lists_every_network() {
    let help = run(&["apply", "--help"]).exits(0);
    for kind in NETWORKS {
        // Long lines are wrapped.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words(&help.out).contains(&words(&format!("- {}: {}", kind.name, kind.about))),
            "{}",
            help.out
        );
    }
}

/// What an EDSR's weights do not show is said, with the flag that says otherwise.
#[test]
fn what_is_taken_for_granted_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let edsr = |res_scale| NetworkConfig::Edsr(EdsrConfig { num_feat: 4, num_block: 2, res_scale });
    let network = edsr(Some(0.1)).init(2, 3, 7, &percept_conv::device("cpu").unwrap()).unwrap();
    StateDict::of(&network).save(&at("edsr.safetensors")).unwrap();
    write_photo(at("in.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    let apply = |out: &str, more: &[&str]| {
        let (model, input, out) = (at("edsr.safetensors"), at("in.png"), at(out));
        run(&[&["apply", arg(&model), arg(&input), "-o", arg(&out)], more].concat()).exits(0)
    };
    apply("one.png", &[]).says(&["edsr.safetensors: these weights do not say", "1 is used", "--res-scale"]);
    let told = apply("tenth.png", &["--res-scale", "0.1"]);
    assert!(!told.err.contains("res_scale"), "{told:#?}");
    assert_ne!(fs::read(at("one.png")).unwrap(), fs::read(at("tenth.png")).unwrap());
}

/// Before the first picture is done, whatever the format of a result turns out to be.
#[test]
fn two_results_of_one_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    let plain = Photo::new(photo(20, 16, 1));
    let clear = Photo { alpha: Some(vec![0.5; 20 * 16]), ..plain.clone() };
    let apply = |inputs: &[&Path]| {
        let (out, model) = (at("out"), arg(&model).to_string());
        let inputs: Vec<_> = inputs.iter().map(|path| arg(path)).collect();
        run(&[&["apply", &model, "-o", arg(&out)], &inputs[..]].concat())
    };
    let none = || !at("out").exists() || fs::read_dir(at("out")).unwrap().count() == 0;
    for (folder, first, second, photo, alike) in [
        // A picture with transparency that is called JPEG becomes a PNG.
        ("a", "a.jpg", "a.png", &clear, true),
        ("b", "a.jpg", "a.png", &plain, false),
        ("c", "a.ppm", "a.bmp", &plain, false),
        ("d", "photo.png", "PHOTO.PNG", &plain, true),
        ("e", "caf\u{e9}.png", "cafe\u{301}.png", &plain, true),
        ("f", "a.pbm", "a.png", &plain, true),
    ] {
        let folder = at(folder);
        fs::create_dir(&folder).unwrap();
        // Written as PNG, under whatever name.
        write_photo(folder.join("x.png"), photo).unwrap();
        fs::rename(folder.join("x.png"), folder.join(first)).unwrap();
        write_photo(folder.join("x.png"), &plain).unwrap();
        fs::rename(folder.join("x.png"), folder.join(second)).unwrap();
        let called = apply(&[&folder.join(first), &folder.join(second)]);
        if alike {
            called.exits(2).says(&["two results", first, second]);
            assert!(none(), "{first} {second}");
            // A folder's files are the same as named ones.
            if fs::read_dir(&folder).unwrap().count() == 2 {
                apply(&[&folder]).exits(2).says(&["two results"]);
            }
        } else {
            called.exits(0);
            fs::remove_dir_all(at("out")).unwrap();
        }
    }
}

#[test]
fn an_input_is_never_replaced_by_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    fs::create_dir(at("in")).unwrap();
    write_photo(at("in/a.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    let before = fs::read(at("in/a.png")).unwrap();
    for out in [at("in"), at("in/a.png"), at("in/../in")] {
        run(&["apply", arg(&model), arg(&at("in/a.png")), "-o", arg(&out), "--force"])
            .exits(2)
            .says(&["would replace the picture"]);
    }
    assert_eq!(fs::read(at("in/a.png")).unwrap(), before);
}

#[test]
fn what_a_folder_holds_beside_photos_is_named_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    fs::create_dir_all(at("in/deeper")).unwrap();
    let jpeg = |name: &str| {
        write_photo(at("in/x.jpg"), &Photo::new(photo(20, 16, 1))).unwrap();
        fs::rename(at("in/x.jpg"), at("in").join(name)).unwrap();
    };
    jpeg("a.jfif");
    jpeg("b.jpe");
    fs::write(at("in/notes.txt"), "no picture").unwrap();
    let apply = || run(&["apply", arg(&model), arg(&at("in")), "-o", arg(&at("out")), "--force"]);
    // A folder inside is named; it is none of the pictures that were asked for.
    let told = apply().exits(0).says(&["left out: ", "deeper"]).prints(&["a.jfif", "b.jpe"]);
    assert!(!told.err.contains("notes"), "{told:#?}");
    fs::write(at("in/IMG_1.HEIC"), b"\0\0\0\x18ftypheic").unwrap();
    fs::write(at("in/c.gif"), b"GIF89a").unwrap();
    apply().exits(1).prints(&["a.jfif", "b.jpe"]).says(&[
        "IMG_1.HEIC",
        "c.gif",
        "2 of 4 pictures",
        "3 left out",
    ]);
}

/// The reader of the names has gone after the first one.
#[cfg(unix)]
#[test]
fn pictures_are_done_though_nobody_reads_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    fs::create_dir(at("in")).unwrap();
    for i in 0..12 {
        write_photo(at("in").join(format!("{i:02}.png")), &Photo::new(photo(20, 16, i))).unwrap();
    }
    let mut child = percept(&["apply", arg(&model), arg(&at("in")), "-o", arg(&at("out"))])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::with_capacity(8, child.stdout.take().unwrap());
    lines.read_line(&mut String::new()).unwrap();
    drop(lines);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(fs::read_dir(at("out")).unwrap().count(), 12);
}

/// Standard output, pipes and devices are written into, and links are followed.
#[cfg(unix)]
#[test]
fn a_result_goes_where_a_link_or_a_pipe_leads() {
    use std::os::unix::fs::{FileTypeExt, symlink};

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    write_photo(at("in.webp"), &Photo::new(photo(20, 16, 1))).unwrap();
    let call = |out: &str| {
        percept(&["apply", arg(&model), arg(&at("in.webp")), "-o", out, "--force"]).output().unwrap()
    };
    let same = |bytes: &[u8]| {
        decode_photo("result", bytes).unwrap().pixels.size() == (40, 32) && bytes.starts_with(b"RIFF")
    };
    for out in ["-", "/dev/stdout"] {
        let done = call(out);
        assert!(done.status.success() && same(&done.stdout), "{}", String::from_utf8_lossy(&done.stderr));
    }
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = at("pipe");
        move || fs::read(pipe).unwrap()
    });
    assert!(call(arg(&at("pipe"))).status.success());
    assert!(same(&reader.join().unwrap()));
    assert!(fs::metadata(at("pipe")).unwrap().file_type().is_fifo());
    fs::create_dir(at("deep")).unwrap();
    symlink("deep/real.webp", at("link.webp")).unwrap();
    assert!(call(arg(&at("link.webp"))).status.success());
    assert!(fs::symlink_metadata(at("link.webp")).unwrap().is_symlink());
    assert!(same(&fs::read(at("deep/real.webp")).unwrap()));
    assert!(call("/dev/null").status.success());
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    // Several pictures cannot go into one stream.
    run(&["apply", arg(&model), arg(&at("in.webp")), arg(&at("in.webp")), "-o", "-"])
        .exits(2)
        .says(&["folder"]);
}

/// A result that its format cannot hold is refused before the network runs, and the other pictures are done.
#[test]
fn a_result_too_large_for_its_format_is_named_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    fs::create_dir(at("in")).unwrap();
    write_photo(at("in/a.webp"), &Photo::new(photo(8192, 1, 1))).unwrap();
    write_photo(at("in/b.jpg"), &Photo::new(photo(1, 32_768, 1))).unwrap();
    write_photo(at("in/c.webp"), &Photo::new(photo(20, 16, 1))).unwrap();
    run(&["apply", arg(&model), arg(&at("in")), "-o", arg(&at("out"))])
        .exits(1)
        .says(&[
            "a.webp: the result would have 16384×2 pixels",
            "WebP",
            "b.jpg: ",
            "2×65536",
            "JPEG",
            "2 of 3",
        ])
        .prints(&["c.webp"]);
    // As a PNG it fits.
    run(&["apply", arg(&model), arg(&at("in/a.webp")), "-o", arg(&at("a.png"))]).exits(0);
}

/// With little memory, a result that does not fit is an error of its picture.
#[cfg(target_os = "linux")]
#[test]
fn a_result_too_large_for_memory_is_named_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    fs::create_dir(at("in")).unwrap();
    let grey = [b"P5\n6000 6000\n255\n".to_vec(), vec![128; 6000 * 6000]].concat();
    fs::write(at("in/a.pgm"), grey).unwrap();
    write_photo(at("in/b.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    let percept = env!("CARGO_BIN_EXE_percept");
    let call = format!(
        "ulimit -v 3000000; '{percept}' apply '{}' '{}' -o '{}'",
        arg(&model),
        arg(&at("in")),
        arg(&at("out"))
    );
    let done = Command::new("sh").args(["-c", &call]).env("RAYON_NUM_THREADS", "1").output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(
        said.contains("a.pgm: the result would have 12000×12000 pixels") && said.contains("memory"),
        "{said}"
    );
    assert!(said.contains("1 of 2 pictures") && at("out/b.png").exists(), "{said}");
}

/// The bar goes away while a name is written, on a screen of any width.
#[cfg(target_os = "linux")]
#[test]
fn names_stand_on_lines_of_their_own_on_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    for name in ["a.png", "b.png"] {
        write_photo(at(name), &Photo::new(photo(200, 180, 1))).unwrap();
    }
    let percept = env!("CARGO_BIN_EXE_percept");
    for columns in [100, 40, 20] {
        let out = at(&format!("out{columns}"));
        let call = format!(
            "stty cols {columns}; '{percept}' apply '{}' '{}' '{}' -o '{}'",
            arg(&model),
            arg(&at("a.png")),
            arg(&at("b.png")),
            arg(&out)
        );
        let Ok(done) = Command::new("script").args(["-qec", &call, "/dev/null"]).output() else { return };
        let shown = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{shown}");
        // What a terminal shows: escapes move and wipe, so a name must come right behind a wiped line.
        for name in ["a.png", "b.png"] {
            let name = out.join(name).display().to_string();
            let before = shown.split(&name).next().unwrap();
            let line = before.rsplit(['\n', '\r']).next().unwrap();
            assert!(shown.contains(&name), "{columns}: {shown:?}");
            assert!(
                line.is_empty() || line.ends_with("\u{1b}[2K") || line.ends_with("\u{1b}[0J"),
                "{columns}: {line:?}"
            );
        }
    }
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
