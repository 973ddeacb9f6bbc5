//! Checkpoints: everything that resume needs in one safetensors file, the newest two kept.

use std::path::{Path, PathBuf};
use std::{fs, io};

use percept_nn::weights::{StateDict, WeightError, sha256_hex};
use serde_json::Value;

const ITER: &str = "iter";
const CARD: &str = "card";
const SHA256: &str = "sha256";

/// A run at the end of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The last step that was done.
    pub iter: u64,
    /// What the run is: architecture, task, losses, seed, … for whoever finds the file.
    pub card: Value,
    /// All arrays, in sections by prefix (`network_g.`, `optimizer_g.`, …).
    pub state: StateDict,
}

/// Why a checkpoint was not saved or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file could not be written: a full disk, a folder that went away. Older checkpoints are untouched.
    #[error(transparent)]
    Write(WeightError),
    /// The folder of checkpoints could not be listed or made.
    #[error("{}: {source}; check that the run's folder exists and may be written to", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is cut off, or its content is not what was written.
    #[error("{}: the checkpoint is damaged ({reason}); delete it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it shows.
        reason: String,
    },
}

/// A checkpoint that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The file.
    pub path: PathBuf,
    /// How the damage shows.
    pub reason: String,
}

/// The newest sound checkpoint of a run, and the newer ones that are not sound.
#[derive(Clone, Debug)]
pub struct Latest {
    /// `None` where there is no sound one.
    pub checkpoint: Option<Checkpoint>,
    /// Newer files that are damaged, newest first: to be said aloud.
    pub damaged: Vec<Damaged>,
}

impl From<Damaged> for CheckpointError {
    fn from(Damaged { path, reason }: Damaged) -> Self {
        Self::Damaged { path, reason }
    }
}

impl Checkpoint {
    /// Reads and verifies one file.
    ///
    /// # Errors
    /// When the file is damaged, in whatever way.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |reason: String| CheckpointError::Damaged { path: path.to_path_buf(), reason };
        let state = StateDict::load(path).map_err(|error| damaged(error.to_string()))?;
        let entry = |key: &str| {
            state
                .metadata()
                .get(key)
                .cloned()
                .ok_or_else(|| damaged(format!("it says nothing about `{key}`")))
        };
        let iter = entry(ITER)?.parse().map_err(|_| damaged("its step is no number".to_string()))?;
        let (card, sum) = (entry(CARD)?, entry(SHA256)?);
        if digest(iter, &card, &state) != sum {
            return Err(damaged("its content does not have the sha256 that was written with it".to_string()));
        }
        let card = serde_json::from_str(&card).map_err(|error| damaged(format!("its card: {error}")))?;
        let mut arrays = StateDict::new();
        arrays.extend_prefixed("", state);
        Ok(Self { iter, card, state: arrays.with_origin(&path.display().to_string()) })
    }
}

/// The folder of a run's checkpoints.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    dir: PathBuf,
}

impl Checkpoints {
    /// The checkpoints in `dir`, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Writes a checkpoint (to a temporary file, synced, then renamed) and after that removes all but the newest `keep`.
    /// Files of later steps, which a damaged end of the run has left behind, go too.
    ///
    /// # Errors
    /// When it could not be written; the older ones are all still there then.
    pub fn save(&self, checkpoint: Checkpoint, keep: usize) -> Result<PathBuf, CheckpointError> {
        let Checkpoint { iter, card, mut state } = checkpoint;
        fs::create_dir_all(&self.dir).map_err(|source| self.failed(source))?;
        let path = self.dir.join(format!("{iter:08}.safetensors"));
        let card = card.to_string();
        state.set_metadata(SHA256, &digest(iter, &card, &state));
        state.set_metadata(ITER, &iter.to_string());
        state.set_metadata(CARD, &card);
        state.save(&path).map_err(CheckpointError::Write)?;
        let (later, mut kept): (Vec<_>, Vec<_>) = self.list()?.into_iter().partition(|(at, _)| *at > iter);
        let old = kept.split_off(keep.max(1).min(kept.len()));
        for (_, path) in later.into_iter().chain(old) {
            // One that cannot be removed does no harm, and the next save tries again.
            let _ = fs::remove_file(path);
        }
        Ok(path)
    }

    /// The newest sound checkpoint, if there is any, and what was passed over for it.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn latest(&self) -> Result<Latest, CheckpointError> {
        let mut damaged = Vec::new();
        for (iter, path) in self.list()? {
            match Checkpoint::load(&path) {
                Ok(checkpoint) if checkpoint.iter == iter => {
                    return Ok(Latest { checkpoint: Some(checkpoint), damaged });
                }
                Ok(checkpoint) => {
                    let reason = format!("it holds step {}, not the one of its name", checkpoint.iter);
                    damaged.push(Damaged { path, reason });
                }
                Err(CheckpointError::Damaged { path, reason }) => damaged.push(Damaged { path, reason }),
                Err(error) => return Err(error),
            }
        }
        Ok(Latest { checkpoint: None, damaged })
    }

    /// Steps and files, newest first.
    fn list(&self) -> Result<Vec<(u64, PathBuf)>, CheckpointError> {
        let mut files = Vec::new();
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
            Err(error) => return Err(self.failed(error)),
        };
        for entry in entries {
            let path = entry.map_err(|source| self.failed(source))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let iter = name.and_then(|name| name.strip_suffix(".safetensors")?.parse().ok());
            files.extend(iter.map(|iter| (iter, path)));
        }
        files.sort_by(|a, b| b.cmp(a));
        Ok(files)
    }

    fn failed(&self, source: io::Error) -> CheckpointError {
        CheckpointError::Folder { path: self.dir.clone(), source }
    }
}

/// The sha256 of step, card and all arrays.
fn digest(iter: u64, card: &str, state: &StateDict) -> String {
    sha256_hex(format!("{iter} {} {card}", state.sha256()).as_bytes())
}
