//! Scores that an earlier call computed, found again by the content of the pictures.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use percept_image::Metric;
use sha2::{Digest, Sha256};

/// What a score is found by.
pub(crate) type Key = [u8; 32];

/// Bytes from which on a file is begun anew: some 600 000 scores.
const MOST: u64 = 50 << 20;

/// A file that keeps every score as soon as it is computed, so that work that was stopped goes on where it was. A score is found
/// by the content of both pictures, by name and protocol of the metric, and by what computed it.
#[derive(Debug)]
pub struct Kept {
    maker: String,
    known: HashMap<Key, f64>,
    file: Mutex<File>,
}

impl Kept {
    /// Opens the file, or begins it, with its folder. `maker` says what computes: program, version, device. Scores of another
    /// one are not taken.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path, maker: impl Into<String>) -> std::io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let anew = path.metadata().is_ok_and(|data| data.len() > MOST);
        let text = if anew || !path.exists() { Vec::new() } else { std::fs::read(path)? };
        let mut file = match anew {
            true => File::create(path)?,
            false => OpenOptions::new().create(true).append(true).open(path)?,
        };
        if text.last().is_some_and(|last| *last != b'\n') {
            // A line that a kill cut off: it is no score, and the next one begins below it.
            file.write_all(b"\n")?;
        }
        let known = text.split(|byte| *byte == b'\n').filter_map(line).collect();
        Ok(Self { maker: maker.into(), known, file: Mutex::new(file) })
    }

    /// The content of a file; none where it cannot be read.
    pub(crate) fn content(path: &Path) -> Option<Key> {
        Some(Sha256::digest(std::fs::read(path).ok()?).into())
    }

    /// What the score of two contents is found by: of the picture's alone where no reference is looked at. None of a score that a
    /// run selected, whose protocol does not tell its weights.
    pub(crate) fn key(&self, metric: &dyn Metric, reference: Key, picture: Key) -> Option<Key> {
        if metric.name().starts_with("selected:") {
            return None;
        }
        let mut digest = Sha256::new();
        for text in [&self.maker, metric.name(), &metric.protocol()] {
            digest.update(text);
            digest.update([0]);
        }
        digest.update(if metric.needs_reference() { reference } else { picture });
        digest.update(picture);
        Some(digest.finalize().into())
    }

    pub(crate) fn get(&self, key: Key) -> Option<f64> {
        self.known.get(&key).copied()
    }

    /// Keeps scores for the next call. Where they cannot be written they are lost, and no more.
    pub(crate) fn add(&self, scores: &[(Key, f64)]) {
        let text = |(key, value): &(Key, f64)| {
            let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{key} {:016x}\n", value.to_bits())
        };
        let text: String = scores.iter().map(text).collect();
        // One call, so that lines of several programs do not mix.
        let _ = self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes());
    }
}

/// A key and the bits of a number, in hexadecimal digits; none of another line.
fn line(line: &[u8]) -> Option<(Key, f64)> {
    let (key, bits) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    if key.len() != 64 || bits.len() != 16 || !key.is_ascii() {
        return None;
    }
    let mut out = Key::default();
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(key.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some((out, f64::from_bits(u64::from_str_radix(bits, 16).ok()?)))
}
