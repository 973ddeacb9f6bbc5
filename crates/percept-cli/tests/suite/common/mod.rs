//! Running the real binary.
#![allow(dead_code, reason = "each test file uses a part")]

pub mod served;
pub mod study;

use std::path::Path;
use std::process::{Command, Output};

/// The binary with its arguments, without the user's own weights.
pub fn percept(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_percept"));
    command.args(args).env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR")).env("NO_COLOR", "1");
    command
}

/// Runs it to its end.
pub fn run(args: &[&str]) -> Run {
    let Output { status, stdout, stderr } = percept(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Fails unless the exit code is `code`.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.err.contains("panicked"), "{self:#?}");
        self
    }

    /// Fails unless stderr has every part.
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "no `{part}` in {self:#?}");
        }
        self
    }

    /// Fails unless stdout has every part.
    pub fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.out.contains(part), "no `{part}` in {self:#?}");
        }
        self
    }
}

/// The path as an argument.
pub fn arg(path: &Path) -> &str {
    path.to_str().unwrap()
}
