//! One run, as its folder tells it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use percept_image::list_photos;

use super::ReportError;
use super::log::{self, Log, Moment};
use super::settings::Settings;

/// A run.
#[derive(Debug)]
pub(super) struct RunFolder {
    pub(super) path: PathBuf,
    /// Unique among the runs of a report.
    pub(super) name: String,
    pub(super) settings: Settings,
    pub(super) log: Log,
    pub(super) selection: Vec<Moment>,
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
        let config = path.join("config.toml");
        if !config.is_file() {
            return Err(ReportError::NoRun { path: path.to_path_buf() });
        }
        let settings = Settings::read(&config)?;
        let val = path.join("val");
        let (iter, restored) =
            newest(&val).ok_or_else(|| ReportError::NoPhotos { path: path.to_path_buf() })?;
        let time = restored.values().next().and_then(|path| fs::metadata(path).ok()?.modified().ok());
        Ok(Self {
            path: path.to_path_buf(),
            name: settings.text("name").unwrap_or_default(),
            settings,
            log: Log::read(&path.join("log.jsonl"))?,
            selection: log::selection(&path.join("selection.jsonl"))?,
            iter,
            time,
            restored,
            targets: photos(&val.join("gt")),
            inputs: photos(&val.join("lq")),
        })
    }
}

/// Gives every run a name that no other one has: the configured one, its folder's, or the first with more and more of
/// the path.
pub(super) fn name_apart(runs: &mut [RunFolder]) {
    let names = |level: usize, run: &RunFolder| {
        let parts: Vec<String> =
            run.path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        match level {
            0 => run.name.clone(),
            _ => parts.get(parts.len().saturating_sub(level)..).unwrap_or_default().join("/"),
        }
    };
    let deepest = runs.iter().map(|run| run.path.components().count()).max().unwrap_or(0);
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
fn newest(val: &Path) -> Option<(u64, BTreeMap<String, PathBuf>)> {
    let folders = fs::read_dir(val).ok()?.filter_map(Result::ok);
    let iterations = folders.filter_map(|folder| {
        let iter = folder.file_name().to_str()?.strip_prefix("iter_")?.parse().ok()?;
        Some((iter, photos(&folder.path())))
    });
    iterations.filter(|(_, photos)| !photos.is_empty()).max_by_key(|(iter, photos)| (photos.len(), *iter))
}

/// The photos of a folder by name; none where there is no such folder.
fn photos(folder: &Path) -> BTreeMap<String, PathBuf> {
    let paths = list_photos(folder).unwrap_or_default().into_iter();
    paths.filter_map(|path| Some((path.file_stem()?.to_str()?.to_string(), path))).collect()
}
