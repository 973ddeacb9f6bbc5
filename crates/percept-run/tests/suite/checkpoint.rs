//! Checkpoints: whole, damaged, and on a disk that takes no more.

use std::fs;
use std::path::{Path, PathBuf};

use percept_nn::weights::{Array, StateDict};
use percept_run::{Checkpoint, CheckpointError, Checkpoints};
use serde_json::json;

fn checkpoint(iter: u64) -> Checkpoint {
    let mut state = StateDict::new();
    let data: Vec<f32> = (0..600).map(|i| (i as f32 + iter as f32).sin()).collect();
    state.insert("network_g.body.0.weight", Array { shape: vec![20, 30], data });
    state.insert("optimizer_g.t.body.0.weight", Array { shape: vec![1], data: vec![iter as f32] });
    Checkpoint { iter, card: json!({ "task": "sr", "scale": 4, "name": "größe" }), state }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn file(dir: &Path, iter: u64) -> PathBuf {
    dir.join(format!("{iter:08}.safetensors"))
}

#[test]
fn the_newest_are_kept_and_the_newest_comes_back_bit_by_bit() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(dir.path().join("checkpoints"));
    assert!(checkpoints.latest().unwrap().checkpoint.is_none());
    for iter in [500, 1000, 1500] {
        let path = checkpoints.save(checkpoint(iter), 2).unwrap();
        assert!(path.ends_with(format!("{iter:08}.safetensors")));
    }
    assert_eq!(names(&dir.path().join("checkpoints")), ["00001000.safetensors", "00001500.safetensors"]);
    let latest = checkpoints.latest().unwrap();
    assert_eq!(latest.checkpoint, Some(checkpoint(1500)));
    assert!(latest.damaged.is_empty());
    checkpoints.save(checkpoint(1600), 3).unwrap();
    assert_eq!(names(&dir.path().join("checkpoints")).len(), 3);
    checkpoints.save(checkpoint(1500), 1).unwrap();
    assert_eq!(names(&dir.path().join("checkpoints")), ["00001500.safetensors"]);
    let found = latest.checkpoint.unwrap().state.section("network_g.");
    assert_eq!(found.get("body.0.weight"), checkpoint(1500).state.get("network_g.body.0.weight"));
}

#[test]
fn whatever_is_cut_off_the_one_before_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(dir.path());
    checkpoints.save(checkpoint(1), 2).unwrap();
    checkpoints.save(checkpoint(2), 2).unwrap();
    let whole = fs::read(file(dir.path(), 2)).unwrap();
    for share in [0, 1, 10, 50, 90, 99] {
        fs::write(file(dir.path(), 2), &whole[..whole.len() * share / 100]).unwrap();
        let latest = checkpoints.latest().unwrap();
        assert_eq!(latest.checkpoint, Some(checkpoint(1)), "{share} %");
        assert_eq!(latest.damaged.len(), 1);
        assert_eq!(latest.damaged[0].path, file(dir.path(), 2));
        assert!(!latest.damaged[0].reason.is_empty());
    }
    fs::write(file(dir.path(), 1), b"").unwrap();
    let latest = checkpoints.latest().unwrap();
    assert!(latest.checkpoint.is_none());
    assert_eq!(latest.damaged.len(), 2);
}

#[test]
fn a_single_flipped_bit_is_noticed_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(dir.path());
    checkpoints.save(checkpoint(7), 2).unwrap();
    let whole = fs::read(file(dir.path(), 7)).unwrap();
    for at in (0..whole.len()).step_by(37).chain([whole.len() - 1]) {
        let mut bent = whole.clone();
        bent[at] ^= 1 << (at % 8);
        // Padding of the header means nothing.
        if whole[at] == b' ' {
            continue;
        }
        fs::write(file(dir.path(), 7), bent).unwrap();
        match Checkpoint::load(&file(dir.path(), 7)) {
            Err(CheckpointError::Damaged { .. }) => {}
            other => panic!("byte {at} of {}: {other:?}", whole.len()),
        }
    }
}

#[test]
fn a_file_under_the_name_of_another_step_is_not_that_step() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(dir.path());
    checkpoints.save(checkpoint(1), 2).unwrap();
    fs::copy(file(dir.path(), 1), file(dir.path(), 9)).unwrap();
    let latest = checkpoints.latest().unwrap();
    assert_eq!(latest.checkpoint.unwrap().iter, 1);
    assert!(latest.damaged[0].reason.contains("holds step 1"));
}

#[test]
fn a_damaged_later_one_does_not_push_sound_ones_out() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(dir.path());
    checkpoints.save(checkpoint(1), 2).unwrap();
    checkpoints.save(checkpoint(2), 2).unwrap();
    fs::write(file(dir.path(), 9), b"cut off").unwrap();
    checkpoints.save(checkpoint(3), 2).unwrap();
    assert_eq!(names(dir.path()), ["00000002.safetensors", "00000003.safetensors"]);
}

#[test]
fn when_a_save_fails_the_older_ones_survive() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(dir.path());
    checkpoints.save(checkpoint(1), 2).unwrap();
    checkpoints.save(checkpoint(2), 2).unwrap();
    // A folder where the file should go: the last moment at which a save can fail.
    fs::create_dir_all(file(dir.path(), 3).join("in the way")).unwrap();
    let error = checkpoints.save(checkpoint(3), 2).unwrap_err();
    assert!(matches!(error, CheckpointError::Write(_)));
    assert!(
        error.to_string().contains("00000003.safetensors") && error.to_string().contains("; check"),
        "{error}"
    );
    fs::remove_dir_all(file(dir.path(), 3)).unwrap();
    assert_eq!(
        names(dir.path()),
        ["00000001.safetensors", "00000002.safetensors"],
        "nothing half written is left"
    );
    assert_eq!(checkpoints.latest().unwrap().checkpoint, Some(checkpoint(2)));
    checkpoints.save(checkpoint(3), 2).unwrap();
    assert_eq!(names(dir.path()), ["00000002.safetensors", "00000003.safetensors"]);
}

/// A real full disk, as far as a process can have its own: a limit on the size of files.
#[cfg(unix)]
#[test]
fn when_the_disk_is_full_the_older_one_survives() {
    const DIR: &str = "PERCEPT_TEST_FULL_DISK";
    const NAME: &str = "checkpoint::when_the_disk_is_full_the_older_one_survives";
    if let Ok(dir) = std::env::var(DIR) {
        let checkpoints = Checkpoints::new(dir);
        checkpoints.save(checkpoint(1), 2).unwrap();
        let mut large = checkpoint(2);
        large.state.insert("network_g.large", Array { shape: vec![200_000], data: vec![0.5; 200_000] });
        let error = checkpoints.save(large, 2).unwrap_err();
        assert!(matches!(error, CheckpointError::Write(_)), "{error}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // At most 64 blocks of at most 1 KiB a file; the system must not end the process for it.
    let limited = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
    let child = std::process::Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env(DIR, dir.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(names(dir.path()), ["00000001.safetensors"]);
    assert_eq!(Checkpoints::new(dir.path()).latest().unwrap().checkpoint, Some(checkpoint(1)));
}
