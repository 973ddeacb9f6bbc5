//! Where everything of a run lies.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Config, RunError};

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const LOCK: &str = ".lock";
/// How temporary files begin that a killed process may have left behind.
pub(crate) const TEMPORARY: &str = ".percept-";
/// How folders of restored validation photos begin.
const ITER: &str = "iter_";

/// Where everything of a run lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFiles {
    dir: PathBuf,
}

impl RunFiles {
    /// The folder of validation targets.
    pub const GT: &str = "gt";
    /// The folder of distorted inputs.
    pub const LQ: &str = "lq";

    /// The folder of what was restored at a step.
    pub fn iter(iter: u64) -> String {
        format!("{ITER}{iter:08}")
    }

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

    /// The configuration in the folder, with this folder as the run's: it may have been moved since.
    ///
    /// # Errors
    /// When there is no run here, or its configuration is broken.
    pub fn read_config(&self) -> Result<Config, RunError> {
        if !self.config().is_file() {
            return Err(RunError::NoRun { path: self.dir.clone() });
        }
        let mut config = Config::load(self.config())?;
        config.path.run = Some(self.dir.clone());
        Ok(config)
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

    /// The network that was best by `val.save_best`, where one is kept.
    pub fn best_model(&self) -> PathBuf {
        self.dir.join("model_best.safetensors")
    }

    /// A validation target.
    pub fn val_gt(&self, name: &str) -> PathBuf {
        self.val(Self::GT, name)
    }

    /// The distorted input of a validation photo, at the target's size.
    pub fn val_lq(&self, name: &str) -> PathBuf {
        self.val(Self::LQ, name)
    }

    /// A restored validation photo.
    pub fn val_image(&self, iter: u64, name: &str) -> PathBuf {
        self.val(&Self::iter(iter), name)
    }

    /// The folder of validation photos of one kind: `gt`, `lq`, or the restored ones of a step.
    pub fn val_folder(&self, kind: &str) -> PathBuf {
        self.dir.join("val").join(kind)
    }

    /// The steps at which validation photos were restored, in no order.
    pub fn val_iters(&self) -> Vec<u64> {
        let folders = fs::read_dir(self.dir.join("val")).into_iter().flatten().filter_map(Result::ok);
        let iter = |folder: fs::DirEntry| folder.file_name().to_str()?.strip_prefix(ITER)?.parse().ok();
        folders.filter_map(iter).collect()
    }

    /// The scores that judging keeps beside a run.
    pub fn scores(&self) -> PathBuf {
        self.dir.join("scores.json")
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
        self.val_folder(kind).join(format!("{name}.png"))
    }

    /// Names and paths of what a folder holds.
    pub(crate) fn list(&self, dir: &Path) -> Result<Vec<(String, PathBuf)>, RunError> {
        let failed = |source| RunError::io(dir, source);
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
    pub(crate) fn strangers(&self) -> Result<Option<String>, RunError> {
        let ours = |name: &str| name == LOCK || name.starts_with(TEMPORARY);
        let empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        let mut found = self.list(&self.dir)?.into_iter();
        Ok(found.find(|(name, path)| !ours(name) && !empty(path)).map(|(name, _)| name))
    }
}
