//! Logs that a killed run leaves behind, and what a resumed one makes of them.

use std::fs;

use percept_run::log::{History, JsonLog, StepLine, Validation};
use serde_json::{Value, json};

fn iters(path: &std::path::Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["iter"].as_u64().unwrap()).collect()
}

#[test]
fn a_resumed_log_has_every_step_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    let mut log = JsonLog::open(&path, 0, 0).unwrap();
    for iter in 1..=6 {
        log.append(&json!({ "iter": iter, "l_g_l1": 0.25, "lr": 1e-4 })).unwrap();
    }
    log.append(&json!({ "iter": 6, "val": { "psnr-y": 27.0 } })).unwrap();
    drop(log);
    let mut log = JsonLog::open(&path, 4, 4).unwrap();
    assert_eq!(iters(&path), [1, 2, 3, 4]);
    log.append(&json!({ "iter": 5 })).unwrap();
    assert_eq!(iters(log.path()), [1, 2, 3, 4, 5]);
    JsonLog::open(&path, 5, 5).unwrap();
    assert_eq!(iters(&path), [1, 2, 3, 4, 5], "nothing to remove");
    JsonLog::open(&path, 0, 0).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn a_line_that_was_cut_off_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    for torn in ["{\"iter\":2,\"l_g", "{\"iter\":2}", "{\"it"] {
        fs::write(&path, format!("{{\"iter\":1}}\n{torn}")).unwrap();
        JsonLog::open(&path, 9, 9).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"iter\":1}\n");
    }
}

#[test]
fn a_log_that_cannot_be_written_names_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let error = JsonLog::open(dir.path().join("gone/log.jsonl"), 0, 0).unwrap_err().to_string();
    assert!(error.contains("log.jsonl: the log cannot be written") && error.contains("; check"), "{error}");
    let error = JsonLog::open(dir.path(), 0, 0).unwrap_err().to_string();
    assert!(error.contains("cannot be written"), "{error}");
}

/// A real full disk, as far as a process can have its own: a limit on the size of files.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_no_panic() {
    const PATH: &str = "PERCEPT_TEST_FULL_LOG";
    if let Ok(path) = std::env::var(PATH) {
        let mut log = JsonLog::open(&path, 0, 0).unwrap();
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
        .args(["--exact", "log::a_full_disk_is_an_error_and_no_panic"])
        .env(PATH, &path)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    // What was written before is there, and the line that did not fit goes with the next opening.
    JsonLog::open(&path, u64::MAX, u64::MAX).unwrap();
    let found = iters(&path);
    assert!(found.len() > 10 && found.iter().zip(0..).all(|(a, b)| *a == b));
}

/// What is lost is the line, not the next one, too.
#[test]
fn a_part_of_a_line_never_sticks_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    let mut log = JsonLog::open(&path, 0, 0).unwrap();
    log.append(&json!({ "iter": 1 })).unwrap();
    // As a full disk leaves it, where the part could not be taken back either.
    let part = fs::File::options().append(true).open(&path);
    std::io::Write::write_all(&mut part.unwrap(), b"{\"iter\":2,\"l_g_p").unwrap();
    log.append(&json!({ "iter": 3 })).unwrap();
    assert_eq!(iters(&path), [1, 3]);
}

/// A validation that a resumed run does again is not there twice; the steps before it stay.
#[test]
fn a_validation_that_comes_again_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    let mut log = JsonLog::open(&path, 0, 0).unwrap();
    for line in
        [json!({"iter": 4, "val": {}}), json!({"iter": 8}), json!({"iter": 8, "val": {}}), json!({"iter": 9})]
    {
        log.append(&line).unwrap();
    }
    JsonLog::open(&path, 8, 4).unwrap();
    assert_eq!(iters(&path), [4, 8]);
}

#[test]
fn what_was_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    assert_eq!(History::read(&path).unwrap().last, 0, "no file, no lines");
    let mut log = JsonLog::open(&path, 0, 0).unwrap();
    let terms = |value| [("l_g_l1".to_string(), value), ("l_sel_feature".to_string(), Some(-1.0))].into();
    let step =
        |iter, value, seconds| StepLine { iter, lr: 1e-4, terms: terms(value), grad_norm: 2.0, seconds };
    log.append(&step(1, Some(0.5), 3.0)).unwrap();
    let val =
        Validation { iter: 1, val: [("psnr-y".to_string(), 20.0)].into(), protocol: [].into(), photos: 2 };
    log.append(&val).unwrap();
    log.append(&step(5, None, 1.0)).unwrap();
    log.append(&json!({ "iter": 6, "what": "no line of ours" })).unwrap();
    let history = History::read(&path).unwrap();
    assert_eq!(history.scores["psnr-y"], [(1.0, 20.0)]);
    assert_eq!(history.terms["l_sel_feature"], [(1.0, -1.0), (5.0, -1.0)]);
    assert!(history.terms["l_g_l1"][1].1.is_nan());
    assert_eq!((history.last, history.gaps, history.seconds), (5, 2, Some(3.0)));
}
