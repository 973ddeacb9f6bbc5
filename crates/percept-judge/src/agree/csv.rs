//! Tables with a header: which column is where, and lines that say where they are.

use std::path::{Path, PathBuf};

use csv::{Position, Reader, ReaderBuilder, StringRecord, Trim};
use percept_image::expand_home;

use super::AgreeError;
use super::table::number;

/// The columns of a table with a header.
#[derive(Debug)]
pub(super) struct Columns {
    path: PathBuf,
    names: Vec<String>,
}

/// A line of such a table, cell by cell.
#[derive(Debug)]
pub(super) struct Record<'a> {
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

    pub(super) fn missing(&self, missing: &str, advice: &'static str) -> AgreeError {
        let path = self.path.clone();
        if self.names.is_empty() {
            return AgreeError::Empty { path };
        }
        AgreeError::Columns { path, missing: missing.to_string(), found: self.names.join(", "), advice }
    }
}

impl Record<'_> {
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

    /// The place in a column that must not be empty, in `root` where it is not a whole path.
    pub(super) fn place(&self, name: &str, root: &Path) -> Result<PathBuf, AgreeError> {
        Ok(root.join(expand_home(self.text(name)?)))
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
    mut each: impl FnMut(&Columns, Record<'_>) -> Result<(), AgreeError>,
) -> Result<(), AgreeError> {
    let text = text(path)?;
    let mut reader = open(&text);
    let columns = Columns::new(path, reader.headers().map_err(|error| fault(path, &text, error))?);
    for cells in reader.into_records() {
        let cells = cells.map_err(|error| fault(path, &text, error))?;
        let number = cells.position().map_or(0, |position| line(&text, position));
        each(&columns, Record { columns: &columns, cells, number })?;
    }
    Ok(())
}

fn text(path: &Path) -> Result<Vec<u8>, AgreeError> {
    std::fs::read(path).map_err(|source| AgreeError::from_io(path, source))
}

/// Cells stand between commas, or between the semicolons or tabs of a spreadsheet: what the header has most of.
fn open(text: &[u8]) -> Reader<&[u8]> {
    ReaderBuilder::new().trim(Trim::All).delimiter(delimiter(text)).from_reader(text)
}

fn delimiter(text: &[u8]) -> u8 {
    let header = text.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    let (mut quoted, mut counts) = (false, [(b',', 0), (b';', 0), (b'\t', 0)]);
    for byte in header.unwrap_or_default() {
        quoted ^= *byte == b'"';
        counts.iter_mut().filter(|(mark, _)| mark == byte && !quoted).for_each(|(_, count)| *count += 1);
    }
    // Of equal counts the first: commas.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(mark, _)| mark)
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
                false => "quote cells that hold commas or semicolons, and write decimals with a point",
            };
            format!("{len} cells under a header of {expected_len}; {advice}")
        }
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8; save the table as UTF-8".to_string(),
        _ => error.to_string(),
    };
    let line = error.position().map_or(1, |position| line(text, position));
    AgreeError::Line { path: path.to_path_buf(), line, problem }
}
