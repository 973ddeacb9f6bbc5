//! The page of a study in a real browser: see `study_page.mjs`. Where Chromium or Node is missing, this says so and
//! tests nothing; `PERCEPT_CHROMIUM` names a browser that is elsewhere, `PERCEPT_SCREENS` a folder for the screenshots.

use std::fs;
use std::io::{BufRead, BufReader, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::study::{Served, study};
use crate::common::{arg, run};

/// A program that runs.
fn found(names: &[String]) -> Option<&String> {
    let runs = |name: &&String| {
        let version =
            Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    names.iter().find(runs)
}

#[test]
fn two_participants_go_through_a_whole_study() {
    let named = std::env::var("PERCEPT_CHROMIUM").ok();
    let browsers = ["chromium", "chromium-browser", "google-chrome"].map(String::from);
    let browsers: Vec<_> = named.into_iter().chain(browsers).collect();
    let (Some(chromium), Some(node)) =
        (found(&browsers), found(&["node".to_string()]).is_some().then_some("node"))
    else {
        // Past the harness, which keeps what a test prints to itself.
        writeln!(stderr(), "skipped: Chromium or Node is not installed").unwrap();
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let screens =
        std::env::var_os("PERCEPT_SCREENS").map_or_else(|| folder.path().join("screens"), PathBuf::from);
    fs::create_dir_all(&screens).unwrap();
    let methods = [("first method", 0.03), ("second method", 0.12)];
    let study = study(folder.path(), 6, (900, 700), &methods, &[]);
    let mut served = Served::here(&study);
    let address = served.host.clone();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/study_page.mjs");
    // Where this test ends early, the driver's input ends, and with it the driver and its browser.
    let mut driver = Command::new(node)
        .args([arg(&script), chromium, &served.url, arg(&screens)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = driver.stdin.take().unwrap();
    let mut seen = None;
    for line in BufReader::new(driver.stdout.take().unwrap()).lines() {
        match line.unwrap().as_str() {
            "restart" => served.kill(),
            "start" => served = Served::new(&study, &["--listen", &address]),
            line => seen = Some(serde_json::from_str::<serde_json::Value>(line).unwrap()),
        }
        let _ = input.write_all(b"done\n");
    }
    assert!(driver.wait().unwrap().success());
    let seen = seen.expect("what the browser saw");
    // Six photos, one repeat, three checks.
    assert_eq!(seen["total"], 6 + 1 + 3);
    assert!(seen["requests"].as_u64().unwrap() > 40, "{seen}");
    assert_eq!((&seen["foreign"], &seen["errors"]), (&serde_json::json!([]), &serde_json::json!([])));

    let file = folder.path().join("votes.csv");
    run(&["study", "analyse", arg(&study), "--csv", arg(&file)])
        .exits(0)
        .prints(&["first method", "second method"]);
    let votes = fs::read_to_string(file).unwrap();
    let votes: Vec<Vec<&str>> = votes.lines().skip(1).map(|line| line.split(',').collect()).collect();
    for (participant, who) in [("1", "desktop"), ("2", "phone")] {
        let own: Vec<_> = votes.iter().filter(|vote| vote[0] == participant).collect();
        // Columns: participant, trial, image, left, right, choice, …
        let sides: Vec<u64> = own.iter().map(|vote| if vote[5] == vote[3] { 1 } else { 2 }).collect();
        let sent: Vec<u64> =
            seen["sent"][who].as_array().unwrap().iter().map(|side| side.as_u64().unwrap()).collect();
        assert_eq!(sides, sent, "{who}");
    }
}
