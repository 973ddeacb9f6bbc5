//! The sets of photos of a folder.

use std::path::{Path, PathBuf};

use percept_image::{ReadError, list_photos, photo_name};

/// A set of targets, and inputs where it has its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The folder's name.
    pub name: String,
    /// Targets by name.
    pub targets: Vec<PathBuf>,
    /// An input for every target, or none.
    pub inputs: Vec<PathBuf>,
}

/// Names of the folders of pairs: inputs, targets.
const PAIRS: [[&str; 2]; 4] = [["low", "high"], ["lq", "gt"], ["input", "target"], ["noisy", "clean"]];

/// The sets of a folder, each a folder of photos, or of two folders of pairs (`low` and `high`, `lq` and `gt`, …); the folder
/// itself where it holds photos.
///
/// # Errors
/// When a folder cannot be read.
pub fn sets(folder: &Path) -> Result<Vec<Set>, ReadError> {
    let own = set(folder)?;
    if own.is_some() {
        return Ok(own.into_iter().collect());
    }
    let failed = |source| ReadError::Io { path: folder.into(), source };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut folders: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    let sets = folders.iter().map(|path| set(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(sets.into_iter().flatten().collect())
}

fn set(folder: &Path) -> Result<Option<Set>, ReadError> {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for [low, high] in PAIRS {
        let (low, high) = (folder.join(low), folder.join(high));
        if low.is_dir() && high.is_dir() {
            let (inputs, targets) = (list_photos(low)?, list_photos(high)?);
            let pair = |target: PathBuf| {
                let own = photo_name(&target);
                Some((inputs.iter().find(|input| photo_name(input) == own)?.clone(), target))
            };
            let (inputs, targets) = targets.into_iter().filter_map(pair).unzip();
            return Ok(Some(Set { name, targets, inputs }));
        }
    }
    let targets = list_photos(folder)?;
    Ok((!targets.is_empty()).then_some(Set { name, targets, inputs: Vec::new() }))
}
