//! `percept study` through the real binary: made, answered, analysed.

use std::fs;

use crate::common::study::{METHODS, SMALL, Served, csv, folders, picture, study};
use crate::common::{arg, run};
use percept_image::{Photo, decode_photo, read_photo, write_photo};
use serde_json::Value;

fn json(run: &crate::common::Run) -> Value {
    serde_json::from_str(&run.out).unwrap()
}

/// Which picture of a trial is nearest to its reference, from 1: what someone who looks chooses.
fn nearest(served: &Served, trial: &Value) -> u64 {
    let read = |url: &Value| {
        let reply = served.get(url.as_str().unwrap());
        assert_eq!((reply.status, reply.header("content-type").unwrap().as_str()), (200, "image/png"));
        decode_photo("picture.png", &reply.body).unwrap().pixels
    };
    let reference = read(&trial["reference"]);
    let off = |url: &Value| -> f32 {
        let picture = read(url);
        assert_eq!(picture.size(), reference.size());
        picture.data().iter().zip(reference.data()).map(|(a, b)| (a - b).abs()).sum()
    };
    let offs: Vec<f32> = trial["pictures"].as_array().unwrap().iter().map(off).collect();
    1 + (0..offs.len()).min_by(|a, b| offs[*a].total_cmp(&offs[*b])).unwrap() as u64
}

/// Answers everything that is open; `choose` gets the state's trial.
fn take_part(served: &Served, participant: &str, mut choose: impl FnMut(&Value) -> u64) -> u64 {
    let mut state = served.get(&format!("{participant}/state")).json();
    let mut votes = 0;
    while !state["trial"].is_null() {
        let number = state["trial"]["number"].as_u64().unwrap();
        let acknowledged = served.vote(participant, number, choose(&state["trial"])).json();
        assert_eq!(acknowledged["counted"], true);
        state = acknowledged["state"].clone();
        votes += 1;
    }
    assert_eq!(state["answered"], state["total"]);
    votes
}

#[test]
fn two_folders_become_a_study_that_says_nothing_of_methods() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 4, SMALL, &METHODS[..2], &["--title", "Sharp or soft?"]);
    let mut names: Vec<_> = fs::read_dir(&study).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["images", "study.sqlite", "study.toml"]);
    let toml = fs::read_to_string(study.join("study.toml")).unwrap();
    assert!(toml.contains("title = \"Sharp or soft?\"") && toml.contains("design = \"pairs\""), "{toml}");

    // Reference, input and two results of four photos, and three spoiled references.
    let pictures: Vec<_> =
        fs::read_dir(study.join("images")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(pictures.len(), 4 * 4 + 3);
    for path in &pictures {
        let name = path.file_name().unwrap().to_str().unwrap().strip_suffix(".png").unwrap();
        assert!(name.len() == 32 && name.bytes().all(|c| c.is_ascii_hexdigit()), "{name}");
        assert_eq!(read_photo(path).unwrap().pixels.size(), SMALL, "inputs are enlarged");
        let bytes = fs::read(path).unwrap();
        // PNG's chunks that could hold words, a time or a camera's data.
        for chunk in [&b"tEXt"[..], b"iTXt", b"zTXt", b"tIME", b"eXIf", b"iCCP"] {
            assert!(!bytes.windows(4).any(|four| four == chunk));
        }
    }
}

#[test]
fn what_is_missing_is_named_and_what_is_wrong_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    folders(folder.path(), 3, SMALL, &METHODS);
    fs::remove_file(at("soft/photo1.png")).unwrap();
    fs::copy(at("sharp/photo0.png"), at("sharp/extra.png")).unwrap();
    let (gt, sharp, soft) =
        (at("gt"), format!("sharp={}", at("sharp").display()), format!("soft={}", at("soft").display()));
    let new = |study: &str, methods: &[&str], more: &[&str]| {
        let study = at(study);
        run(&[&["study", "new", arg(&study), "--ref", arg(&gt)], more, &["--methods"], methods].concat())
    };
    new("a", &[&sharp, &soft], &[]).exits(0).says(&[
        "soft lacks photo1.png",
        "extra.png has no reference",
        "2 photos by 2 methods",
    ]);
    new("a", &[&sharp, &soft], &[])
        .exits(2)
        .says(&["exists already and is not empty", "name another folder"]);
    new("b", &[&sharp], &[]).exits(2).says(&["`pairs` compares at least 2"]);
    new("b", &[&sharp], &["--design", "mos"]).exits(0);
    new("c", &[&sharp, &sharp], &[]).exits(2).says(&["`sharp` is named twice"]);
    new("c", &[&sharp, "../x=/tmp"], &[]).exits(2).says(&["no name for a method"]);
    new("c", &[&sharp, "folder"], &[]).exits(2).says(&["l1=out/l1"]);
    new("c", &[&sharp, "x=no/such/folder"], &[]).exits(2).says(&["x: ", "no/such/folder"]);
    fs::create_dir(at("empty")).unwrap();
    new("c", &[&sharp, &format!("x={}", at("empty").display())], &[]).exits(2).says(&["x: ", "no photo in"]);
    new("c", &[&sharp, &soft], &["--input", "no/inputs"]).exits(2).says(&["input: ", "no/inputs"]);
    run(&["study", "new", arg(&at("c")), "--ref", "no/photos", "--methods", &sharp, &soft])
        .exits(2)
        .says(&["no/photos"]);
    new("c", &[&sharp, &soft], &["--design", "duel"]).exits(2).says(&["pairs, best-of, mos"]);
    let wrong = new("c", &[&sharp, &soft], &["--repeats", "0.7"]).exits(2).says(&["`repeats`"]);
    assert!(!wrong.err.contains("study.toml"), "{}", wrong.err);
    // No file is there yet that could be wrong.
    let none =
        new("c", &[&sharp, &soft], &["--trials", "0"]).exits(2).says(&["`trials` must be from 1 to 2000"]);
    assert!(!none.err.contains("study.toml"), "{}", none.err);
    new("c", &[&sharp, &soft], &["--design", "best-of", "--ties"]).exits(2).says(&["`ties`"]);

    write_photo(at("soft/photo0.png"), &Photo::new(picture((40, 40), 0, 0.1))).unwrap();
    new("c", &[&sharp, &soft], &[]).exits(1).says(&["photo0.png", "40×40", "48×40"]);
    fs::write(at("soft/photo0.png"), b"\x89PNG\r\n\x1a\nbroken").unwrap();
    new("c", &[&sharp, &soft], &[]).exits(1).says(&["photo0.png"]);
    // Nothing half done stays behind.
    assert!(!at("c").exists());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with('.')), "{left:?}");

    for action in ["serve", "analyse"] {
        run(&["study", action, arg(&at("gt"))]).exits(2).says(&["no study is here", "percept study new"]);
    }
    run(&["study", "analyse", arg(&at("a"))]).exits(1).says(&["nobody has answered yet"]);
    let toml = at("a").join("study.toml");
    let text = fs::read_to_string(&toml).unwrap();
    fs::write(&toml, text.replace("design = \"pairs\"", "design = \"mos\"")).unwrap();
    run(&["study", "serve", arg(&at("a"))])
        .exits(2)
        .says(&["study.toml", "the study was made with design = \"pairs\""]);
    fs::write(&toml, text.replace("seed = 0", "sed = 0")).unwrap();
    run(&["study", "serve", arg(&at("a"))]).exits(2).says(&["study.toml", "sed"]);
    fs::write(&toml, text.replace("seed = 0", "seed = 1")).unwrap();
    run(&["study", "serve", arg(&at("a"))]).exits(2).says(&["study.toml", "seed = 0", "put that back"]);
    fs::write(&toml, text).unwrap();
    let database = at("a").join("study.sqlite");
    let mut bytes = fs::read(&database).unwrap();
    // Where SQLite's header keeps the version that a program gives its file.
    bytes[60..64].copy_from_slice(&9u32.to_be_bytes());
    fs::write(&database, bytes).unwrap();
    for action in ["serve", "analyse"] {
        let says = ["study.sqlite", "its format is 9, and this percept reads 1"];
        run(&["study", action, arg(&at("a"))]).exits(2).says(&says);
    }
    fs::write(database, "no database, but long enough to be looked at twice").unwrap();
    run(&["study", "analyse", arg(&at("a"))]).exits(1).says(&["study.sqlite"]);
    fs::remove_file(at("a/study.sqlite")).unwrap();
    run(&["study", "serve", arg(&at("a"))]).exits(2).says(&["no study is here"]);
}

/// Fewer who all say the same may still be chance.
const PEOPLE: usize = 8;

#[test]
fn who_looks_finds_the_order_and_who_does_not_is_flagged() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 10, SMALL, &METHODS, &["--repeats", "0.3"]);
    let served = Served::here(&study);
    for _ in 1..PEOPLE {
        let link = served.start();
        let votes = take_part(&served, &link, |trial| nearest(&served, trial));
        assert_eq!(votes, 30 + 9 + 3);
    }
    // The last one presses the left key, always.
    take_part(&served, &served.start(), |_| 1);

    let page = folder.path().join("study.html");
    let found = run(&["study", "analyse", arg(&study), "--json", "-o", arg(&page)]).exits(0);
    let found = found.says(&["Participant 8 is flagged", "attention checks"]);
    let found = json(&found);
    assert_eq!(
        (found["voters"].as_u64(), found["votes"].as_u64(), found["photos"].as_u64()),
        (Some(PEOPLE as u64), Some(30 * PEOPLE as u64), Some(10))
    );
    let names: Vec<_> =
        found["methods"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["sharp", "soft", "poor"]);
    let without = &found["without_flagged"];
    assert_eq!(without["voters"], PEOPLE - 1);
    for scale in ["bradley_terry", "thurstone"] {
        let strength: Vec<_> =
            (0..3).map(|at| without["methods"][at][scale]["value"].as_f64().unwrap()).collect();
        assert!(strength[0] > strength[1] + 1.0 && strength[1] > strength[2] + 1.0, "{strength:?}");
        assert!(strength.iter().sum::<f64>().abs() < 1e-9);
    }
    assert!(without["significance"].as_array().unwrap().iter().all(|pair| pair["significant"] == true));
    for one in &found["participants"].as_array().unwrap()[..3] {
        assert_eq!((&one["agreed"], &one["passed"]), (&9.into(), &3.into()), "{one}");
    }
    assert!(fs::read_to_string(page).unwrap().contains("Without the 1 flagged participant"));
    run(&["study", "analyse", arg(&study)]).exits(0).prints(&[
        "sharp",
        "without flagged participants",
        "significant",
    ]);

    let votes = csv(&study);
    assert_eq!(votes.len(), PEOPLE * 42);
    let count = |key: &str, value: &str| votes.iter().filter(|vote| vote[key] == value).count();
    assert_eq!((count("is_repeat", "true"), count("is_check", "true")), (9 * PEOPLE, 3 * PEOPLE));
    assert_eq!(
        (count("participant", "2"), count("image", "photo3")),
        (42, votes.iter().filter(|v| v["image"] == "photo3").count())
    );
    let careless = votes.iter().filter(|vote| vote["participant"] == "8");
    assert!(careless.clone().all(|vote| vote["choice"] == vote["left"]) && careless.count() == 42);
    assert!(
        votes
            .iter()
            .filter(|v| v["is_check"] == "true" && v["participant"] != "8")
            .all(|v| v["choice"] == "reference")
    );
}

#[test]
fn the_best_of_all_and_marks_are_designs_too() {
    let folder = tempfile::tempdir().unwrap();
    let best = study(folder.path(), 6, SMALL, &METHODS, &["--design", "best-of"]);
    let served = Served::here(&best);
    take_part(&served, &served.start(), |trial| nearest(&served, trial));
    let found = json(&run(&["study", "analyse", arg(&best), "--json"]).exits(0));
    assert_eq!((&found["methods"][0]["wins"], &found["methods"][0]["trials"]), (&12.0.into(), &12.0.into()));
    let votes = csv(&best);
    assert!(votes.iter().all(|vote| vote["shown"].split('|').count() == 3
        && (vote["choice"] == "sharp" || vote["is_check"] == "true")));

    let at = folder.path().join("marks");
    let marks = study(&at, 4, SMALL, &METHODS[..1], &["--design", "mos"]);
    let served = Served::here(&marks);
    let link = served.start();
    assert_eq!(served.vote(&link, 1, 6).status, 422);
    take_part(&served, &link, |_| 4);
    let found = json(&run(&["study", "analyse", arg(&marks), "--json"]).exits(0));
    assert_eq!(found["methods"][0]["opinion"]["value"], 4.0);
    assert_eq!(found["methods"][0]["bradley_terry"], Value::Null);
}
