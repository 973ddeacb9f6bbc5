//! What was measured of the models inside: scores and times, in a file that commands make and the binary carries.

use std::path::Path;

use percept_image::write_atomic;
use percept_judge::bench::Row;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// `models/measured.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Made by `percept models bench`.
    pub scores: Vec<Row>,
    /// Made by `percept models time`.
    pub time: Vec<Time>,
}

/// How long `percept apply` takes for a photo, from its start to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Time {
    pub model: String,
    pub width: usize,
    pub height: usize,
    pub seconds: f64,
    /// The most memory that it had at any moment, in megabytes; where the system says it.
    pub megabytes: Option<f64>,
    pub threads: usize,
    pub processor: String,
}

/// What the binary carries.
static BUNDLED: &str = include_str!("../../../../../models/measured.json");

impl Time {
    /// Millions of pixels of the photo.
    pub fn megapixels(&self) -> f64 {
        (self.width * self.height) as f64 / 1e6
    }
}

impl Measured {
    /// What the binary carries.
    pub fn bundled() -> Self {
        serde_json::from_str(BUNDLED).unwrap_or_default()
    }

    /// Changes the file at `path`, or begins it.
    pub fn change(path: &Path, change: impl FnOnce(&mut Self)) -> Result<(), Failure> {
        let failed = |error: String| {
            Failure::work(format!("{}: {error}; choose another file as --save", path.display()))
        };
        let mut measured = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(failed(error.to_string())),
        };
        change(&mut measured);
        let text = serde_json::to_string_pretty(&measured).map_err(Failure::work)? + "\n";
        write_atomic(path, text.as_bytes()).map_err(|error| failed(error.to_string()))
    }

    /// The scores of a model on the set that comes first, by what was to be undone.
    pub fn scores_of<'a>(&'a self, model: &'a str) -> impl Iterator<Item = &'a Row> {
        let set = self.scores.first().map(|row| row.set.as_str());
        self.scores.iter().filter(move |row| row.model == model && Some(row.set.as_str()) == set)
    }

    /// Seconds for a megapixel, by the smallest photo that was measured.
    pub fn seconds_of(&self, model: &str) -> Option<f64> {
        let own = self.time.iter().filter(|time| time.model == model);
        let small = own.min_by_key(|time| time.width * time.height)?;
        Some(small.seconds / small.megapixels())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_in_the_binary_is_sound_and_of_models_that_are_inside() {
        let measured: Measured = serde_json::from_str(BUNDLED).unwrap();
        let known = |model: &str| {
            ["bicubic", "input"].contains(&model)
                || crate::bundle::MODELS.iter().any(|inside| inside.name == model)
        };
        if !crate::bundle::MODELS.is_empty() {
            assert!(measured.scores.iter().all(|row| known(&row.model)));
            assert!(measured.time.iter().all(|time| known(&time.model)));
        }
    }
}
