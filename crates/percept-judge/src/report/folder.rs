//! One run, as its folder tells it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use percept_image::{list_photos, photo_name};
use percept_nn::backbone::BackboneConfig;
use percept_nn::disentangle::SelectionConfig;
use percept_nn::loss::Term;
use percept_run::log::{History, SelectionLine, all_selections};
use percept_run::{Config, RunFiles};

use super::ReportError;

/// A run that is shown.
#[derive(Debug)]
pub(super) struct RunFolder {
    pub(super) files: RunFiles,
    /// Unique among the runs of a report.
    pub(super) name: String,
    pub(super) config: Config,
    /// The configuration as its file has it.
    pub(super) source: String,
    pub(super) history: History,
    pub(super) selections: Vec<Selected>,
    /// The step at which the photos were restored.
    pub(super) iter: u64,
    /// When they were.
    pub(super) time: Option<SystemTime>,
    /// Restored photos by name.
    pub(super) restored: BTreeMap<String, PathBuf>,
    /// Targets by name.
    pub(super) targets: BTreeMap<String, PathBuf>,
    /// Distorted inputs at the targets' size, by name.
    pub(super) inputs: BTreeMap<String, PathBuf>,
}

impl RunFolder {
    pub(super) fn read(path: &Path) -> Result<Self, ReportError> {
        let files = RunFiles::new(path);
        let config = files.read_config()?;
        let (iter, restored) =
            newest(&files).ok_or_else(|| ReportError::NoPhotos { path: path.to_path_buf() })?;
        let time = restored.values().next().and_then(|path| fs::metadata(path).ok()?.modified().ok());
        let unread = |path: PathBuf| move |source| ReportError::Read { path, source };
        Ok(Self {
            name: config.name.clone(),
            source: fs::read_to_string(files.config()).map_err(unread(files.config()))?,
            history: History::read(&files.log()).map_err(unread(files.log()))?,
            selections: all_selections(&files.selection())
                .map_err(unread(files.selection()))?
                .into_iter()
                .filter_map(|moments| Selected::of(&config, moments))
                .collect(),
            iter,
            time,
            restored,
            targets: photos(&files.val_folder(RunFiles::GT)),
            inputs: photos(&files.val_folder(RunFiles::LQ)),
            config,
            files,
        })
    }

    /// The terms of its loss that select.
    pub(super) fn selecting(&self) -> impl Iterator<Item = &Term> {
        self.config.train.losses.iter().filter(|term| term.loss.selection().is_some())
    }
}

/// The selection of a term of the loss.
#[derive(Debug)]
pub(super) struct Selected {
    /// The term.
    pub(super) term: String,
    /// Its settings; `None` where the configuration has none any more.
    pub(super) config: Option<SelectionConfig>,
    /// The frozen network in whose features channels are selected.
    pub(super) backbone: BackboneConfig,
    /// Where it stands.
    pub(super) last: SelectionLine,
    /// From the first step to the last.
    pub(super) moments: Vec<SelectionLine>,
}

impl Selected {
    fn of(config: &Config, moments: Vec<SelectionLine>) -> Option<Self> {
        let last = moments.last()?.clone();
        // Logs of before there was a list of terms name none.
        let named = config.train.losses.iter().find(|term| term.name == last.term);
        let term = named.or(config.train.selecting());
        Some(Self {
            term: last.term.clone(),
            config: term.and_then(|term| term.loss.selection()).cloned(),
            backbone: term.and_then(|term| term.loss.backbone()).unwrap_or_default(),
            last,
            moments,
        })
    }
}

/// Gives every run a name that no other one has: the configured one, its folder's, or the first with more and more of
/// the path.
pub(super) fn name_apart(runs: &mut [RunFolder]) {
    let names = |level: usize, run: &RunFolder| {
        let parts: Vec<String> = run
            .files
            .dir()
            .components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        match level {
            0 => run.name.clone(),
            _ => parts.get(parts.len().saturating_sub(level)..).unwrap_or_default().join("/"),
        }
    };
    let deepest = runs.iter().map(|run| run.files.dir().components().count()).max().unwrap_or(0);
    for level in 0..=deepest {
        let mut all: Vec<String> = runs.iter().map(|run| names(level, run)).collect();
        let candidates = all.clone();
        all.sort();
        all.dedup();
        if all.len() == runs.len() && !all.iter().any(String::is_empty) {
            runs.iter_mut().zip(candidates).for_each(|(run, name)| run.name = name);
            return;
        }
    }
    runs.iter_mut().enumerate().for_each(|(at, run)| run.name = format!("run {}", at + 1));
}

/// The newest of the most complete validations: a killed one may have left a part.
fn newest(files: &RunFiles) -> Option<(u64, BTreeMap<String, PathBuf>)> {
    let iters = files.val_iters().into_iter();
    let restored = iters.map(|iter| (iter, photos(&files.val_folder(&RunFiles::iter(iter)))));
    restored.filter(|(_, photos)| !photos.is_empty()).max_by_key(|(iter, photos)| (photos.len(), *iter))
}

/// The photos of a folder by name; none where there is no such folder.
fn photos(folder: &Path) -> BTreeMap<String, PathBuf> {
    let paths = list_photos(folder).unwrap_or_default().into_iter();
    paths.map(|path| (photo_name(&path), path)).collect()
}
