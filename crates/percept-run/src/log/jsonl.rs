//! A file of JSON objects, one a line, in the order of the steps.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

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
    /// About the file at `path`.
    pub fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self { path: path.clone(), source }
    }
}

/// A log whose lines each carry the step (`iter`) that they belong to.
#[derive(Debug)]
pub struct JsonLog {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
}

/// What every line holds.
#[derive(Deserialize)]
struct Stamp {
    iter: u64,
    /// There in the line of a validation.
    val: Option<IgnoredAny>,
}

impl JsonLog {
    /// Opens or makes the file for a run that stands at the end of step `iter` (0 for a new one) and has validated up to
    /// step `validated`. What lies beyond, and a line that was cut off, is removed, so that nothing appears twice.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: impl Into<PathBuf>, iter: u64, validated: u64) -> Result<Self, LogError> {
        let path = path.into();
        let open = || {
            let file = File::options().create(true).read(true).append(true).open(&path)?;
            let length = sound_length(&file, iter, validated)?;
            if length < file.metadata()?.len() {
                file.set_len(length)?;
                file.sync_all()?;
            }
            Ok((file, length))
        };
        let (file, length) = open().map_err(LogError::at(&path))?;
        Ok(Self { path, file, length })
    }

    /// Adds one line; `line` must be an object with `iter`. A part of it that fits on a full disk is taken back, so that
    /// the next line does not stick to it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(&mut self, line: &impl Serialize) -> Result<(), LogError> {
        let text = serde_json::to_string(line).map(|text| text + "\n").map_err(io::Error::from);
        let mut write = |text: String| {
            // A part that an earlier failure could not take back.
            if self.file.metadata()?.len() > self.length {
                self.file.set_len(self.length)?;
            }
            let written = self.file.write_all(text.as_bytes());
            match written {
                Ok(()) => self.length += text.len() as u64,
                Err(_) => self.file.set_len(self.length)?,
            }
            written
        };
        text.and_then(&mut write).map_err(LogError::at(&self.path))
    }

    /// Waits until all lines are on the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&self) -> Result<(), LogError> {
        self.file.sync_data().map_err(LogError::at(&self.path))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Bytes of the whole lines up to and including step `iter`, and of validations `validated`.
fn sound_length(file: &File, iter: u64, validated: u64) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let (mut keep, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line)?;
        let stamp = serde_json::from_slice::<Stamp>(&line);
        let beyond = |stamp: Stamp| stamp.iter > if stamp.val.is_some() { validated.min(iter) } else { iter };
        if !line.ends_with(b"\n") || stamp.is_ok_and(beyond) {
            return Ok(keep);
        }
        keep += bytes as u64;
    }
}
