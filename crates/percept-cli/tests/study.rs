//! `percept study` through the real binary: made, served over HTTP, killed, analysed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)] // A test that cannot go on should fail.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::study::{Reply, Served, folders, picture, study};
use common::{arg, run};
use percept_image::{Photo, decode_photo, read_photo, write_photo};
use serde_json::Value;

const SMALL: (usize, usize) = (48, 40);
const METHODS: [(&str, f32); 3] = [("sharp", 0.03), ("soft", 0.1), ("poor", 0.2)];

fn json(run: &common::Run) -> Value {
    serde_json::from_str(&run.out).unwrap()
}

/// The answers of a study, as `analyse --csv` writes them: one map a line.
fn csv(study: &Path) -> Vec<BTreeMap<String, String>> {
    let path = study.join("votes.csv");
    run(&["study", "analyse", arg(study), "--csv", arg(&path)]).exits(0);
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(String::from).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
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
    new("c", &[&sharp, &soft], &["--repeats", "0.7"]).exits(2).says(&["`repeats`"]);
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

#[test]
fn who_looks_finds_the_order_and_who_does_not_is_flagged() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 10, SMALL, &METHODS, &["--repeats", "0.3"]);
    let served = Served::here(&study);
    for _ in 0..3 {
        let link = served.start();
        let votes = take_part(&served, &link, |trial| nearest(&served, trial));
        assert_eq!(votes, 30 + 9 + 3);
    }
    // The fourth presses the left key, always.
    take_part(&served, &served.start(), |_| 1);

    let page = folder.path().join("study.html");
    let found = run(&["study", "analyse", arg(&study), "--json", "-o", arg(&page)]).exits(0);
    let found = found.says(&["Participant 4 is flagged", "attention checks"]);
    let found = json(&found);
    assert_eq!(
        (found["voters"].as_u64(), found["votes"].as_u64(), found["photos"].as_u64()),
        (Some(4), Some(120), Some(10))
    );
    let names: Vec<_> =
        found["methods"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["sharp", "soft", "poor"]);
    let without = &found["without_flagged"];
    assert_eq!(without["voters"], 3);
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
    assert_eq!(votes.len(), 4 * 42);
    let count = |key: &str, value: &str| votes.iter().filter(|vote| vote[key] == value).count();
    assert_eq!((count("is_repeat", "true"), count("is_check", "true")), (36, 12));
    assert_eq!(
        (count("participant", "2"), count("image", "photo3")),
        (42, votes.iter().filter(|v| v["image"] == "photo3").count())
    );
    let careless = votes.iter().filter(|vote| vote["participant"] == "4");
    assert!(careless.clone().all(|vote| vote["choice"] == vote["left"]) && careless.count() == 42);
    assert!(
        votes
            .iter()
            .filter(|v| v["is_check"] == "true" && v["participant"] != "4")
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

#[test]
fn an_answer_counts_once_and_in_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 4, SMALL, &METHODS[..2], &["--ties"]);
    let served = Served::here(&study);
    let link = served.start();
    let state = served.get(&format!("{link}/state")).json();
    assert_eq!((&state["answered"], &state["trial"]["number"]), (&0.into(), &1.into()));
    assert_eq!(state["trial"]["pictures"].as_array().unwrap().len(), 2);
    assert_eq!(
        state["ahead"].as_array().unwrap().len(),
        4,
        "two results, reference and input of the next trial"
    );

    let first = served.vote(&link, 1, 2).json();
    assert_eq!(
        (&first["counted"], &first["choice"], &first["state"]["answered"]),
        (&true.into(), &2.into(), &1.into())
    );
    let again = served.vote(&link, 1, 1).json();
    assert_eq!(
        (&again["counted"], &again["choice"], &again["state"]["answered"]),
        (&false.into(), &2.into(), &1.into())
    );
    assert_eq!(served.vote(&link, 3, 1).status, 409, "a trial that is not open yet");
    assert_eq!(served.vote(&link, 9999, 1).status, 409);
    assert_eq!(served.vote(&link, 2, 3).status, 422, "there are two pictures");
    assert_eq!(served.vote(&link, 2, 0).json()["counted"], true, "a tie");
    // Someone else's answers are someone else's.
    let other = served.start();
    assert_ne!(other, link);
    assert_eq!(served.get(&format!("{other}/state")).json()["answered"], 0);
    assert_eq!(served.get(&format!("{link}/state")).json()["answered"], 2);
}

#[test]
fn a_killed_server_loses_no_acknowledged_answer() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 40, SMALL, &METHODS, &["--trials", "120"]);
    let mut served = Served::here(&study);
    let links: Vec<String> = (0..4).map(|_| served.start()).collect();
    let mut acknowledged: BTreeMap<(usize, u64), u64> = BTreeMap::new();
    for round in 0..3 {
        let (kept, killed) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        let at: Vec<u64> = links
            .iter()
            .map(|link| served.get(&format!("{link}/state")).json()["answered"].as_u64().unwrap())
            .collect();
        // What was acknowledged before is there; at most one more of each may be: its answer was cut off.
        for (participant, answered) in at.iter().enumerate() {
            let before = acknowledged.keys().filter(|(of, _)| *of == participant).count() as u64;
            assert!((before..=before + u64::from(round > 0)).contains(answered), "{before} {answered}");
        }
        let pid = served.child.id();
        let total = served.get(&format!("{}/state", links[0])).json()["total"].as_u64().unwrap();
        std::thread::scope(|scope| {
            for (participant, link) in links.iter().enumerate() {
                let (served, kept, killed, first) = (&served, &kept, &killed, at[participant] + 1);
                scope.spawn(move || {
                    for trial in first.. {
                        let choice = 1 + (trial + participant as u64) % 2;
                        let body = format!("{{\"trial\":{trial},\"choice\":{choice},\"ms\":5}}");
                        let headers = [("Content-Type", "application/json")];
                        match served.try_send("POST", &format!("{link}/vote"), &headers, &body) {
                            Ok(Reply { status: 200, body, .. }) if body.ends_with(b"}") => {
                                kept.lock().unwrap().push(((participant, trial), choice));
                            }
                            Ok(Reply { status: 429, .. }) => std::thread::sleep(Duration::from_millis(50)),
                            Ok(Reply { status: 409, .. }) if trial > total => break,
                            _ => {
                                assert!(killed.load(Ordering::SeqCst));
                                break;
                            }
                        }
                    }
                });
            }
            // In the middle of it: some were acknowledged, and more are on their way.
            let start = Instant::now();
            while kept.lock().unwrap().len() < 12 && start.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(1));
            }
            killed.store(true, Ordering::SeqCst);
            // SIGKILL: nothing of the server's own runs any more.
            std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        });
        served.kill();
        acknowledged.extend(kept.into_inner().unwrap());
        served = Served::here(&study);
    }
    assert!(acknowledged.len() >= 36, "{}", acknowledged.len());
    let votes = csv(&study);
    for ((participant, trial), choice) in &acknowledged {
        let vote = votes.iter().find(|vote| {
            vote["participant"] == (participant + 1).to_string() && vote["trial"] == trial.to_string()
        });
        let vote = vote.unwrap_or_else(|| panic!("lost: {participant} {trial}"));
        assert_eq!(vote["choice"], vote[if *choice == 1 { "left" } else { "right" }]);
    }
    let each: BTreeSet<_> = votes.iter().map(|vote| (&vote["participant"], &vote["trial"])).collect();
    assert_eq!(each.len(), votes.len(), "no answer is there twice");
}

#[test]
fn elsewhere_a_token_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 2, SMALL, &METHODS[..2], &[]);
    run(&["study", "serve", arg(&study), "--token", "short"]).exits(2).says(&["8 to 100 letters"]);

    let mut made = Served::new(&study, &["--listen", "0.0.0.0:0"]);
    let token = made.url.split_once("/?token=").expect("an address with a token").1.to_string();
    assert_eq!(token.len(), 32);
    made.host = made.host.replace("0.0.0.0", "127.0.0.1");
    assert_eq!(made.get("/").status, 401);
    assert_eq!(made.get("/?token=wrong-token").status, 401);
    assert!(!made.get("/").text().contains(&token));
    assert_eq!(made.get(&format!("/?token={token}")).status, 200);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(made.post("/start", form, "consent=yes").status, 401);
    assert_eq!(made.post("/start", form, "consent=yes&token=00000000000000000000000000000000").status, 401);
    let started = made.post("/start", form, &format!("consent=yes&token={token}"));
    assert_eq!(started.status, 303);
    let link = started.header("location").unwrap();
    assert_eq!(made.get(&format!("{link}/state")).status, 200);
    assert_eq!(made.get(&format!("/s/{}/state", "0".repeat(32))).status, 404);
    // A name of the machine in the network is as good as its address.
    assert_eq!(made.send("GET", &format!("/?token={token}"), &[("Host", "lab.example")], "").status, 200);

    let given = Served::new(&study, &["--listen", "127.0.0.1:0", "--token", "our-own-token"]);
    assert!(given.url.ends_with("/?token=our-own-token"));
    assert_eq!(given.get("/").status, 401);
    let bearer = [("Authorization", "Bearer our-own-token")];
    assert_eq!(given.send("GET", "/", &bearer, "").status, 200);
}

#[test]
fn nothing_but_the_study_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 2, SMALL, &METHODS[..2], &[]);
    let served = Served::here(&study);
    let link = served.start();
    let picture =
        served.get(&format!("{link}/state")).json()["trial"]["pictures"][0].as_str().unwrap().to_string();
    let id = picture.rsplit('/').next().unwrap();
    assert_eq!(served.get(&picture).status, 200);

    let secret = fs::read(study.join("study.sqlite")).unwrap();
    for path in [
        "/study.sqlite".to_string(),
        "/study.toml".to_string(),
        format!("/images/{id}.png"),
        "/../study.toml".to_string(),
        "/%2e%2e/study.toml".to_string(),
        format!("{link}/picture/../../study.toml"),
        format!("{link}/picture/..%2f..%2fstudy.sqlite"),
        format!("{link}/picture/..%2fstudy.toml"),
        format!("{link}/picture/{id}.png"),
        format!("{link}/picture/{id}%00"),
        format!("{link}/picture/{}", id.to_uppercase()),
        format!("{link}/picture/{}", "0".repeat(32)),
        format!("{link}/picture/%2fetc%2fpasswd"),
        format!("/s/{}/picture/{id}", "0".repeat(32)),
        "/s/..%2f..%2fetc%2fpasswd".to_string(),
        "/s/".to_string(),
        format!("{link}/votes"),
        "//etc/passwd".to_string(),
    ] {
        let reply = served.get(&path);
        assert_eq!(reply.status, 404, "{path}: {reply:?}");
        assert!(!secret.starts_with(&reply.body[..reply.body.len().min(16)]) || reply.body.is_empty());
        assert!(!reply.text().contains("seed ="), "{path}");
    }

    let form = "application/x-www-form-urlencoded";
    let vote = format!("{link}/vote");
    let long = format!("{{\"trial\":1,\"choice\":1,\"ms\":1{}}}", " ".repeat(5000));
    assert_eq!(served.post(&vote, "application/json", &long).status, 413);
    assert_eq!(served.post("/start", form, &format!("consent=yes&x={}", "a".repeat(5000))).status, 413);
    assert_eq!(served.post("/start", form, "consent=no").status, 422);
    for bad in [
        "",
        "{}",
        "[]",
        "null",
        "{\"trial\":-1,\"choice\":1,\"ms\":1}",
        "{\"trial\":1,\"choice\":1e9,\"ms\":1}",
        "{\"trial\":1,\"choice\":\"1\",\"ms\":1}",
        "{\"trial\":1,\"choice\":1,\"ms\":1,\"method\":0}",
        "\u{0}",
    ] {
        let status = served.post(&vote, "application/json", bad).status;
        assert!((400..500).contains(&status), "{bad}: {status}");
    }
    assert_eq!(served.post(&vote, "text/plain", "{\"trial\":1,\"choice\":1,\"ms\":1}").status, 415);
    assert_eq!(served.get(&vote).status, 405);
    assert_eq!(served.get(&format!("{link}/state")).json()["answered"], 0, "none of it was an answer");

    // Other sites: by a name of theirs that points here, or from a page of theirs.
    assert_eq!(served.send("GET", "/", &[("Host", "evil.example")], "").status, 403);
    let foreign = [("Content-Type", form), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(served.send("POST", "/start", &foreign, "consent=yes").status, 403);

    for path in ["/", &link, &format!("{link}/state"), &picture, "/study.js", "/study.css", "/nowhere"] {
        let reply = served.get(path);
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{path}");
        assert_eq!(reply.header("referrer-policy").unwrap(), "no-referrer");
        assert_eq!(reply.header("x-content-type-options").unwrap(), "nosniff");
        assert_eq!(reply.header("set-cookie"), None);
        assert!(!reply.text().contains("http://") || path.ends_with(".svg") || path == picture, "{path}");
    }
}

#[test]
fn too_many_requests_are_held_back() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 2, SMALL, &METHODS[..2], &[]);
    let served = Served::here(&study);
    let (link, other) = (served.start(), served.start());
    let state = format!("{link}/state");
    let held = (0..20_000).map(|_| served.get(&state)).find(|reply| reply.status != 200).expect("a limit");
    assert_eq!(held.status, 429);
    assert!(held.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(served.get(&format!("{other}/state")).status, 200, "others go on");
    // New participants come one a second, after the first sixty.
    let form = "application/x-www-form-urlencoded";
    let start = || served.post("/start", form, "consent=yes").status;
    assert_eq!(start(), 303);
    assert_eq!((0..900).map(|_| start()).find(|status| *status != 303), Some(429));
}

#[test]
fn a_full_study_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 2, SMALL, &METHODS[..2], &[]);
    let toml = study.join("study.toml");
    let text = fs::read_to_string(&toml).unwrap();
    fs::write(&toml, text.replace("participants = 1000", "participants = 1")).unwrap();
    let served = Served::here(&study);
    served.start();
    let full = served.post("/start", "application/x-www-form-urlencoded", "consent=yes");
    assert_eq!(full.status, 503);
    assert!(full.text().contains("all of its participants"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 2, SMALL, &METHODS[..2], &[]);
    let mut served = Served::here(&study);
    run(&["study", "serve", arg(&study), "--listen", &served.host])
        .exits(2)
        .says(&["cannot listen", "choose another"]);
    let pid = served.child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
}
