//! A moment at every target.

use std::time::Duration;

use percept_fuzz::Hunt;

/// Feeds `target` with so many inputs, of which some must be sound and the answers be of many kinds: otherwise nothing was
/// tried.
fn stands(target: &str, inputs: u64) {
    for seed in 1..=2 {
        let hunt = Hunt { target: target.to_string(), seed, inputs, time: Duration::from_secs(60) };
        let found = hunt.run(|_| ()).unwrap();
        let failures: Vec<String> = found
            .failures
            .iter()
            .map(|failure| format!("{}: {:?}", failure.fault, String::from_utf8_lossy(&failure.input)))
            .collect();
        assert!(failures.is_empty(), "{target}, seed {seed}: {failures:#?}");
        assert!(found.inputs > 100 && found.sound > 0 && found.answers > 4, "{found:?}");
    }
}

#[test]
fn csv() {
    stands("csv", 4000);
}

#[test]
fn image() {
    stands("image", 3000);
}

#[test]
fn lmdb() {
    stands("lmdb", 4000);
}

#[test]
fn mat() {
    stands("mat", 4000);
}

#[test]
fn pth() {
    stands("pth", 8000);
}

#[test]
fn safetensors() {
    stands("safetensors", 20_000);
}

#[test]
fn study() {
    stands("study", 600);
}

#[test]
fn toml() {
    stands("toml", 600);
}

#[test]
fn xlsx() {
    stands("xlsx", 600);
}

#[test]
fn y4m() {
    stands("y4m", 4000);
}

#[test]
fn what_is_no_target_is_refused_by_name() {
    let hunt = Hunt { target: "tga".to_string(), seed: 0, inputs: 1, time: Duration::from_secs(1) };
    assert!(hunt.run(|_| ()).unwrap_err().to_string().contains("`tga`"));
}
