//! PIPAL: `Train_Label/A0001.txt` with lines `A0001_00_00.bmp,1448.9`, `Train_Ref/A0001.bmp`,
//! `Distortion_1/A0001_00_00.bmp`.

use std::path::{Path, PathBuf};

use percept_image::Better;

use super::files::{Files, entries, lines};
use super::{AgreeError, Layout};
use crate::agree::table::{Ratings, number};
use crate::agree::{Rating, Table};

pub(super) const LABELS: &str = "Train_Label";

/// Scores are Elo ratings: higher is better. The first number of a name is the kind of distortion.
pub(super) fn read(label: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
    let (tables, labels) = match label.is_dir() {
        true => (entries(label), label),
        false => (vec![label.to_path_buf()], label.parent().unwrap_or(Path::new(""))),
    };
    let root = root.or(labels.parent()).unwrap_or(Path::new(""));
    let references = Files::of(&[root.join("Train_Ref")]);
    let mut folders: Vec<PathBuf> = (1..=4).map(|part| root.join(format!("Distortion_{part}"))).collect();
    folders.push(root.join("Train_Dist"));
    let distorted = Files::of(&folders);
    let mut ratings = Ratings::new(label);
    for table in tables.iter().filter(|path| path.extension().is_some_and(|ending| ending == "txt")) {
        for (line, text) in lines(table)? {
            let fault = |problem| AgreeError::Line { path: table.clone(), line, problem };
            let unclear = || {
                fault(format!("`{text}` is no name and score; it reads `A0001_00_00.bmp,1448.9` in PIPAL"))
            };
            let (name, score) = text.split_once(',').ok_or_else(unclear)?;
            let (picture, rest) = name.trim().split_once('_').ok_or_else(unclear)?;
            let rating = Rating {
                reference: Some(references.get(&format!("{picture}.bmp"))),
                distorted: distorted.get(name.trim()),
                score: number(score, "score").map_err(fault)?,
                spread: None,
                distortion: rest.split('_').next().map(str::to_string),
            };
            ratings.push(line, rating)?;
        }
    }
    Ok(ratings.table(label, Layout::Pipal, Better::Higher))
}
