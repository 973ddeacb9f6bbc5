//! Requests to the server of a study, as bytes on a connection in memory.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use percept_image::{Image, Photo, Srgb, write_photo};
use percept_judge::study::{Design, Material, Server, Settings, Study};
use percept_serve::{Bounds, answer};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Target, bytes, scratch};

/// A request is cut off when the server has waited so long for more of it. The clock jumps ahead while nobody works.
const WAIT: Duration = Duration::from_millis(1);

/// Stands in an input for the link of a participant, another one each time: a participant has a limit too.
const LINK: &str = "11111111111111111111111111111111";
/// Participants who take turns.
const PARTICIPANTS: usize = 512;
/// What a connection holds of either side, in bytes: more than an input or a picture has.
const HELD: usize = 1 << 20;

/// A study's server on connections in memory.
pub(super) struct Requests {
    runtime: Runtime,
    routes: Router,
    stop: watch::Sender<bool>,
    /// Of the last request: a client has a limit, so each request has its own address.
    last: u32,
    links: Vec<String>,
    trouble: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl Requests {
    pub(super) fn new() -> io::Result<Self> {
        let folder = scratch()?;
        let study = made(folder.path())?;
        let trouble = Arc::new(Mutex::new(Vec::new()));
        let heard = trouble.clone();
        let (routes, guard) = Server::routes(study, None, move |error| keep(&heard, error.to_string()));
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().start_paused(true).build()?,
            routes: guard.before(routes),
            stop: watch::channel(false).0,
            last: 1,
            links: Vec::new(),
            trouble,
            _folder: folder,
        })
    }

    /// `request` with the link of a participant.
    fn linked(&self, request: &[u8]) -> Vec<u8> {
        let at = request.windows(LINK.len()).position(|window| window == LINK.as_bytes());
        let link = self.links.get(self.last as usize % PARTICIPANTS);
        let mut request = request.to_vec();
        if let (Some(at), Some(link)) = (at, link) {
            request.splice(at..at + LINK.len(), link.bytes());
        }
        request
    }

    /// All that the server answers to `request`.
    fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.last = (self.last + 1) % (1 << 24);
        let client = (Ipv4Addr::from_bits(127 << 24 | self.last.max(2)), 1024).into();
        let (routes, stop) = (self.routes.clone(), self.stop.subscribe());
        self.runtime.block_on(async {
            let (mut near, far) = duplex(HELD);
            let serving = tokio::spawn(answer(far, client, routes, Bounds::default(), stop));
            // A server that refuses a request may close before it has read all of it.
            let _ = near.write_all(request).await;
            let mut reply = Vec::new();
            if timeout(WAIT, near.read_to_end(&mut reply)).await.is_err() {
                // It waits for more, which does not come.
                near.shutdown().await?;
                near.read_to_end(&mut reply).await?;
            }
            serving.await?;
            Ok(reply)
        })
    }
}

fn keep(all: &Mutex<Vec<String>>, one: String) {
    all.lock().unwrap_or_else(PoisonError::into_inner).push(one);
}

/// A study of two methods on three small photos.
fn made(at: &Path) -> io::Result<Study> {
    for (folder, error) in [("gt", 0.0), ("a", 0.05), ("b", 0.1)] {
        std::fs::create_dir_all(at.join(folder))?;
        for seed in 0..3 {
            let image = Image::<Srgb>::from_fn(32, 24, |x, y, c| {
                0.5 + 0.3 * ((x * (seed + 2) + 3 * y + 20 * c) as f32 / 9.0).sin()
                    + error * ((x + y) % 2) as f32
            });
            let path = at.join(folder).join(format!("{seed}.png"));
            write_photo(path, &Photo::new(image)).map_err(io::Error::other)?;
        }
    }
    let methods = ["a", "b"].map(|name| (name.to_string(), at.join(name)));
    let material = Material { reference: at.join("gt"), methods: methods.to_vec(), input: None };
    let settings = Settings {
        participants: 1_000_000,
        ties: true,
        ..Settings::new("Damaged requests", Design::Pairs, 1)
    };
    let folder = at.join("study");
    material.make(&folder, &settings).map_err(io::Error::other)?;
    Study::open(&folder).map_err(io::Error::other)
}

/// `request` with a body of the length that it says.
fn with_body(head: &str, body: &str) -> String {
    format!("{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

impl Target for Requests {
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let form = "Content-Type: application/x-www-form-urlencoded";
        let start = with_body(&format!("POST /start HTTP/1.1\r\n{form}"), "consent=yes");
        let mut seeds = vec![start.clone()];
        for _ in 0..PARTICIPANTS {
            let reply = String::from_utf8_lossy(&self.ask(start.as_bytes())?).into_owned();
            let link = reply.lines().find_map(|line| line.strip_prefix("location: /s/"));
            self.links.push(link.ok_or_else(|| io::Error::other(format!("no link in {reply}")))?.to_string());
        }
        let state = with_body(&format!("GET /s/{LINK}/state HTTP/1.1"), "");
        let reply = self.ask(&self.linked(state.as_bytes()))?;
        let reply = String::from_utf8_lossy(&reply).into_owned();
        let picture = reply.split('"').find_map(|text| text.split("/picture/").nth(1));
        let picture = picture.ok_or_else(|| io::Error::other(format!("no picture in {reply}")))?;
        let picture = format!("GET /s/{LINK}/picture/{picture} HTTP/1.1\r\nRange: bytes=0-9");
        let vote = format!("POST /s/{LINK}/vote HTTP/1.1\r\nContent-Type: application/json");
        seeds.push(with_body(&vote, r#"{"trial":1,"choice":1,"ms":1200}"#));
        seeds.push(with_body(&vote, r#"{"trial":2,"choice":0,"ms":18446744073709551615}"#));
        seeds.push(with_body(&picture, ""));
        seeds.push(with_body(&format!("GET /s/{LINK} HTTP/1.1"), ""));
        seeds.push(state);
        for path in ["/", "/?token=abcdefgh", "/study.css", "/study.js", "/icon.svg", "/nothing"] {
            seeds.push(with_body(&format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer abcdefgh"), ""));
        }
        let chunked = "Host: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked";
        seeds.push(format!(
            "POST /start HTTP/1.1\r\n{form}\r\n{chunked}\r\n\r\n5\r\nconse\r\n6\r\nnt=yes\r\n0\r\n\r\n"
        ));
        Ok(seeds.into_iter().map(String::into_bytes).collect())
    }

    fn words(&self) -> Vec<Vec<u8>> {
        bytes(&[
            "GET ",
            "POST ",
            "HEAD ",
            "OPTIONS * ",
            "PUT ",
            " HTTP/1.0\r\n",
            "\r\n\r\n",
            "\r\n",
            "Content-Length: ",
            "Transfer-Encoding: chunked\r\n",
            "Expect: 100-continue\r\n",
            "Connection: keep-alive\r\n",
            "Upgrade: h2c\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Host: [::1]\r\n",
            "Host: ",
            "%00",
            "%2e%2e/",
            "..",
            "%ff",
            "\"choice\":",
            "\"trial\":",
            "null",
            "[]",
            "consent=yes",
            "token=",
            "&",
            "/s/",
            "/picture/",
            "/vote",
            "/state",
        ])
    }

    fn repair(&self, input: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
        let find = |what: &[u8]| input.windows(what.len()).position(|window| window == what);
        let (Some(head), Some(field)) = (find(b"\r\n\r\n"), find(b"Content-Length: ")) else { return };
        if field < head && rng.random_bool(0.9) {
            let start = field + b"Content-Length: ".len();
            let end = input[start..].iter().position(|byte| *byte == b'\r').map_or(head, |end| end + start);
            let length = (input.len() - head - 4).to_string();
            input.splice(start..end, length.bytes());
        }
    }

    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String> {
        let request = self.linked(input);
        let reply = self.ask(&request).map_err(|error| format!("no answer: {error}"))?;
        if let Some(trouble) = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Err(format!("the server had trouble: {trouble}"));
        }
        let line = reply.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let status = String::from_utf8_lossy(line.get(9..).unwrap_or_default()).into_owned();
        match status.get(..3) {
            None => Ok(Some("closed".to_string())),
            Some("500") => Err("500: something went wrong in the server".to_string()),
            Some("200" | "303") => Ok(None),
            // Digits do not tell answers apart, these do.
            Some(code) => {
                Ok(Some(code.bytes().map(|digit| char::from(digit.wrapping_add(b'a' - b'0'))).collect()))
            }
        }
    }
}
