//! `percept web` by real requests: what it gives is what `apply` gives, and nothing stays.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use percept_image::{Depth, Metadata, Photo, write_photo};
use serde_json::Value;

use crate::apply::{model, photo, profile};
use crate::common::served::{Reply, Served};
use crate::common::{arg, percept, run};

/// A visit to a page.
pub struct Visit<'a> {
    served: &'a Served,
    path: String,
}

impl<'a> Visit<'a> {
    pub fn new(served: &'a Served) -> Self {
        let offer = served.post("/visit", "", "").json();
        Self { served, path: format!("/v/{}", offer["visit"].as_str().unwrap()) }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.served.get(&format!("{}{path}", self.path))
    }

    fn post(&self, path: &str) -> Reply {
        self.served.post(&format!("{}{path}", self.path), "", "")
    }

    fn send(&self, name: &str, wish: &str, bytes: &[u8]) -> Reply {
        let name = name.replace(' ', "%20");
        self.served.post(
            &format!("{}/photos?name={name}&{wish}", self.path),
            "application/octet-stream",
            bytes,
        )
    }

    /// Sends a photo; its name on the server.
    fn add(&self, name: &str, wish: &str, bytes: &[u8]) -> String {
        self.send(name, wish, bytes).json()["id"].as_str().unwrap().to_string()
    }

    fn told(&self, id: &str) -> Value {
        let told = self.get("").json();
        let photo = told["photos"].as_array().unwrap().iter().find(|photo| photo["id"] == id);
        photo.cloned().unwrap_or(Value::Null)
    }

    /// Waits until a photo is in one of these states.
    #[track_caller]
    fn until(&self, id: &str, states: &[&str]) -> Value {
        let started = Instant::now();
        loop {
            let told = self.told(id);
            if states.iter().any(|state| told["state"] == *state) {
                return told;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "{told}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The file of a result, once it is there.
    #[track_caller]
    fn result(&self, id: &str) -> (String, Vec<u8>) {
        let told = self.until(id, &["done", "failed", "cancelled"]);
        assert_eq!(told["state"], "done", "{told}");
        let reply = self.get(&format!("/photos/{id}/result"));
        assert_eq!(reply.status, 200, "{reply:?}");
        (told["result"].as_str().unwrap().to_string(), reply.body)
    }
}

fn page(more: &[&str]) -> Served {
    Served::of(&[&["web", "--listen", "127.0.0.1:0"], more].concat())
}

/// Photos of several kinds, by their files' names.
fn kinds(folder: &Path) -> Vec<PathBuf> {
    let exif = b"II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x04\0\0\0Cam\0\0\0\0\0".to_vec();
    let metadata = Metadata { exif: Some(exif), ..Metadata::default() };
    let alpha = (0..24 * 20).map(|i| i as f32 / 479.0).collect();
    let photos = [
        ("holiday, süß.jpg", Photo { metadata, icc: Some(profile()), ..Photo::new(photo(40, 31, 1)) }),
        (
            "clear.png",
            Photo {
                alpha: Some(alpha),
                depth: Depth::Sixteen,
                icc: Some(profile()),
                ..Photo::new(photo(24, 20, 3))
            },
        ),
        ("scan.tif", Photo { depth: Depth::Sixteen, ..Photo::new(photo(33, 17, 4)) }),
        ("grey.webp", Photo { grey: true, ..Photo::new(photo(20, 20, 5)) }),
        ("dots.bmp", Photo::new(photo(21, 22, 6))),
    ];
    let write = |(name, photo): (&str, Photo)| {
        let path = folder.join(name);
        write_photo(&path, &photo).unwrap();
        path
    };
    photos.into_iter().map(write).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// Percent signs for what an address cannot hold.
fn quoted(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

#[test]
fn results_are_those_of_apply() {
    let dir = tempfile::tempdir().unwrap();
    let own = model(dir.path());
    let served = page(&["--model", arg(&own)]);
    let visit = Visit::new(&served);
    let cases: [(&str, &[&str]); 4] = [
        ("model=model", &[]),
        ("model=classic-x4&times=2&strip=true", &["--outscale", "2", "--strip"]),
        ("model=photo-x4&strength=0.5&format=png", &["--denoise-strength", "0.5", "--format", "png"]),
        ("model=model&times=1.5&format=tif", &["--outscale", "1.5", "--format", "tiff"]),
    ];
    for (at, (wish, flags)) in cases.into_iter().enumerate() {
        for file in kinds(dir.path()) {
            let out = dir.path().join(format!("out{at}"));
            let model = wish.split(['=', '&']).nth(1).unwrap();
            let model = if model == "model" { arg(&own) } else { model };
            let suffix = ["-x2", "-x2", "-x4", "-x1.5"][at];
            run(&[&["apply", model, arg(&file), "-o", arg(&out), "--suffix", suffix, "--force"], flags]
                .concat())
            .exits(0);
            let id = visit.add(&quoted(name(&file)), wish, &fs::read(&file).unwrap());
            let (named, bytes) = visit.result(&id);
            let theirs = fs::read(out.join(&named)).unwrap_or_else(|error| panic!("{named}: {error}"));
            assert!(bytes == theirs, "{named} {wish}: {} bytes, {} of apply", bytes.len(), theirs.len());
            let told = visit.told(&id);
            for view in ["before", "glance", "square/0"] {
                let view = visit.get(&format!("/photos/{id}/{view}"));
                assert!(
                    view.status == 200 && view.header("content-type").unwrap().starts_with("image/"),
                    "{told}"
                );
            }
        }
    }
    // The name in the header, whatever letters it has.
    let id = visit.add("%C3%BC.png", "model=model", &fs::read(dir.path().join("clear.png")).unwrap());
    visit.result(&id);
    let reply = visit.get(&format!("/photos/{id}/result"));
    assert!(
        reply.header("content-disposition").unwrap().ends_with("filename*=utf-8''%c3%bc-x2.png"),
        "{}",
        reply.head
    );
}

#[test]
fn ten_at_once_are_all_done() {
    let dir = tempfile::tempdir().unwrap();
    let own = model(dir.path());
    let served = page(&["--model", arg(&own)]);
    let photos: Vec<Vec<u8>> = (0..10)
        .map(|seed| {
            let path = dir.path().join(format!("{seed}.png"));
            write_photo(&path, &Photo::new(photo(30 + seed, 40, seed))).unwrap();
            fs::read(path).unwrap()
        })
        .collect();
    let results: Vec<_> = std::thread::scope(|scope| {
        let one = |(at, bytes): (usize, &Vec<u8>)| {
            let (served, bytes) = (&served, bytes.clone());
            scope.spawn(move || {
                let visit = Visit::new(served);
                let id = visit.add(&format!("{at}.png"), "model=model", &bytes);
                visit.result(&id)
            })
        };
        let all: Vec<_> = photos.iter().enumerate().map(one).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let out = dir.path().join("out");
    let inputs: Vec<_> = (0..10).map(|at| dir.path().join(format!("{at}.png"))).collect();
    let call: Vec<_> = ["apply", arg(&own)].into_iter().chain(inputs.iter().map(|path| arg(path))).collect();
    run(&[&call[..], &["-o", arg(&out), "--suffix", "-x2"]].concat()).exits(0);
    for (at, (named, bytes)) in results.into_iter().enumerate() {
        assert_eq!(named, format!("{at}-x2.png"));
        assert!(bytes == fs::read(out.join(named)).unwrap(), "{at}");
    }
}

#[test]
fn what_is_cancelled_is_not_done_and_the_next_one_is() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    write_photo(at("large.png"), &Photo::new(photo(500, 400, 1))).unwrap();
    write_photo(at("small.png"), &Photo::new(photo(20, 20, 2))).unwrap();
    let [large, small] = ["large.png", "small.png"].map(|name| fs::read(at(name)).unwrap());
    let served = page(&[]);
    let visit = Visit::new(&served);
    let wish = "model=photo-x4";
    let [first, second, third] = [("a.png", &large), ("b.png", &large), ("c.png", &small)]
        .map(|(name, bytes)| visit.add(name, wish, bytes));
    visit.until(&first, &["working"]);
    assert_eq!(visit.told(&third)["place"], 1);
    assert_eq!(visit.post(&format!("/photos/{second}/cancel")).status, 200);
    assert_eq!(visit.told(&second)["state"], "cancelled");
    assert_eq!(visit.get(&format!("/photos/{second}/result")).status, 409);
    assert_eq!(visit.post(&format!("/photos/{first}/cancel")).status, 200);
    assert_eq!(visit.told(&first)["state"], "cancelled");
    visit.result(&third);
    assert_eq!(visit.told(&first)["state"], "cancelled", "what came too late changes nothing");
    assert_eq!(visit.post(&format!("/photos/{third}/remove")).status, 200);
    assert_eq!(visit.told(&third), Value::Null);
    assert_eq!(visit.get(&format!("/photos/{third}/result")).status, 404);
}

/// What a request says of a body that it does not send.
fn announced(served: &Served, path: &str, length: &str) -> String {
    let mut stream = TcpStream::connect(&served.host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "POST {path} HTTP/1.1\r\nHost: {}\r\n{length}\r\n", served.host).unwrap();
    let mut reply = vec![0; 4096];
    let read = stream.read(&mut reply).expect("an answer before the body");
    String::from_utf8_lossy(&reply[..read]).into_owned()
}

#[test]
fn what_cannot_be_is_said_in_words_and_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let small = dir.path().join("small.png");
    write_photo(&small, &Photo::new(photo(20, 20, 2))).unwrap();
    let small = fs::read(small).unwrap();
    let served = page(&["--largest", "2", "--memory", "1"]);
    let visit = Visit::new(&served);
    let offer = served.post("/visit", "", "").json();
    assert_eq!(offer["limits"]["photo"], 2_000_000);
    assert!(
        offer["models"].as_array().unwrap().iter().all(|model| model["name"] != "photo-x4-mild"),
        "{offer}"
    );

    let path = format!("{}/photos?name=a.png&model=classic-x4", visit.path);
    let refused = announced(&served, &path, "Content-Length: 2000001\r\n");
    assert!(
        refused.starts_with("HTTP/1.1 413") && refused.contains("at most 2 MB, and this one has 2 MB"),
        "{refused}"
    );
    let refused = announced(&served, &path, "Content-Length: 1500000\r\n");
    assert!(
        refused.starts_with("HTTP/1.1 507") && refused.contains("Photos of 1 MB are held at once"),
        "{refused}"
    );
    let refused = announced(&served, &path, "Transfer-Encoding: chunked\r\n");
    assert!(refused.starts_with("HTTP/1.1 411"), "{refused}");

    for (name, wish, said) in [
        ("a.png", "model=none", "no such model"),
        ("a.png", "model=classic-x4&strength=0.5", "mild form"),
        ("a.png", "model=photo-x4&strength=2", "from 0 to 1"),
        ("a.png", "model=photo-x4&times=99", "0.1 to 16"),
        ("a.png", "model=photo-x4&times=NaN", "0.1 to 16"),
        ("a.png", "model=photo-x4&format=gif", "written as PNG"),
        ("..", "model=photo-x4", "no name"),
        ("", "model=photo-x4", "no name"),
    ] {
        let reply = visit.send(name, wish, &small);
        assert!(reply.status == 422 && reply.text().contains(said), "{name} {wish}: {reply:?}");
    }
    // Names lead nowhere.
    let id = visit.add("..%2F..%2Fetc%2Fpasswd.png", "model=classic-x4", &small);
    assert_eq!(visit.result(&id).0, "passwd-x4.png");

    for (bytes, said) in
        [(&b"this is a text"[..], "a.png: "), (&small[..small.len() / 2], "a.png: "), (&[][..], "a.png: ")]
    {
        let id = visit.add("a.png", "model=classic-x4", bytes);
        let told = visit.until(&id, &["failed", "done"]);
        assert_eq!(told["state"], "failed", "{told}");
        assert!(told["why"].as_str().unwrap().starts_with(said), "{told}");
    }
    // And the page goes on.
    let id = visit.add("b.png", "model=classic-x4", &small);
    visit.result(&id);
    for path in ["/v/0/photos", "/v/00000000000000000000000000000000", "/nothing", "/page.html"] {
        assert!(matches!(served.get(path).status, 404 | 405 | 410), "{path}");
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Photos are in memory alone: no file is written or open while they are there, and nothing answers when the page is closed.
#[test]
#[cfg(target_os = "linux")]
fn photos_are_kept_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let small = dir.path().join("small.png");
    write_photo(&small, &Photo::new(photo(60, 50, 2))).unwrap();
    let bytes = fs::read(&small).unwrap();
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    let mut command = percept(&["web", "--listen", "127.0.0.1:0"]);
    command.current_dir(&home);
    ["TMPDIR", "HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"].iter().for_each(|name| {
        command.env(name, &home);
    });
    let served = Served::with(command);
    let open = || {
        let links = fs::read_dir(format!("/proc/{}/fd", served.child.id())).unwrap();
        let places = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
        places
            .filter(|place| place.is_file() || place.to_string_lossy().contains("deleted"))
            .collect::<Vec<_>>()
    };
    let visit = Visit::new(&served);
    let [first, second] = ["a.png", "b.png"].map(|name| visit.add(name, "model=photo-x4", &bytes));
    visit.until(&first, &["working", "done"]);
    assert!(files(&home).is_empty() && open().is_empty(), "{:?} {:?}", files(&home), open());
    visit.result(&first);
    visit.result(&second);
    assert_eq!(visit.post("/leave").status, 200);
    for path in [format!("/photos/{first}/result"), format!("/photos/{second}/before"), String::new()] {
        assert_eq!(visit.get(&path).status, 410, "{path}");
    }
    assert!(files(&home).is_empty() && open().is_empty(), "{:?} {:?}", files(&home), open());
    let fresh = Visit::new(&served);
    assert_eq!(fresh.get("").json()["photos"].as_array().unwrap().len(), 0);
    assert_eq!(fresh.get("").json()["held"], 0, "nothing is held of who has left");
}

#[test]
fn the_page_asks_nobody_else_and_others_need_a_token() {
    let served = page(&[]);
    for path in [
        "/",
        "/page.css",
        "/page.js",
        "/server.js",
        "/photos.js",
        "/viewer.js",
        "/runs.js",
        "/chart.js",
        "/icon.svg",
    ] {
        let reply = served.get(path);
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.header("content-security-policy").unwrap().starts_with("default-src 'self'"));
        let text = reply.text().replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http:") && !text.contains("https:"), "{path}");
    }
    let foreign = [("Sec-Fetch-Site", "cross-site")];
    assert_eq!(served.send("POST", "/visit", &foreign, "").status, 403);
    assert_eq!(served.send("GET", "/", &[("Host", "evil.example")], "").status, 403);

    let mut open = Served::of(&["web", "--listen", "0.0.0.0:0", "--token", "abcdefgh"]);
    open.host = open.host.replace("0.0.0.0", "127.0.0.1");
    assert!(open.url.ends_with("/?token=abcdefgh"), "{}", open.url);
    assert_eq!(open.post("/visit", "", "").status, 401);
    assert_eq!(open.send("POST", "/visit", &[("Authorization", "Bearer wrong-token")], "").status, 401);
    assert_eq!(open.send("POST", "/visit", &[("Authorization", "Bearer abcdefgh")], "").status, 200);

    run(&["web", "--token", "short"]).exits(2).says(&["8 to 100 letters"]);
    run(&["web", "--model", "nowhere.pth"]).exits(2).says(&["nowhere.pth"]);
    run(&["web", "--runs", "nowhere"]).exits(2).says(&["nowhere: no such folder", "check --runs"]);
}

/// Models of a folder are offered beside the bundled ones; what is none is named and left out.
#[test]
fn a_folder_of_models_is_offered() {
    let dir = tempfile::tempdir().unwrap();
    let own = model(dir.path());
    fs::rename(&own, dir.path().join("mine.safetensors")).unwrap();
    fs::write(dir.path().join("other.pth"), "no model").unwrap();
    fs::write(dir.path().join("notes.txt"), "no model").unwrap();
    let served = page(&["--models", arg(dir.path())]);
    let offer = served.post("/visit", "", "").json();
    let names: Vec<_> =
        offer["models"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(names[0], "mine");
    assert!(names.contains(&"photo-x4") && !names.contains(&"other"), "{names:?}");
    assert_eq!(offer["models"][0]["scale"], 2);
    assert_eq!(offer["runs"], false);
}

#[test]
#[cfg(unix)]
fn it_ends_when_it_is_told_to_while_it_works() {
    let dir = tempfile::tempdir().unwrap();
    let small = dir.path().join("small.png");
    write_photo(&small, &Photo::new(photo(120, 100, 2))).unwrap();
    let mut served = page(&[]);
    let visit = Visit::new(&served);
    let bytes = fs::read(&small).unwrap();
    (0..5).for_each(|at| drop(visit.add(&format!("{at}.png"), "model=photo-x4", &bytes)));
    std::process::Command::new("kill").args(["-INT", &served.child.id().to_string()]).status().unwrap();
    let started = Instant::now();
    loop {
        if let Some(status) = served.child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
}
