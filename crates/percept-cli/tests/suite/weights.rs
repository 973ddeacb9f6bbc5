//! `percept weights`, and what every command has in common.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::common::{arg, percept, run};

fn asset(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/weights").join(name)
}

#[test]
fn help_and_version_go_to_stdout_and_exit_with_0() {
    run(&["--version"]).exits(0).prints(&["percept 0.1.0"]);
    run(&["--help"]).exits(0).prints(&["Examples:", "Exit codes", "--weights", "--device"]);
    run(&["weights", "--help"]).exits(0).prints(&["Examples:", "percept weights import"]);
}

#[test]
fn a_wrong_call_exits_with_2() {
    run(&["fly"]).exits(2).says(&["fly"]);
    run(&["weights", "list", "--jsn"]).exits(2).says(&["--json"]);
    run(&[]).exits(2);
}

#[test]
fn a_folder_of_weights_that_is_not_there_is_an_error() {
    run(&["weights", "verify", "--weights", "no-such-folder"])
        .exits(2)
        .says(&["no-such-folder", "check --weights"]);
}

#[test]
fn bundled_weights_are_listed_and_whole() {
    run(&["weights", "list"]).exits(0).prints(&["vgg16", "bundled", "BSD-2-Clause", "not here"]);
    let verified = run(&["weights", "verify"]).exits(0).prints(&["vgg19", "not here", "whole"]);
    assert_eq!(verified.out.matches("whole").count(), 7);
    let listed = run(&["weights", "list", "--json"]).exits(0);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(listed["weights"][0]["name"], "vgg16");
    assert_eq!(listed["weights"][0]["found"], "bundled");
    assert_eq!(listed["weights"][1]["found"], serde_json::Value::Null);
}

#[test]
fn a_damaged_file_in_the_folder_is_named_and_never_used() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(asset("dists.safetensors")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(folder.path().join("dists.safetensors"), bytes).unwrap();
    run(&["weights", "verify", "--weights", arg(folder.path())])
        .exits(1)
        .says(&["dists.safetensors", "sha256", "help:"])
        .prints(&["dists          WRONG"]);
}

#[test]
fn a_known_file_is_imported_under_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("downloaded");
    fs::copy(asset("lpips-vgg16.safetensors"), &copy).unwrap();
    let kept = folder.path().join("kept");
    run(&["--weights", arg(&kept), "weights", "import", arg(&copy)])
        .exits(0)
        .prints(&["lpips-vgg16.safetensors"]);
    run(&["--weights", arg(&kept), "weights", "list"]).exits(0).prints(&[arg(&kept)]);
}

#[test]
fn an_unknown_file_is_refused_with_what_to_do_instead() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), b"no weights").unwrap();
    run(&["weights", "import", arg(file.path())]).exits(1).says(&["sha256", "vgg19-dcbb9e9d.pth", "PATH"]);
    run(&["weights", "import", "nowhere.pth"]).exits(2).says(&["nowhere.pth", "check that the path"]);
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_panic() {
    let mut child =
        percept(&["weights", "verify"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    // As a shell says it of a program whose reader has gone.
    assert_eq!(ended.status.code(), Some(141));
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}
