//! Where results go; nothing is overwritten.

use std::fs;
use std::path::Path;
use std::process::Command;

use percept_image::{Photo, decode_photo, read_photo, write_photo};

use super::{model, photo};
use crate::common::{arg, percept, run};

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
