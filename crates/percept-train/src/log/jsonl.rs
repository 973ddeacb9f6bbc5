//! A file of JSON objects, one a line, in the order of the steps.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::LogError;

/// A log whose lines each carry the step (`iter`) that they belong to.
#[derive(Debug)]
pub struct JsonLog {
    path: PathBuf,
    file: File,
}

/// What every line holds.
#[derive(Deserialize)]
struct Stamp {
    iter: u64,
}

impl JsonLog {
    /// Opens or makes the file for a run that stands at the end of step `iter` (0 for a new one). Lines of
    /// later steps, and a line that was cut off, are removed, so that no step appears twice.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: impl Into<PathBuf>, iter: u64) -> Result<Self, LogError> {
        let path = path.into();
        let file = File::options().create(true).read(true).append(true).open(&path);
        let file = file.and_then(|file| {
            let keep = sound_length(&file, iter)?;
            if keep < file.metadata()?.len() {
                file.set_len(keep)?;
                file.sync_all()?;
            }
            Ok(file)
        });
        Ok(Self { file: file.map_err(LogError::at(&path))?, path })
    }

    /// Adds one line; `value` must be an object with `iter`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(&mut self, value: &impl Serialize) -> Result<(), LogError> {
        let line = serde_json::to_string(value).map_err(io::Error::from);
        // One write a line: a kill leaves whole lines, or one that the next opening removes.
        let written = line.and_then(|line| self.file.write_all(format!("{line}\n").as_bytes()));
        written.map_err(LogError::at(&self.path))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Bytes of the whole lines up to and including step `iter`.
fn sound_length(file: &File, iter: u64) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let (mut keep, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line)?;
        let stamp = serde_json::from_slice::<Stamp>(&line);
        if !line.ends_with(b"\n") || stamp.is_ok_and(|stamp| stamp.iter > iter) {
            return Ok(keep);
        }
        keep += bytes as u64;
    }
}
