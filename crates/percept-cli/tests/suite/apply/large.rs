//! Pictures that are never in memory as a whole.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use percept_image::{Photo, read_photo, write_photo};

use super::{model, photo};
use crate::common::{arg, run};

/// Rows that are read and written as they come give what the whole picture gives, in less memory than the result has bytes.
#[test]
fn rows_that_come_and_go_give_what_the_whole_gives() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = model(folder.path());
    // Above the size from which on files are read by rows.
    write_photo(at("in.png"), &Photo::new(photo(2100, 2000, 5))).unwrap();
    write_photo(at("in.ppm"), &read_photo(at("in.png")).unwrap()).unwrap();
    write_photo(at("in.tif"), &read_photo(at("in.png")).unwrap()).unwrap();
    run(&["apply", arg(&model), arg(&at("in.png")), "-o", arg(&at("whole.png")), "--tile", "0"]).exits(0);
    let whole = read_photo(at("whole.png")).unwrap();
    let percept = env!("CARGO_BIN_EXE_percept");
    for (input, out) in [("in.png", "a.png"), ("in.ppm", "a.ppm"), ("in.tif", "a.tif")] {
        // The floats of picture and result are 50 and 200 MB.
        let call = format!(
            "ulimit -d 220000; exec '{percept}' apply '{}' '{}' -o '{}' --tile 128",
            arg(&model),
            arg(&at(input)),
            arg(&at(out))
        );
        let done = Command::new("sh").args(["-c", &call]).env("RAYON_NUM_THREADS", "1").output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(0), "{input} {out}: {said}");
        let got = read_photo(at(out)).unwrap();
        let far = got.pixels.data().iter().zip(whole.pixels.data()).map(|(a, b)| (a - b).abs());
        let far = far.fold(0.0, f32::max);
        assert!(far <= 1.0 / 255.0 + 1e-6, "{input} {out}: {far}");
    }
    // A file that ends too early is found out, and leaves nothing.
    let bytes = fs::read(at("in.png")).unwrap();
    fs::write(at("cut.png"), &bytes[..bytes.len() * 2 / 3]).unwrap();
    run(&["apply", arg(&model), arg(&at("cut.png")), "-o", arg(&at("none.png"))])
        .exits(1)
        .says(&["cut.png: the file is"]);
    assert!(!at("none.png").exists());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{left:?}");
}
