//! The folder of a run: where everything lies, and who may write to it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use percept_nn::model::Card;
use percept_nn::weights::StateDict;
use serde_json::Value;

use crate::config::{Config, ConfigError};

const CONFIG: &str = "config.toml";
const LOCK: &str = ".lock";
/// A process that is just ending, or that was forked and has not started its program, may hold a lock for a moment.
const PATIENCE: Duration = Duration::from_secs(1);
/// How temporary files begin that a killed process may have left behind.
const TEMPORARY: &str = ".percept-";

/// Why a run's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folder holds a run already.
    #[error("{}: this folder holds a run already; continue it with `--resume`, or choose another folder", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds files that belong to no run.
    #[error("{}: this folder holds other files ({found}); choose a new folder for the run", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// One of them.
        found: String,
    },
    /// There is nothing to resume.
    #[error("{}: this folder holds no run (no {CONFIG}); check the path, or start one with a configuration", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// Another process writes to this run.
    #[error("{}: another process is writing to this run; wait for it or stop it", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{}: {source}; check that the folder may be written to and has space", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The configuration in the folder, or the one to be put there.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The folder of a run, locked for this process as long as this value lives.
///
/// The lock is the system's: it ends with the process, however that ends.
#[derive(Debug)]
pub struct Run {
    files: RunFiles,
    _lock: File,
}

impl Run {
    /// A new run in `dir`, with its configuration written down.
    ///
    /// # Errors
    /// When the folder holds a run or other files, cannot be written, or another process just did the same.
    pub fn create(dir: impl Into<PathBuf>, config: &Config) -> Result<Self, RunError> {
        let files = RunFiles::new(dir);
        fs::create_dir_all(&files.dir).map_err(|source| files.failed(&files.dir, source))?;
        if files.config().exists() {
            return Err(RunError::Exists { path: files.dir });
        }
        if let Some(found) = files.strangers()? {
            return Err(RunError::NotEmpty { path: files.dir, found });
        }
        let run = Self::locked(files)?;
        // The other process may have been faster between the look and the lock.
        if run.files.config().exists() {
            return Err(RunError::Exists { path: run.files.dir });
        }
        run.make_folders()?;
        let text = config.to_toml()?;
        percept_image::write_atomic(run.files.config(), text.as_bytes())
            .map_err(|source| run.files.failed(&run.files.config(), source))?;
        Ok(run)
    }

    /// The run in `dir`, to be continued, and its configuration. What a killed process was still writing is
    /// removed.
    ///
    /// # Errors
    /// When there is no run, its configuration is broken, or another process writes to it.
    pub fn resume(dir: impl Into<PathBuf>) -> Result<(Self, Config), RunError> {
        let files = RunFiles::new(dir);
        if !files.config().exists() {
            return Err(RunError::NoRun { path: files.dir });
        }
        let config = Config::load(files.config())?;
        let run = Self::locked(files)?;
        run.make_folders()?;
        for dir in [run.files.dir.clone(), run.files.checkpoints(), run.files.tensorboard()] {
            for (name, path) in run.files.list(&dir)? {
                if name.starts_with(TEMPORARY) {
                    fs::remove_file(&path).map_err(|source| run.files.failed(&path, source))?;
                }
            }
        }
        Ok((run, config))
    }

    /// Where everything lies.
    pub fn files(&self) -> &RunFiles {
        &self.files
    }

    fn locked(files: RunFiles) -> Result<Self, RunError> {
        let path = files.dir.join(LOCK);
        let lock = File::options().create(true).append(true).open(&path);
        let lock = lock.map_err(|source| files.failed(&path, source))?;
        let patience = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { files, _lock: lock }),
                Err(TryLockError::WouldBlock) if patience.elapsed() < PATIENCE => {
                    std::thread::sleep(PATIENCE / 20);
                }
                Err(TryLockError::WouldBlock) => return Err(RunError::Locked { path: files.dir }),
                Err(TryLockError::Error(source)) => return Err(files.failed(&path, source)),
            }
        }
    }

    fn make_folders(&self) -> Result<(), RunError> {
        let make = |dir: PathBuf| fs::create_dir_all(&dir).map_err(|source| self.files.failed(&dir, source));
        make(self.files.checkpoints())?;
        make(self.files.tensorboard())
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is in its folder.
    New,
    /// It has begun; so many steps are behind the model in its folder, 0 where there is none.
    Begun(u64),
    /// Nothing is left to do: all steps and the last validation are done, and the model is saved.
    Finished,
}

impl Standing {
    /// Of the run that `config` describes, by what lies in its folder.
    pub fn of(config: &Config) -> Self {
        let files = RunFiles::new(config.run_dir());
        if !files.config().exists() {
            return Self::New;
        }
        // A model that is no good is written again by whoever goes on with the run.
        let card = || -> Option<Card> {
            let state = StateDict::load(&files.model()).ok()?;
            serde_json::from_str(state.metadata().get(Card::KEY)?).ok()
        };
        let (iter, total) = (card().map_or(0, |card| card.iter), config.train.total_iter);
        let validated = || {
            let log = fs::read_to_string(files.log()).unwrap_or_default();
            let mut lines = log.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.any(|line| line.get("val").is_some() && line.get("iter") == Some(&total.into()))
        };
        match iter >= total && (config.datasets.val.is_none() || validated()) {
            true => Self::Finished,
            false => Self::Begun(iter),
        }
    }
}

/// Where everything of a run lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFiles {
    dir: PathBuf,
}

impl RunFiles {
    /// The files of a run in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The configuration as used, all defaults written out.
    pub fn config(&self) -> PathBuf {
        self.dir.join(CONFIG)
    }

    /// Losses, learning rate and scores, one JSON object a line.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log.jsonl")
    }

    /// The selection over time, one JSON object a line.
    pub fn selection(&self) -> PathBuf {
        self.dir.join("selection.jsonl")
    }

    /// The folder of event files.
    pub fn tensorboard(&self) -> PathBuf {
        self.dir.join("tb")
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.dir.join("checkpoints")
    }

    /// The newest network alone.
    pub fn model(&self) -> PathBuf {
        self.dir.join("model.safetensors")
    }

    /// A validation target.
    pub fn val_gt(&self, name: &str) -> PathBuf {
        self.val("gt", name)
    }

    /// The distorted input of a validation photo, at the target's size.
    pub fn val_lq(&self, name: &str) -> PathBuf {
        self.val("lq", name)
    }

    /// A restored validation photo.
    pub fn val_image(&self, iter: u64, name: &str) -> PathBuf {
        self.val(&format!("iter_{iter:08}"), name)
    }

    /// The batch of a step that could not be made.
    pub fn failed_batch(&self, iter: u64) -> PathBuf {
        self.dir.join(format!("failed_batch_{iter:08}.safetensors"))
    }

    /// The report.
    pub fn report(&self) -> PathBuf {
        self.dir.join("report.html")
    }

    fn val(&self, kind: &str, name: &str) -> PathBuf {
        self.dir.join("val").join(kind).join(format!("{name}.png"))
    }

    fn failed(&self, path: &Path, source: io::Error) -> RunError {
        RunError::Io { path: path.to_path_buf(), source }
    }

    /// Names and paths of what a folder holds.
    fn list(&self, dir: &Path) -> Result<Vec<(String, PathBuf)>, RunError> {
        let failed = |source| self.failed(dir, source);
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.push((name, path));
        }
        found.sort();
        Ok(found)
    }

    /// A file in the folder that a run killed at its very start cannot have left behind.
    fn strangers(&self) -> Result<Option<String>, RunError> {
        let ours = |name: &str| name == LOCK || name.starts_with(TEMPORARY);
        let empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        let mut found = self.list(&self.dir)?.into_iter();
        Ok(found.find(|(name, path)| !ours(name) && !empty(path)).map(|(name, _)| name))
    }
}
