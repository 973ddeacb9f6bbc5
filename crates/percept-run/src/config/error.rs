//! What can be wrong with a configuration.

use std::path::PathBuf;

/// Why a configuration was refused. Every message says where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read {}: {source}; check the path, or write a configuration with `percept init`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is no TOML, a key is missing, or a value has the wrong type.
    #[error("{origin}: {problem}; `percept schema` says what every key holds")]
    Malformed {
        /// The file and the line.
        origin: String,
        /// What is wrong.
        problem: String,
    },
    /// A key that means nothing here.
    #[error("{origin}: unknown key `{key}`; {advice}")]
    UnknownKey {
        /// The file and the line.
        origin: String,
        /// The whole key, `datasets.train.gt_sise`.
        key: String,
        /// The nearest known key, or all of them.
        advice: String,
    },
    /// A value outside of its range, or one that contradicts another.
    #[error("{origin}: `{key}` {problem}")]
    Value {
        /// The file and, where the key is in it, the line.
        origin: String,
        /// The whole key.
        key: String,
        /// What it must be, and what it is.
        problem: String,
    },
    /// The configuration cannot be written as TOML.
    #[error("the configuration cannot be written: {problem}; use paths that are plain text")]
    Write {
        /// What the writer said.
        problem: String,
    },
}

impl ConfigError {
    /// A complaint of the TOML reader about `text`.
    pub(super) fn from_toml(error: &toml::de::Error, text: &str, origin: &str) -> Self {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Self::Malformed { origin: format!("{origin}:{line}"), problem: error.message().replace('\n', ", ") }
    }
}

/// The line, counted from 1, of a byte of `text`.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
