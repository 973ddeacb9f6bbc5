//! What a run leaves on disk while it goes: lines of JSON, and event files for TensorBoard.

mod crc32c;
mod event;
mod jsonl;
mod recorder;
mod tensorboard;

use std::io;
use std::path::{Path, PathBuf};

pub use jsonl::JsonLog;
pub(crate) use recorder::Recorder;
pub use tensorboard::TensorBoard;

/// A log that could not be opened or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: the log cannot be written: {source}; check the folder and the free space", path.display())]
pub struct LogError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl LogError {
    fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self { path: path.clone(), source }
    }
}
