//! SRIQA-Bench: `MOS/NAME.txt` with lines `NAME_ALGO.png,score`, `images/ALGO/NAME_ALGO.png`, `images/Original/NAME_Original.png`.

use std::path::{Path, PathBuf};

use percept_image::Better;

use super::files::{Files, entries, find, lines};
use super::{AgreeError, Layout};
use crate::agree::table::{Ratings, number};
use crate::agree::{Rating, Table};

pub(super) const LABELS: &str = "MOS";
const PICTURES: &str = "images";
const ORIGINAL: &str = "Original";

/// The folder of scores, where there are pictures of this layout beside it.
pub(super) fn labels(folder: &Path) -> Option<PathBuf> {
    let pictures = find(folder, PICTURES)?;
    find(&pictures, ORIGINAL).and_then(|_| find(folder, LABELS)).filter(|path| path.is_dir())
}

/// Higher is better. The kind of distortion is the algorithm; originals may be rated, too.
pub(super) fn read(label: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
    let (tables, labels) = match label.is_dir() {
        true => (entries(label), label),
        false => (vec![label.to_path_buf()], label.parent().unwrap_or(Path::new(""))),
    };
    let root = root.or(labels.parent()).unwrap_or(Path::new(""));
    let images = find(root, PICTURES).unwrap_or_else(|| root.join(PICTURES));
    let pictures = Files::of(&entries(&images));
    let mut ratings = Ratings::new(label);
    for table in tables.iter().filter(|path| path.extension().is_some_and(|ending| ending == "txt")) {
        let photo = table.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (line, text) in lines(table)? {
            let fault = |problem| AgreeError::Line { path: table.clone(), line, problem };
            let unclear = || {
                let example = format!("{photo}_ALGORITHM.png,0.7");
                fault(format!("`{text}` is no name and score; it reads `{example}` in SRIQA-Bench"))
            };
            let (name, score) = text.split_once(',').ok_or_else(unclear)?;
            let name = name.trim();
            let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
            let algorithm = stem.strip_prefix(&format!("{photo}_")).ok_or_else(unclear)?;
            let rating = Rating {
                reference: Some(pictures.get(&format!("{photo}_{ORIGINAL}.png"))),
                distorted: pictures.get(name),
                score: number(score, "score").map_err(fault)?,
                spread: None,
                distortion: Some(algorithm.to_string()),
            };
            ratings.push(line, rating)?;
        }
    }
    Ok(ratings.table(label, Layout::SriqaBench, Better::Higher))
}
