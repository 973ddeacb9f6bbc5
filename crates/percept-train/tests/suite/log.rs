//! Logs that a killed run leaves behind, and what a resumed one makes of them.

use std::fs;

use percept_train::log::{JsonLog, TensorBoard};
use serde_json::{Value, json};

fn iters(path: &std::path::Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["iter"].as_u64().unwrap()).collect()
}

#[test]
fn a_resumed_log_has_every_step_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    let mut log = JsonLog::open(&path, 0).unwrap();
    for iter in 1..=6 {
        log.append(&json!({ "iter": iter, "l_g_pix": 0.25, "lr": 1e-4 })).unwrap();
    }
    log.append(&json!({ "iter": 6, "val": { "psnr-y": 27.0 } })).unwrap();
    drop(log);
    let mut log = JsonLog::open(&path, 4).unwrap();
    assert_eq!(iters(&path), [1, 2, 3, 4]);
    log.append(&json!({ "iter": 5 })).unwrap();
    assert_eq!(iters(log.path()), [1, 2, 3, 4, 5]);
    JsonLog::open(&path, 5).unwrap();
    assert_eq!(iters(&path), [1, 2, 3, 4, 5], "nothing to remove");
    JsonLog::open(&path, 0).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn a_line_that_was_cut_off_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    for torn in ["{\"iter\":2,\"l_g", "{\"iter\":2}", "{\"it"] {
        fs::write(&path, format!("{{\"iter\":1}}\n{torn}")).unwrap();
        JsonLog::open(&path, 9).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"iter\":1}\n");
    }
}

#[test]
fn a_log_that_cannot_be_written_names_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let error = JsonLog::open(dir.path().join("gone/log.jsonl"), 0).unwrap_err().to_string();
    assert!(error.contains("log.jsonl: the log cannot be written") && error.contains("; check"), "{error}");
    let error = JsonLog::open(dir.path(), 0).unwrap_err().to_string();
    assert!(error.contains("cannot be written"), "{error}");
}

/// A real full disk, as far as a process can have its own: a limit on the size of files.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_no_panic() {
    const PATH: &str = "PERCEPT_TEST_FULL_LOG";
    if let Ok(path) = std::env::var(PATH) {
        let mut log = JsonLog::open(&path, 0).unwrap();
        let mut lines = (0..10_000).map(|iter| log.append(&json!({ "iter": iter })));
        let error = lines.find_map(Result::err).expect("the disk must be full at last").to_string();
        assert!(error.contains(&path) && error.contains("; check"), "{error}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    let limited = "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\"";
    let child = std::process::Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "a_full_disk_is_an_error_and_no_panic"])
        .env(PATH, &path)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    // What was written before is there, and the line that did not fit goes with the next opening.
    JsonLog::open(&path, u64::MAX).unwrap();
    let found = iters(&path);
    assert!(found.len() > 10 && found.iter().zip(0..).all(|(a, b)| *a == b));
}

/// The payloads of a file's frames.
fn frames(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut frames, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        frames.push(&rest[12..12 + length]);
        rest = &rest[16 + length..];
    }
    frames
}

#[test]
fn every_start_has_an_event_file_that_sorts_after_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for iter in [0, 100, 200] {
        let mut board = TensorBoard::create(dir.path(), iter).unwrap();
        board.scalar("l_g_pix", iter + 1, 0.5).unwrap();
        let frames_now = fs::read(board.path()).unwrap();
        // Version, then from the second start on the mark of a restart, then the number.
        assert_eq!(frames(&frames_now).len(), if iter == 0 { 2 } else { 3 });
        assert!(frames(&frames_now)[0].ends_with(b"brain.Event:2"));
        names.push(board.path().to_path_buf());
    }
    let mut sorted = names.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(names, sorted);
}

#[test]
fn pictures_are_png_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    let photo = percept_image::Image::from_fn(12, 7, |x, y, c| (x + y + c) as f32 / 32.0);
    percept_image::write_photo(&path, &percept_image::Photo::new(photo)).unwrap();
    let png = fs::read(&path).unwrap();
    let mut board = TensorBoard::create(dir.path(), 0).unwrap();
    board.image("val/a", 10, &png).unwrap();
    let written = fs::read(board.path()).unwrap();
    let image = *frames(&written).last().unwrap();
    assert!(image.ends_with(&png));
    // Height, width, three channels: fields 1, 2 and 3 of the picture.
    assert!(image.windows(6).any(|bytes| bytes == [8, 7, 16, 12, 24, 3]));
    let error = board.image("val/a", 10, b"GIF89a").unwrap_err().to_string();
    assert!(error.contains("no PNG"), "{error}");
}
