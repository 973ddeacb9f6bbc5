//! Files whose names differ in case, or in how letters with marks are written, from what tables say.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use percept_image::photo_name;

use super::AgreeError;

/// The files of some folders by name, whatever its case and however its marks are written.
#[derive(Debug)]
pub(super) struct Files {
    first: PathBuf,
    by_name: HashMap<String, PathBuf>,
}

impl Files {
    /// Of all these folders as far as they exist; an earlier one wins.
    pub(super) fn of(folders: &[PathBuf]) -> Self {
        let mut by_name = HashMap::new();
        for path in folders.iter().flat_map(|folder| entries(folder)) {
            by_name.entry(key(&path)).or_insert(path);
        }
        Self { first: folders.first().cloned().unwrap_or_default(), by_name }
    }

    /// The file of that name; where there is none, the place where it should be.
    pub(super) fn get(&self, name: &str) -> PathBuf {
        self.by_name.get(&key(Path::new(name))).cloned().unwrap_or_else(|| self.first.join(name))
    }
}

/// The same for names that look alike.
fn key(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    format!("{}.{ending}", photo_name(path)).to_lowercase()
}

/// What a folder holds, sorted; nothing where it is none.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The file or folder of that name in `folder`, in any case.
pub(super) fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    entries(folder).into_iter().find(|path| lower(path) == name.to_lowercase())
}

/// The one CSV file of a folder.
pub(super) fn only_csv(folder: &Path) -> Option<PathBuf> {
    let mut tables =
        entries(folder).into_iter().filter(|path| lower(path).ends_with(".csv") && path.is_file());
    tables.next().filter(|_| tables.next().is_none())
}

/// Whether the file or folder has that name, in any case.
pub(super) fn is_named(path: &Path, name: &str) -> bool {
    lower(path) == name.to_lowercase()
}

fn lower(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// The lines of a text file that are not empty, with their numbers from 1.
pub(super) fn lines(path: &Path) -> Result<Vec<(u64, String)>, AgreeError> {
    let text = std::fs::read(path).map_err(|source| AgreeError::from_io(path, source))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    Ok(lines.map(|(line, number)| (number, line.trim().to_string())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_one() {
        let folder = tempfile::tempdir().unwrap();
        // `e` and an accent on the disk, one sign in the table.
        let path = folder.path().join("Cafe\u{301}.PNG");
        std::fs::write(&path, "").unwrap();
        let files = Files::of(&[folder.path().to_path_buf()]);
        assert_eq!(files.get("caf\u{e9}.png"), path);
        assert_eq!(files.get("cafe.png"), folder.path().join("cafe.png"));
    }
}
