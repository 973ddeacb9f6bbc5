//! LIVE, release 2: `dmos.mat` or `dmos_realigned.mat`, `refnames_all.mat`, `refimgs`, and a folder of `img1.bmp`,
//! `img2.bmp`, … for every kind of distortion.

use std::path::Path;

use percept_image::Better;

use super::files::{Files, entries, find};
use super::{AgreeError, Layout};
use crate::agree::mat::{self, Value};
use crate::agree::table::Ratings;
use crate::agree::{Rating, Table};

/// The realigned scores replaced the first ones and have deviations.
pub(super) const LABELS: [&str; 2] = ["dmos_realigned.mat", "dmos.mat"];
const NAMES: &str = "refnames_all.mat";

/// Folders in the order of the scores, and how many pictures each has in the whole data set.
const KINDS: [(&str, usize); 5] =
    [("jp2k", 227), ("jpeg", 233), ("wn", 174), ("gblur", 174), ("fastfading", 174)];

/// Scores are differences to the reference's: lower is better. Pictures that are references themselves (`orgs`) are
/// left out.
pub(super) fn read(label: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
    let folder = label.parent().unwrap_or(Path::new(""));
    let root = root.unwrap_or(folder);
    let fault = |problem: String| AgreeError::File { path: label.to_path_buf(), problem };
    let mut scores = mat::read(label)?;
    let mut column = |names: &[&str]| match names.iter().find_map(|name| scores.remove(*name)) {
        Some(Value::Numbers(numbers)) => Some(numbers),
        _ => None,
    };
    let spreads = column(&["dmos_std"]);
    let orgs =
        column(&["orgs"]).ok_or_else(|| fault("no variable `orgs`; put back LIVE's own file".to_string()))?;
    let dmos = column(&["dmos_new", "dmos"])
        .ok_or_else(|| fault("no variable `dmos` or `dmos_new`; put back LIVE's own file".to_string()))?;
    let names = names(folder)?;
    let counts = counts(root, dmos.len());
    if [orgs.len(), names.len(), counts.iter().sum()].iter().any(|count| *count != dmos.len()) {
        return Err(fault(format!(
            "{} scores, {} marks of references, {} names and {} pictures do not fit; unpack the whole data set",
            dmos.len(),
            orgs.len(),
            names.len(),
            counts.iter().sum::<usize>()
        )));
    }
    let references = Files::of(&[root.join("refimgs")]);
    let mut ratings = Ratings::new(label);
    let pictures =
        KINDS.iter().zip(counts).flat_map(|((kind, _), count)| (1..=count).map(move |at| (*kind, at)));
    for (row, (kind, number)) in pictures.enumerate() {
        let at = |column: &[f64]| column.get(row).copied().unwrap_or(f64::NAN);
        if at(&orgs) != 0.0 {
            continue;
        }
        let score = at(&dmos);
        if !score.is_finite() {
            return Err(fault(format!(
                "the score of {kind}/img{number}.bmp is {score}; put back LIVE's own file"
            )));
        }
        let spread = spreads.as_deref().map(at).filter(|spread| spread.is_finite() && *spread >= 0.0);
        let rating = Rating {
            reference: Some(references.get(names.get(row).map_or("", String::as_str))),
            distorted: root.join(kind).join(format!("img{number}.bmp")),
            score,
            spread,
            distortion: Some(kind.to_string()),
        };
        ratings.push(row as u64 + 1, rating)?;
    }
    Ok(ratings.table(label, Layout::Live, Better::Lower))
}

/// The reference of every picture.
fn names(folder: &Path) -> Result<Vec<String>, AgreeError> {
    let missing = || AgreeError::Missing {
        path: folder.to_path_buf(),
        layout: Layout::Live.name(),
        needs: NAMES.to_string(),
    };
    let path = find(folder, NAMES).ok_or_else(missing)?;
    let Some(Value::Cells(cells)) = mat::read(&path)?.remove("refnames_all") else {
        let problem = "no cells `refnames_all`; put back LIVE's own file".to_string();
        return Err(AgreeError::File { path, problem });
    };
    let name = |cell| match cell {
        Value::Text(name) => name,
        _ => String::new(),
    };
    Ok(cells.into_iter().map(name).collect())
}

/// How many pictures every kind has: those of the whole data set where the number of scores is its own, even if some
/// files are missing; else as many as there are.
fn counts(root: &Path, scores: usize) -> Vec<usize> {
    let whole = KINDS.map(|(_, count)| count);
    if whole.iter().sum::<usize>() == scores {
        return whole.to_vec();
    }
    let is_picture = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        name.strip_prefix("img")
            .and_then(|rest| rest.strip_suffix(".bmp"))
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    KINDS.map(|(kind, _)| entries(&root.join(kind)).iter().filter(|path| is_picture(path)).count()).to_vec()
}
