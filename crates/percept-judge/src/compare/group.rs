//! What is compared: a run, or the runs of one training with several seeds.

use std::path::{Path, PathBuf};

use percept_conv::Device;
use percept_nn::model::{Card, Model};
use percept_run::RunFiles;

use super::CompareError;

/// A trained network.
#[derive(Debug)]
pub(super) struct Trained {
    pub(super) path: PathBuf,
    pub(super) model: Model,
}

impl Trained {
    pub(super) fn card(&self) -> &Card {
        self.model.card()
    }
}

/// Runs that differ in the seed alone, sorted by it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) runs: Vec<Trained>,
}

impl Group {
    /// The run in `path`: its folder, or a model file.
    pub(super) fn single(path: &Path, device: &Device) -> Result<Self, CompareError> {
        if model(path).is_none() {
            let runs = inside(path).len();
            let path = path.to_path_buf();
            return Err(if runs > 0 {
                CompareError::Several { path, runs }
            } else {
                CompareError::NoRun { path }
            });
        }
        Self::of(path, vec![path.to_path_buf()], device)
    }

    /// All runs in the folder `path`, or where there is no such folder, all that match it as a pattern. A run by
    /// itself is a group of one.
    pub(super) fn of_seeds(path: &Path, device: &Device) -> Result<Self, CompareError> {
        let runs = match path {
            path if model(path).is_some() => vec![path.to_path_buf()],
            path if path.is_dir() => inside(path),
            path => matching(path)?,
        };
        if runs.is_empty() {
            return Err(CompareError::NoRun { path: path.to_path_buf() });
        }
        Self::of(path, runs, device)
    }

    fn of(path: &Path, runs: Vec<PathBuf>, device: &Device) -> Result<Self, CompareError> {
        let load = |path: PathBuf| {
            let file = model(&path).ok_or_else(|| CompareError::NoRun { path: path.clone() })?;
            Ok(Trained { model: Model::load(file, device)?, path })
        };
        let mut runs = runs.into_iter().map(load).collect::<Result<Vec<Trained>, CompareError>>()?;
        runs.sort_by_key(|run| run.card().seed);
        for pair in runs.windows(2) {
            let [first, second] = pair else { continue };
            let seed = first.card().seed;
            if seed == second.card().seed {
                let (first, second) = (first.path.clone(), second.path.clone());
                return Err(CompareError::SeedTwice { seed, first, second });
            }
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, runs })
    }

    pub(super) fn seeds(&self) -> Vec<u64> {
        self.runs.iter().map(|run| run.card().seed).collect()
    }
}

/// The model of a run's folder, or the file itself.
fn model(path: &Path) -> Option<PathBuf> {
    let file = if path.is_dir() { RunFiles::new(path).model() } else { path.to_path_buf() };
    file.is_file().then_some(file)
}

/// The folders in `folder` that are runs with a model.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).filter(|path| RunFiles::new(path).model().is_file()).collect()
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>, CompareError> {
    let text = pattern.to_string_lossy();
    let paths = glob::glob(&text).map_err(|error| CompareError::Pattern {
        pattern: text.to_string(),
        problem: error.msg.to_string(),
    })?;
    Ok(paths.filter_map(Result::ok).filter(|path| model(path).is_some()).collect())
}

/// Gives two groups of one name the whole paths instead.
pub(super) fn name_apart(a: &mut Group, b: &mut Group, paths: [&Path; 2]) {
    if a.name == b.name {
        a.name = paths[0].display().to_string();
        b.name = paths[1].display().to_string();
    }
}
