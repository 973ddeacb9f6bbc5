//! TID2013: `mos_with_names.txt`, `mos_std.txt`, `reference_images/I01.BMP`, `distorted_images/i01_01_1.bmp`.

use std::path::Path;

use percept_image::Better;

use super::files::{Files, find, lines};
use super::{AgreeError, Layout};
use crate::agree::table::{Ratings, number};
use crate::agree::{Rating, Table};

pub(super) const LABELS: &str = "mos_with_names.txt";
const SPREADS: &str = "mos_std.txt";

/// The kinds of distortion by their numbers, from 1.
const KINDS: [&str; 24] = [
    "Gaussian noise",
    "colour noise",
    "correlated noise",
    "masked noise",
    "high-frequency noise",
    "impulse noise",
    "quantisation noise",
    "Gaussian blur",
    "denoising",
    "JPEG",
    "JPEG 2000",
    "JPEG transmission errors",
    "JPEG 2000 transmission errors",
    "pattern noise",
    "local blocks",
    "mean shift",
    "contrast",
    "saturation",
    "multiplicative noise",
    "comfort noise",
    "compressed noise",
    "dithered colours",
    "chromatic aberration",
    "sparse sampling",
];

/// Every line is a mean opinion score from 0 to 9 and the file's name, whose parts are picture, kind and level.
pub(super) fn read(label: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
    let folder = label.parent().unwrap_or(Path::new(""));
    let root = root.unwrap_or(folder);
    let references = Files::of(&[root.join("reference_images")]);
    let distorted = Files::of(&[root.join("distorted_images")]);
    let rows = lines(label)?;
    let spreads = match find(folder, SPREADS) {
        Some(path) => spreads(&path, rows.len())?,
        None => Vec::new(),
    };
    let mut ratings = Ratings::new(label);
    for (at, (line, text)) in rows.iter().enumerate() {
        let fault = |problem| AgreeError::Line { path: label.to_path_buf(), line: *line, problem };
        let unclear =
            || fault(format!("`{text}` is no score and name; it reads `5.51429 I01_01_1.bmp` in TID2013"));
        let (score, name) = text.split_once(char::is_whitespace).ok_or_else(unclear)?;
        let name = name.trim();
        let mut parts = name.split('_');
        let (Some(picture), Some(kind), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unclear());
        };
        let rating = Rating {
            reference: Some(references.get(&format!("{picture}.BMP"))),
            distorted: distorted.get(name),
            score: number(score, "score").map_err(fault)?,
            spread: spreads.get(at).copied(),
            distortion: Some(numbered(kind, &KINDS)),
        };
        ratings.push(*line, rating)?;
    }
    Ok(ratings.table(label, Layout::Tid2013, Better::Higher))
}

/// `08 Gaussian blur`; a number that has no name stays one.
pub(super) fn numbered(kind: &str, names: &[&str]) -> String {
    let name = kind.parse::<usize>().ok().and_then(|number| names.get(number.checked_sub(1)?));
    name.map_or_else(|| kind.to_string(), |name| format!("{kind} {name}"))
}

/// One deviation for every row, in their order.
fn spreads(path: &Path, rows: usize) -> Result<Vec<f64>, AgreeError> {
    let lines = lines(path)?;
    if lines.len() != rows {
        let problem = format!(
            "{} deviations for {rows} scores; put the file back as it was shipped, or remove it",
            lines.len()
        );
        return Err(AgreeError::File { path: path.to_path_buf(), problem });
    }
    let parse = |(line, text): &(u64, String)| {
        number(text, "deviation").map_err(|problem| AgreeError::Line {
            path: path.to_path_buf(),
            line: *line,
            problem,
        })
    };
    lines.iter().map(parse).collect()
}
