//! `percept web --runs`: a training is watched while it goes.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::served::Served;
use crate::common::{arg, percept};
use crate::train::tiny;
use crate::web::Visit;

#[test]
fn a_training_is_watched_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let config = tiny(dir.path(), 40);
    let runs = dir.path().join("runs");
    fs::create_dir(&runs).unwrap();
    let served = Served::of(&["web", "--listen", "127.0.0.1:0", "--runs", arg(&runs)]);
    let visit = Visit::new(&served);
    assert_eq!(visit.get("/runs").json()["runs"].as_array().unwrap().len(), 0);
    assert_eq!(visit.get("/run?run=a/b").status, 404);

    let out = runs.join("a/b");
    fs::create_dir_all(runs.join("a")).unwrap();
    let mut training = percept(&["train", arg(&config), "--out", arg(&out)]);
    let mut training = training.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let told = || match visit.get("/run?run=a/b") {
        reply if reply.status == 200 => reply.json(),
        _ => Value::Null,
    };
    let started = Instant::now();
    let mut seen = Vec::new();
    loop {
        let now = told();
        if let Some(iter) = now["told"]["iter"].as_u64() {
            seen.push((iter, now["told"]["finished"].as_bool().unwrap()));
        }
        if matches!(seen.last(), Some((_, true))) {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{now}");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(training.wait().unwrap().success());
    assert!(seen.is_sorted_by_key(|(iter, _)| *iter), "{seen:?}");
    assert!(
        seen.iter().any(|(iter, finished)| (1..40).contains(iter) && !finished),
        "seen while it went: {seen:?}"
    );

    let now = told();
    let run = &now["told"];
    assert_eq!((&run["iter"], &run["total"], &run["task"]), (&40.into(), &40.into(), &"sr".into()), "{run}");
    assert_eq!(run["terms"]["l_g_l1"].as_array().unwrap().len(), 40);
    assert!(run["seconds"].as_f64().unwrap() > 0.0 && now["quiet"].as_f64().unwrap() >= 0.0);
    assert!(run["scores"].as_object().unwrap().contains_key("psnr-y"), "{run}");
    let taps = run["selection"]["taps"].as_array().unwrap();
    let names: Vec<_> = taps.iter().map(|tap| tap["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["relu1", "relu2"]);
    assert!(taps.iter().all(|tap| tap["weights"].as_array().unwrap().len() >= 64));

    // Pictures are those of the run, and only those.
    let pictures = &run["pictures"];
    assert_eq!((&pictures["iters"][0], &pictures["names"][0]), (&40.into(), &"0".into()), "{pictures}");
    for (kind, folder) in [("gt", "gt"), ("lq", "lq"), ("40", "iter_00000040")] {
        let reply = visit.get(&format!("/run/picture?run=a/b&kind={kind}&name=0"));
        assert_eq!(reply.status, 200, "{kind}");
        assert!(reply.body == fs::read(out.join(format!("val/{folder}/0.png"))).unwrap(), "{kind}");
    }
    fs::write(dir.path().join("config.toml"), fs::read(out.join("config.toml")).unwrap()).unwrap();
    for path in [
        "/run?run=..",
        "/run?run=a/../..",
        "/run?run=/",
        "/run?run=nothing",
        "/run/picture?run=a/b&kind=gt&name=../lq/0",
        "/run/picture?run=a/b&kind=../val/gt&name=0",
        "/run/picture?run=a/b&kind=7&name=0",
    ] {
        assert_eq!(visit.get(path).status, 404, "{path}");
    }
    let list = visit.get("/runs").json();
    assert_eq!(
        (&list["runs"][0]["run"], &list["runs"][0]["told"]["finished"]),
        (&"a/b".into(), &true.into()),
        "{list}"
    );

    // A run that cannot be read is one line of the list, not the end of it.
    fs::create_dir(runs.join("broken")).unwrap();
    fs::write(runs.join("broken/config.toml"), "task = 7").unwrap();
    let list = visit.get("/runs").json();
    assert_eq!(list["runs"].as_array().unwrap().len(), 2);
    assert!(list["runs"][1]["told"]["trouble"].as_str().unwrap().contains("config.toml"), "{list}");
    // Nobody sees runs without a visit.
    assert_eq!(served.get("/v/00000000000000000000000000000000/runs").status, 410);
}
