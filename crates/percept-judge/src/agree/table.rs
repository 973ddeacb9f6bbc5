//! What people said about pictures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use percept_image::Better;

use super::AgreeError;
use super::layout::Layout;

/// How good people found a distorted picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Rating {
    /// The undistorted picture, if there is one.
    pub reference: Option<PathBuf>,
    /// The distorted one.
    pub distorted: PathBuf,
    /// The human score; [`Table::better`] says which direction is good.
    pub score: f64,
    /// Standard deviation of the single opinions behind the score.
    pub spread: Option<f64>,
    /// Kind of distortion.
    pub distortion: Option<String>,
}

/// Which of two distorted pictures people found closer to the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The undistorted picture, if there is one.
    pub reference: Option<PathBuf>,
    /// One distorted picture.
    pub a: PathBuf,
    /// The other one.
    pub b: PathBuf,
    /// Share of the people who chose `b`, from 0 to 1.
    pub share_b: f64,
    /// Kind of distortion.
    pub distortion: Option<String>,
}

/// Which of several pictures someone found best.
#[derive(Clone, Debug, PartialEq)]
pub struct BestOf {
    /// The undistorted picture, if there is one.
    pub reference: Option<PathBuf>,
    /// The pictures, two or more.
    pub pictures: Vec<PathBuf>,
    /// The place of the chosen one among them.
    pub chosen: usize,
    /// Kind of distortion.
    pub distortion: Option<String>,
}

/// The rows of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// One picture a row.
    Ratings(Vec<Rating>),
    /// Two pictures a row.
    Choices(Vec<Choice>),
    /// The best of several pictures a row.
    Best(Vec<BestOf>),
}

/// A table of human opinions.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The file or folder that it was read from.
    pub path: PathBuf,
    /// Who lays tables out like this.
    pub layout: Layout,
    /// Which direction of the human scores is the better one: mean opinion scores rise with quality, most
    /// differential ones fall.
    pub better: Better,
    /// What people said.
    pub rows: Rows,
}

impl Table {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Ratings(rows) => rows.len(),
            Rows::Choices(rows) => rows.len(),
            Rows::Best(rows) => rows.len(),
        }
    }

    /// Of every row the reference, if there is one, and the pictures that are judged.
    pub(super) fn pictures<'a>(&'a self) -> Vec<(Option<&'a Path>, Vec<&'a Path>)> {
        match &self.rows {
            Rows::Ratings(rows) => {
                rows.iter().map(|row| (row.reference.as_deref(), vec![row.distorted.as_path()])).collect()
            }
            Rows::Choices(rows) => rows
                .iter()
                .map(|row| (row.reference.as_deref(), vec![row.a.as_path(), row.b.as_path()]))
                .collect(),
            Rows::Best(rows) => {
                let row = |row: &'a BestOf| {
                    let pictures = row.pictures.iter().map(PathBuf::as_path).collect();
                    (row.reference.as_deref(), pictures)
                };
                rows.iter().map(row).collect()
            }
        }
    }

    /// Whether every row has a picture to compare with.
    pub fn has_references(&self) -> bool {
        self.pictures().iter().all(|(reference, _)| reference.is_some())
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Ratings as they are read, each with its line, so that a picture that is rated twice is found.
#[derive(Debug)]
pub(super) struct Ratings {
    table: PathBuf,
    rows: Vec<Rating>,
    lines: BTreeMap<(Option<PathBuf>, PathBuf), u64>,
}

impl Ratings {
    pub(super) fn new(table: &Path) -> Self {
        Self { table: table.to_path_buf(), rows: Vec::new(), lines: BTreeMap::new() }
    }

    pub(super) fn push(&mut self, line: u64, rating: Rating) -> Result<(), AgreeError> {
        let key = (rating.reference.clone(), rating.distorted.clone());
        if let Some(first) = self.lines.insert(key, line) {
            let name = rating.distorted.display();
            let problem = format!(
                "{name} is rated on line {first} already; keep one line for a picture, with the mean score"
            );
            return Err(AgreeError::Line { path: self.table.clone(), line, problem });
        }
        self.rows.push(rating);
        Ok(())
    }

    pub(super) fn table(self, path: &Path, layout: Layout, better: Better) -> Table {
        Table { path: path.to_path_buf(), layout, better, rows: Rows::Ratings(self.rows) }
    }
}

/// A number in a table: finite.
pub(super) fn number(text: &str, what: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ if text.matches(',').count() == 1 && text.trim().replace(',', ".").parse::<f64>().is_ok() => {
            let point = text.trim().replace(',', ".");
            Err(format!("the {what} `{text}` has a decimal comma; write it with a point, {point}"))
        }
        _ => Err(format!("the {what} is `{text}`; put a number there, or remove the line")),
    }
}
