//! `percept study` through the real binary: the server, killed and attacked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::common::study::{METHODS, Reply, SMALL, Served, csv, study};
use crate::common::{arg, run};

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
    // Answers of each that have to be there.
    let mut stored = vec![0; links.len()];
    for round in 0..3 {
        let (kept, killed) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        let at: Vec<u64> = links
            .iter()
            .map(|link| served.get(&format!("{link}/state")).json()["answered"].as_u64().unwrap())
            .collect();
        // What was there or acknowledged is there; at most one more of each may be: its answer was cut off.
        for (participant, answered) in at.iter().enumerate() {
            let before = stored[participant];
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
        let kept = kept.into_inner().unwrap();
        stored = at;
        kept.iter().for_each(|((participant, _), _)| stored[*participant] += 1);
        acknowledged.extend(kept);
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
    let started = made.post("/start", form, format!("consent=yes&token={token}"));
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
    assert_eq!(served.post("/start", form, format!("consent=yes&x={}", "a".repeat(5000))).status, 413);
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
        // Numbers that no database holds.
        "{\"trial\":1,\"choice\":1,\"ms\":9223372036854775808}",
        "{\"trial\":1,\"choice\":1,\"ms\":18446744073709551615}",
        "{\"trial\":9223372036854775808,\"choice\":1,\"ms\":1}",
        "{\"trial\":18446744073709551615,\"choice\":1,\"ms\":1}",
        "{\"trial\":1,\"choice\":1,\"ms\":99999999999999999999999}",
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

/// Connections that send their headers slowly or not at all use up neither descriptors nor patience.
#[test]
fn slow_headers_shut_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 2, SMALL, &METHODS[..2], &[]);
    let served = Served::here(&study);
    let slow: Vec<TcpStream> = (0..600)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(&served.host).ok()?;
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
            Some(stream)
        })
        .collect();
    assert!(slow.len() > 500, "{}", slow.len());
    #[cfg(target_os = "linux")]
    {
        let open = fs::read_dir(format!("/proc/{}/fd", served.child.id())).unwrap().count();
        assert!(open < 450, "{open} descriptors");
    }
    let started = Instant::now();
    while !served.try_send("GET", "/", &[], "").is_ok_and(|reply| reply.status == 200) {
        assert!(started.elapsed() < Duration::from_secs(60), "nobody is served any more");
        std::thread::sleep(Duration::from_millis(200));
    }
    // By then all of them are closed.
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let ended = stream.read_to_end(&mut Vec::new());
        let waited = |error: &std::io::Error| {
            matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        };
        assert!(!ended.is_err_and(|error| waited(&error)), "a slow connection is still open");
    }
    assert_eq!(served.get("/").status, 200);
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
