//! The folder of a run: made once, continued by one process at a time.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use percept_run::{Config, Run, RunError, RunFiles, Task};

fn config() -> Config {
    let text = Config::for_task(Task::Sr).to_toml().unwrap();
    Config::from_toml(&text, "a test").unwrap()
}

#[test]
fn a_run_is_made_once_and_continued_with_its_own_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs/x4");
    let run = Run::create(&path, &config()).unwrap();
    assert!(run.files().checkpoints().is_dir() && run.files().tensorboard().is_dir());
    assert_eq!(run.files().dir(), path);
    drop(run);
    let error = Run::create(&path, &config()).unwrap_err();
    assert!(matches!(error, RunError::Exists { .. }) && error.to_string().contains("--resume"), "{error}");
    // A run that was moved is where it is now.
    let moved = dir.path().join("moved");
    fs::rename(&path, &moved).unwrap();
    let (_run, found) = Run::resume(&moved).unwrap();
    let mut expected = config();
    expected.path.run = Some(moved);
    assert_eq!(found, expected);
}

#[test]
fn everything_has_its_place() {
    let files = RunFiles::new("R");
    let places = [
        (files.config(), "R/config.toml"),
        (files.log(), "R/log.jsonl"),
        (files.selection(), "R/selection.jsonl"),
        (files.tensorboard(), "R/tb"),
        (files.checkpoints(), "R/checkpoints"),
        (files.model(), "R/model.safetensors"),
        (files.val_gt("tea"), "R/val/gt/tea.png"),
        (files.val_lq("tea"), "R/val/lq/tea.png"),
        (files.val_image(500, "tea.jpg"), "R/val/iter_00000500/tea.jpg.png"),
        (files.report(), "R/report.html"),
    ];
    for (path, expected) in places {
        assert_eq!(path, std::path::Path::new(expected));
    }
}

#[test]
fn folders_that_are_no_place_for_a_run_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = Run::resume(dir.path()).unwrap_err();
    assert!(matches!(error, RunError::NoRun { .. }), "{error}");
    fs::write(dir.path().join("holiday.jpg"), b"").unwrap();
    let error = Run::create(dir.path(), &config()).unwrap_err();
    assert!(
        matches!(error, RunError::NotEmpty { .. }) && error.to_string().contains("holiday.jpg"),
        "{error}"
    );
    let error = Run::create(dir.path().join("holiday.jpg/run"), &config()).unwrap_err();
    assert!(matches!(error, RunError::Io { .. }), "{error}");
    let broken = tempfile::tempdir().unwrap();
    fs::write(broken.path().join("config.toml"), "name = ").unwrap();
    assert!(matches!(Run::resume(broken.path()).unwrap_err(), RunError::Config(_)));
}

#[test]
fn what_a_kill_left_half_written_is_swept_up() {
    let dir = tempfile::tempdir().unwrap();
    // Killed before the configuration was there: the folder is as good as new.
    for folder in ["checkpoints", "tb"] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
    }
    fs::write(dir.path().join(".percept-1.tmp"), b"half").unwrap();
    let run = Run::create(dir.path(), &config()).unwrap();
    fs::write(run.files().checkpoints().join(".percept-2.tmp"), b"half").unwrap();
    fs::write(run.files().checkpoints().join("00000001.safetensors"), b"").unwrap();
    drop(run);
    let (run, _) = Run::resume(dir.path()).unwrap();
    assert!(!dir.path().join(".percept-1.tmp").exists());
    assert!(!run.files().checkpoints().join(".percept-2.tmp").exists());
    assert!(run.files().checkpoints().join("00000001.safetensors").exists());
}

/// The lock must keep a second process out, and end with a process that was killed.
#[test]
fn two_processes_cannot_write_to_one_run_and_a_killed_one_does_not_block() {
    const DIR: &str = "PERCEPT_TEST_LOCK";
    const NAME: &str = "run::two_processes_cannot_write_to_one_run_and_a_killed_one_does_not_block";
    if let Ok(dir) = std::env::var(DIR) {
        let _run = Run::resume(dir).unwrap();
        println!("locked!");
        std::thread::sleep(std::time::Duration::from_secs(60));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    drop(Run::create(dir.path(), &config()).unwrap());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut out = child.stdout.take().unwrap();
    while !said.contains("locked!") {
        let mut bytes = [0; 256];
        let read = out.read(&mut bytes).unwrap();
        assert!(read > 0, "the other process ended: {said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    let error = Run::resume(dir.path()).unwrap_err();
    assert!(matches!(error, RunError::Locked { .. }), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    Run::resume(dir.path()).unwrap();
}
