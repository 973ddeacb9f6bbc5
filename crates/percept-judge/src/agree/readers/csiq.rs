//! CSIQ: scores in `csiq.DMOS.xlsx` (or its table saved as CSV, or the list `csiq_label.txt` that many training codes
//! use), pictures in `src_imgs/1600.png` and `dst_imgs/blur/1600.BLUR.1.png`.

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use calamine::{Data, Reader, Xlsx, XlsxError, open_workbook};
use percept_image::Better;

use super::files::{Files, entries, find, lines};
use super::{AgreeError, Layout};
use crate::agree::csv;
use crate::agree::table::{Ratings, number};
use crate::agree::{Rating, Table};

pub(super) const LABELS: &str = "csiq_label.txt";
const SHEET: &str = "csiq.DMOS.xlsx";
/// Columns of the sheet and of its CSV.
const COLUMNS: [&str; 4] = ["image", "dst_type", "dst_lev", "dmos"];

/// Kinds by the names that the sheet has for them, with the folder's and that in the file's.
const KINDS: [(&str, &str, &str); 8] = [
    ("noise", "awgn", "AWGN"),
    ("awgn", "awgn", "AWGN"),
    ("jpeg", "jpeg", "JPEG"),
    ("jpeg 2000", "jpeg2000", "jpeg2000"),
    ("jpeg2000", "jpeg2000", "jpeg2000"),
    ("fnoise", "fnoise", "fnoise"),
    ("blur", "blur", "BLUR"),
    ("contrast", "contrast", "contrast"),
];

/// The file with the scores in the data set's folder.
pub(super) fn labels(folder: &Path) -> Option<PathBuf> {
    let table = || entries(folder).into_iter().find(|path| super::of_file(path) == Some(Layout::Csiq));
    find(folder, SHEET).or_else(|| find(folder, LABELS)).or_else(table)
}

/// Scores are differences to the reference's, from 0 to 1: lower is better.
pub(super) fn read(label: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
    let pictures = Pictures::of(root.or(label.parent()).unwrap_or(Path::new("")));
    let mut ratings = Ratings::new(label);
    let ending = label.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match ending.as_str() {
        "xlsx" => sheet(label, &pictures, &mut ratings)?,
        "csv" => csv::lines(label, |_, line| {
            let cells = COLUMNS.map(|name| line.text(name));
            let [image, kind, level, score] = cells;
            let spread = line.optional("dmos_std")?;
            let rating = pictures.rating([image?, kind?, level?, score?], spread);
            ratings.push(line.number, rating.map_err(|problem| line.fault(problem))?)
        })?,
        _ => list(label, &pictures, &mut ratings)?,
    }
    Ok(ratings.table(label, Layout::Csiq, Better::Lower))
}

/// Where the pictures are.
struct Pictures {
    references: Files,
    distorted: Files,
}

impl Pictures {
    fn of(root: &Path) -> Self {
        let distorted = root.join("dst_imgs");
        let mut folders = vec![distorted.clone(), root.join("dst_imgs_all")];
        folders.extend(KINDS.map(|(_, folder, _)| distorted.join(folder)));
        Self { references: Files::of(&[root.join("src_imgs")]), distorted: Files::of(&folders) }
    }

    /// Of a row with the four columns of [`COLUMNS`].
    fn rating(&self, [image, kind, level, score]: [&str; 4], spread: Option<f64>) -> Result<Rating, String> {
        let known = KINDS.iter().find(|(name, ..)| *name == kind.to_lowercase());
        let (_, folder, name) = known.ok_or_else(|| {
            format!(
                "`{kind}` is no distortion of CSIQ; write noise, jpeg, jpeg 2000, fnoise, blur or contrast"
            )
        })?;
        // A sheet has numbers where a name is one.
        let [image, level] = [image, level].map(|text| text.strip_suffix(".0").unwrap_or(text));
        Ok(Rating {
            reference: Some(self.references.get(&format!("{image}.png"))),
            distorted: self.distorted.get(&format!("{image}.{name}.{level}.png")),
            score: number(score, "dmos")?,
            spread,
            distortion: Some((*folder).to_string()),
        })
    }
}

/// The texts of a row by column.
type Row = BTreeMap<u32, String>;

/// The first sheet with the columns, wherever its header is.
fn sheet(label: &Path, pictures: &Pictures, ratings: &mut Ratings) -> Result<(), AgreeError> {
    let fault = |problem: String| AgreeError::File { path: label.to_path_buf(), problem };
    let mut book: Xlsx<_> = open_workbook(label)
        .map_err(|error: XlsxError| fault(format!("{error}; save it as .xlsx or .csv again")))?;
    for name in book.sheet_names() {
        let rows = rows(&mut book, &name).map_err(|error| fault(format!("{error}; save it again")))?;
        let mut rows = rows.iter();
        let place = |row: &Row, name: &str| {
            row.iter().find(|(_, text)| text.to_lowercase() == name).map(|(column, _)| *column)
        };
        let header = |row: &Row| {
            let places = COLUMNS.map(|name| place(row, name));
            Some([places[0]?, places[1]?, places[2]?, places[3]?])
        };
        let Some((places, spread)) = rows.find_map(|(_, row)| Some((header(row)?, place(row, "dmos_std"))))
        else {
            continue;
        };
        for (line, row) in rows {
            let line = u64::from(*line) + 1;
            let cells = places.map(|column| row.get(&column).map(String::as_str).unwrap_or_default());
            if cells.iter().all(|text| text.is_empty()) {
                continue;
            }
            let spread = spread.and_then(|column| row.get(&column)?.parse().ok());
            let rating = pictures.rating(cells, spread);
            let rating =
                rating.map_err(|problem| AgreeError::Line { path: label.to_path_buf(), line, problem })?;
            ratings.push(line, rating)?;
        }
        return Ok(());
    }
    Err(fault(format!("no sheet has the columns {}; put back CSIQ's own file", COLUMNS.join(", "))))
}

/// The cells of a sheet that have something, by row from 0: a file of a few kilobytes can claim billions of empty ones.
fn rows<R: Read + Seek>(book: &mut Xlsx<R>, sheet: &str) -> Result<BTreeMap<u32, Row>, XlsxError> {
    let mut rows = BTreeMap::<u32, Row>::new();
    let mut cells = book.worksheet_cells_reader(sheet)?;
    while let Some(cell) = cells.next_cell()? {
        let (row, column) = cell.get_position();
        rows.entry(row).or_default().insert(column, text(&cell.get_value().clone().into()));
    }
    Ok(rows)
}

fn text(cell: &Data) -> String {
    cell.to_string().trim().to_string()
}

/// Lines `1600.AWGN.1.png 0.062`.
fn list(label: &Path, pictures: &Pictures, ratings: &mut Ratings) -> Result<(), AgreeError> {
    for (line, text) in lines(label)? {
        let fault = |problem| AgreeError::Line { path: label.to_path_buf(), line, problem };
        let unclear = || format!("`{text}` is no name and score; it reads `1600.AWGN.1.png 0.062` in CSIQ");
        let (name, score) = text.split_once(char::is_whitespace).ok_or_else(|| fault(unclear()))?;
        let mut parts = name.split('.');
        let (Some(image), Some(kind), Some(level)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(fault(unclear()));
        };
        ratings.push(line, pictures.rating([image, kind, level, score.trim()], None).map_err(fault)?)?;
    }
    Ok(())
}
