//! Many pictures: one that fails stops no other.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use percept_image::{Photo, decode_photo, read_photo, write_photo};

use super::{model, photo};
use crate::common::{arg, percept, run};

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
    fs::write(at("in/c.psd"), b"8BPS").unwrap();
    apply().exits(1).prints(&["a.jfif", "b.jpe"]).says(&[
        "IMG_1.HEIC",
        "c.psd",
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
    // A JPEG is written from all its levels.
    let grey = [b"P5\n6000 6000\n255\n".to_vec(), vec![128; 6000 * 6000]].concat();
    let grey = decode_photo("a.pgm", &grey).unwrap();
    write_photo(at("in/a.jpg"), &grey).unwrap();
    write_photo(at("in/b.png"), &Photo::new(photo(20, 16, 1))).unwrap();
    let percept = env!("CARGO_BIN_EXE_percept");
    let call = format!(
        "ulimit -v 1800000; '{percept}' apply '{}' '{}' -o '{}'",
        arg(&model),
        arg(&at("in")),
        arg(&at("out"))
    );
    let done = Command::new("sh").args(["-c", &call]).env("RAYON_NUM_THREADS", "1").output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(
        said.contains("a.jpg: the result would have 12000×12000 pixels") && said.contains("memory"),
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
