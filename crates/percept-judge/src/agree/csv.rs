//! Tables with a header: which column is where, and lines that say where they are.

use std::path::{Path, PathBuf};

use csv::{Position, Reader, ReaderBuilder, StringRecord, Trim};
use percept_image::Better;

use super::layout::Layout;
use super::table::{Choice, Ratings, Rows, Table, number};
use super::{AgreeError, Rating};

const ADVICE: &str = "name the columns reference, distorted, score (and spread, distortion), or reference, a, b, votes \
                      (and voters, distortion)";

/// The columns of a table with a header.
#[derive(Debug)]
pub(super) struct Columns {
    path: PathBuf,
    names: Vec<String>,
}

/// A line of such a table.
#[derive(Debug)]
pub(super) struct Line<'a> {
    columns: &'a Columns,
    cells: StringRecord,
    /// Counted from 1, the header.
    pub(super) number: u64,
}

impl Columns {
    fn new(path: &Path, header: &StringRecord) -> Self {
        let names = header.iter().map(|name| name.trim().to_lowercase()).collect();
        Self { path: path.to_path_buf(), names }
    }

    /// Whether there is a column of that name, in any case.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    fn missing(&self, missing: &str, advice: &'static str) -> AgreeError {
        let path = self.path.clone();
        if self.names.is_empty() {
            return AgreeError::Empty { path };
        }
        AgreeError::Columns { path, missing: missing.to_string(), found: self.names.join(", "), advice }
    }
}

impl Line<'_> {
    /// The cell in the column of that name; `None` where there is no such column or nothing in it.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let at = self.columns.names.iter().position(|known| known == name)?;
        self.cells.get(at).filter(|cell| !cell.is_empty())
    }

    /// The cell in a column that must not be empty.
    pub(super) fn text(&self, name: &str) -> Result<&str, AgreeError> {
        self.get(name)
            .ok_or_else(|| self.fault(format!("nothing in the column {name}; fill it, or remove the line")))
    }

    /// The number in a column that must have one.
    pub(super) fn number(&self, name: &str) -> Result<f64, AgreeError> {
        number(self.text(name)?, name).map_err(|problem| self.fault(problem))
    }

    /// The number in a column that may be missing or empty.
    pub(super) fn optional(&self, name: &str) -> Result<Option<f64>, AgreeError> {
        self.get(name).map(|text| number(text, name)).transpose().map_err(|problem| self.fault(problem))
    }

    pub(super) fn fault(&self, problem: String) -> AgreeError {
        AgreeError::Line { path: self.columns.path.clone(), line: self.number, problem }
    }
}

/// The header of the table in `path`.
pub(super) fn header(path: &Path) -> Result<Columns, AgreeError> {
    let text = text(path)?;
    let mut reader = open(&text);
    let header = reader.headers().map_err(|error| fault(path, &text, error))?;
    Ok(Columns::new(path, header))
}

/// Every line of the table in `path` that is not empty, in turn; all have as many cells as the header.
pub(super) fn lines(
    path: &Path,
    mut each: impl FnMut(&Columns, Line<'_>) -> Result<(), AgreeError>,
) -> Result<(), AgreeError> {
    let text = text(path)?;
    let mut reader = open(&text);
    let columns = Columns::new(path, reader.headers().map_err(|error| fault(path, &text, error))?);
    for cells in reader.into_records() {
        let cells = cells.map_err(|error| fault(path, &text, error))?;
        let number = cells.position().map_or(0, |position| line(&text, position));
        each(&columns, Line { columns: &columns, cells, number })?;
    }
    Ok(())
}

fn text(path: &Path) -> Result<Vec<u8>, AgreeError> {
    std::fs::read(path).map_err(|source| AgreeError::from_io(path, source))
}

fn open(text: &[u8]) -> Reader<&[u8]> {
    ReaderBuilder::new().trim(Trim::All).from_reader(text)
}

/// The line of a record, whose position is that of the empty lines before it.
fn line(text: &[u8], position: &Position) -> u64 {
    let rest = usize::try_from(position.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + empty.filter(|byte| **byte == b'\n').count() as u64
}

fn fault(path: &Path, text: &[u8], error: csv::Error) -> AgreeError {
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let advice = match len < expected_len {
                true => "fill the missing ones; if it is the last line, the file may be cut off",
                false => "quote cells that hold commas",
            };
            format!("{len} cells under a header of {expected_len}; {advice}")
        }
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8; save the table as UTF-8".to_string(),
        _ => error.to_string(),
    };
    let line = error.position().map_or(1, |position| line(text, position));
    AgreeError::Line { path: path.to_path_buf(), line, problem }
}

/// Ratings or choices with percept's own columns. Paths are relative to `root`, or to the table's folder.
pub(super) fn read(path: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
    let columns = header(path)?;
    let root = root.or(path.parent()).unwrap_or(Path::new(""));
    match ["a", "b"].iter().all(|name| columns.has(name)) {
        true => choices(path, root, &columns),
        false => ratings(path, root, &columns),
    }
}

fn ratings(path: &Path, root: &Path, columns: &Columns) -> Result<Table, AgreeError> {
    let score = ["score", "mos", "dmos"].into_iter().find(|name| columns.has(name));
    let Some(score) = score else { return Err(columns.missing("score", ADVICE)) };
    if let Some(missing) = ["reference", "distorted"].into_iter().find(|name| !columns.has(name)) {
        return Err(columns.missing(missing, ADVICE));
    }
    let mut ratings = Ratings::new(path);
    lines(path, |_, line| {
        let spread = line.optional("spread")?;
        if spread.is_some_and(|spread| spread < 0.0) {
            return Err(line.fault("the spread is below 0; put a standard deviation there".to_string()));
        }
        let rating = Rating {
            reference: root.join(line.text("reference")?),
            distorted: root.join(line.text("distorted")?),
            score: line.number(score)?,
            spread,
            distortion: line.get("distortion").map(str::to_string),
        };
        ratings.push(line.number, rating)
    })?;
    let better = if score == "dmos" { Better::Lower } else { Better::Higher };
    Ok(ratings.table(path, Layout::Csv, better))
}

fn choices(path: &Path, root: &Path, columns: &Columns) -> Result<Table, AgreeError> {
    if !columns.has("reference") {
        return Err(columns.missing("reference", ADVICE));
    }
    if !columns.has("votes") && !["votes_a", "votes_b"].iter().all(|name| columns.has(name)) {
        return Err(columns.missing("votes", ADVICE));
    }
    let mut choices = Vec::new();
    lines(path, |columns, line| {
        choices.push(Choice {
            reference: root.join(line.text("reference")?),
            a: root.join(line.text("a")?),
            b: root.join(line.text("b")?),
            share_b: share(columns, &line)?,
            distortion: line.get("distortion").map(str::to_string),
        });
        Ok(())
    })?;
    let rows = Rows::Choices(choices);
    Ok(Table { path: path.to_path_buf(), layout: Layout::Csv, better: Better::Higher, rows })
}

/// Who chose `b`: `votes` as a share, or of so many `voters`, or `votes_b` beside `votes_a`.
fn share(columns: &Columns, line: &Line<'_>) -> Result<f64, AgreeError> {
    let (votes, voters) = match columns.has("votes") {
        true => (line.number("votes")?, line.optional("voters")?.unwrap_or(1.0)),
        false => {
            let (a, b) = (line.number("votes_a")?, line.number("votes_b")?);
            (b, if a < 0.0 { f64::NAN } else { a + b })
        }
    };
    let share = votes / voters;
    match (0.0..=1.0).contains(&share) && voters > 0.0 {
        true => Ok(share),
        false => Err(line.fault(
            "the votes are no share of the voters; write a share from 0 to 1, or a number and how many voters there were"
                .to_string(),
        )),
    }
}
