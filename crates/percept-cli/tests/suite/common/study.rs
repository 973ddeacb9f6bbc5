//! Studies of small pictures, served by the real binary.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use percept_image::{Image, Photo, Srgb, write_photo};

use super::{arg, percept, run};

pub const SMALL: (usize, usize) = (48, 40);
pub const METHODS: [(&str, f32); 3] = [("sharp", 0.03), ("soft", 0.1), ("poor", 0.2)];

/// A picture with detail; another `seed`, another picture. `error` is a pattern laid over it.
pub fn picture((width, height): (usize, usize), seed: usize, error: f32) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        let wave =
            ((x * (seed + 2) + 3 * y + 20 * c) as f32 / 17.0).sin() * (y as f32 / (9 + seed) as f32).cos();
        0.5 + 0.35 * wave + error * if (x / 2 + y / 2) % 2 == 0 { 1.0 } else { -1.0 }
    })
}

/// Folders `gt`, `lq` (a fourth of the size) and one for each method with its error, of `photos` photos.
pub fn folders(at: &Path, photos: usize, size: (usize, usize), methods: &[(&str, f32)]) {
    let small = (size.0 / 4, size.1 / 4);
    let kinds = [("gt", size, 0.0), ("lq", small, 0.0)];
    let methods = methods.iter().map(|(name, error)| (*name, size, *error));
    for (folder, size, error) in kinds.into_iter().chain(methods) {
        let folder = at.join(folder);
        fs::create_dir_all(&folder).unwrap();
        for photo in 0..photos {
            let path = folder.join(format!("photo{photo}.png"));
            write_photo(path, &Photo::new(picture(size, photo, error))).unwrap();
        }
    }
}

/// A study of `photos` photos and these methods.
pub fn study(
    at: &Path,
    photos: usize,
    size: (usize, usize),
    methods: &[(&str, f32)],
    more: &[&str],
) -> PathBuf {
    folders(at, photos, size, methods);
    let study = at.join("study");
    let named: Vec<_> =
        methods.iter().map(|(name, _)| format!("{name}={}", at.join(name).display())).collect();
    let (reference, input) = (at.join("gt"), at.join("lq"));
    let mut call =
        vec!["study", "new", arg(&study), "--ref", arg(&reference), "--input", arg(&input), "--methods"];
    call.extend(named.iter().map(String::as_str));
    call.extend(more);
    run(&call).exits(0).prints(&[arg(&study)]);
    study
}

/// The answers of a study, as `analyse --csv` writes them: one map a line.
pub fn csv(study: &Path) -> Vec<BTreeMap<String, String>> {
    let path = study.join("votes.csv");
    run(&["study", "analyse", arg(study), "--csv", arg(&path)]).exits(0);
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(String::from).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
}

/// `percept study serve` until it is dropped.
pub struct Served {
    pub child: Child,
    /// What it printed.
    pub url: String,
    /// Host and port.
    pub host: String,
}

impl Served {
    pub fn new(study: &Path, more: &[&str]) -> Self {
        let mut command = percept(&[&["study", "serve", arg(study)], more].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim_end().to_string();
        let host = url.strip_prefix("http://").unwrap_or_else(|| panic!("no address: `{url}`"));
        let host = host.split('/').next().unwrap().to_string();
        Self { child, host, url }
    }

    /// On a free port of this machine.
    pub fn here(study: &Path) -> Self {
        Self::new(study, &["--listen", "127.0.0.1:0"])
    }

    /// Ends as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "")
    }

    pub fn post(&self, path: &str, kind: &str, body: &str) -> Reply {
        self.send("POST", path, &[("Content-Type", kind)], body)
    }

    /// One request on a connection of its own.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.try_send(method, path, headers, body).unwrap()
    }

    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> std::io::Result<Reply> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let own = [("Host", self.host.as_str())];
        let host = if headers.iter().any(|(name, _)| *name == "Host") { &own[..0] } else { &own[..] };
        for (name, value) in host.iter().chain(headers) {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        // A server that refuses a body may close before it has read all of it.
        let _ = stream.write_all(request.as_bytes());
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            return Err(read.err().unwrap_or(std::io::ErrorKind::UnexpectedEof.into()));
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Ok(Reply { status, head: head.to_lowercase(), body: bytes[end + 4..].to_vec() })
    }

    /// A new participant's path, `/s/LINK`.
    pub fn start(&self) -> String {
        let reply = self.post("/start", "application/x-www-form-urlencoded", "consent=yes");
        assert_eq!(reply.status, 303, "{reply:?}");
        reply.header("location").unwrap()
    }

    pub fn vote(&self, participant: &str, trial: u64, choice: u64) -> Reply {
        let body = serde_json::json!({"trial": trial, "choice": choice, "ms": 1200}).to_string();
        self.post(&format!("{participant}/vote"), "application/json", &body)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer of the server.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Status line and headers, in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<String> {
        let line = self.head.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        Some(line.split_once(':')?.1.trim().to_string())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
