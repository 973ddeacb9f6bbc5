//! Requests to a page that the real binary serves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::percept;

/// The real binary serving a page, until it is dropped.
pub struct Served {
    pub child: Child,
    /// What it printed.
    pub url: String,
    /// Host and port.
    pub host: String,
}

impl Served {
    /// What these arguments serve.
    pub fn of(args: &[&str]) -> Self {
        Self::with(percept(args))
    }

    pub fn with(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim_end().to_string();
        let host = url.strip_prefix("http://").unwrap_or_else(|| panic!("no address: `{url}`"));
        let host = host.split('/').next().unwrap().to_string();
        Self { child, host, url }
    }

    /// Ends as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "")
    }

    pub fn post(&self, path: &str, kind: &str, body: impl AsRef<[u8]>) -> Reply {
        self.send("POST", path, &[("Content-Type", kind)], body)
    }

    /// One request on a connection of its own.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
        self.try_send(method, path, headers, body).unwrap()
    }

    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> std::io::Result<Reply> {
        let body = body.as_ref();
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let own = [("Host", self.host.as_str())];
        let host = if headers.iter().any(|(name, _)| *name == "Host") { &own[..0] } else { &own[..] };
        for (name, value) in host.iter().chain(headers) {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n", body.len());
        let mut stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        // A server that refuses a body may close before it has read all of it.
        let _ = stream.write_all(&[request.as_bytes(), body].concat());
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
