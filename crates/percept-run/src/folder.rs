//! The folder of a run: who may write to it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::files::{CONFIG, LOCK, TEMPORARY};
use crate::{Config, ConfigError, RunFiles};

/// A process that is just ending, or that was forked and has not started its program, may hold a lock for a moment.
const PATIENCE: Duration = Duration::from_secs(1);

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

impl RunError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }
}

impl Run {
    /// A new run in `dir`, with its configuration written down.
    ///
    /// # Errors
    /// When the folder holds a run or other files, cannot be written, or another process just did the same.
    pub fn create(dir: impl Into<PathBuf>, config: &Config) -> Result<Self, RunError> {
        let files = RunFiles::new(dir);
        fs::create_dir_all(files.dir()).map_err(|source| RunError::io(files.dir(), source))?;
        if files.config().exists() {
            return Err(RunError::Exists { path: files.dir().to_path_buf() });
        }
        if let Some(found) = files.strangers()? {
            return Err(RunError::NotEmpty { path: files.dir().to_path_buf(), found });
        }
        let run = Self::locked(files)?;
        // The other process may have been faster between the look and the lock.
        if run.files.config().exists() {
            return Err(RunError::Exists { path: run.files.dir().to_path_buf() });
        }
        run.make_folders()?;
        run.write_config(config)?;
        Ok(run)
    }

    /// Writes the configuration down, over the one that is there.
    ///
    /// # Errors
    /// When it cannot be written; the old one is still there then.
    pub fn write_config(&self, config: &Config) -> Result<(), RunError> {
        let (text, path) = (config.to_toml()?, self.files.config());
        percept_image::write_atomic(&path, text.as_bytes()).map_err(|source| RunError::io(&path, source))
    }

    /// The run in `dir`, to be continued, and its configuration. What a killed process was still writing is
    /// removed.
    ///
    /// # Errors
    /// When there is no run, its configuration is broken, or another process writes to it.
    pub fn resume(dir: impl Into<PathBuf>) -> Result<(Self, Config), RunError> {
        let files = RunFiles::new(dir);
        let config = files.read_config()?;
        let run = Self::locked(files)?;
        run.make_folders()?;
        for dir in [run.files.dir().to_path_buf(), run.files.checkpoints(), run.files.tensorboard()] {
            for (name, path) in run.files.list(&dir)? {
                if name.starts_with(TEMPORARY) {
                    fs::remove_file(&path).map_err(|source| RunError::io(&path, source))?;
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
        let path = files.dir().join(LOCK);
        let lock = File::options().create(true).append(true).open(&path);
        let lock = lock.map_err(|source| RunError::io(&path, source))?;
        let patience = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { files, _lock: lock }),
                Err(TryLockError::WouldBlock) if patience.elapsed() < PATIENCE => {
                    std::thread::sleep(PATIENCE / 20);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(RunError::Locked { path: files.dir().to_path_buf() });
                }
                Err(TryLockError::Error(source)) => return Err(RunError::io(&path, source)),
            }
        }
    }

    fn make_folders(&self) -> Result<(), RunError> {
        let make = |dir: PathBuf| fs::create_dir_all(&dir).map_err(|source| RunError::io(&dir, source));
        make(self.files.checkpoints())?;
        make(self.files.tensorboard())
    }
}
