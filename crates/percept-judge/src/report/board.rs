//! The scores of the input and of every run, and how sure their differences are.

use std::collections::BTreeMap;

use percept_image::MetricError;
use rayon::prelude::*;

use super::photos::Versions;
use crate::page::{arrow, counted, number, signed};
use crate::stats::{Effect, FEWEST_PHOTOS, LEVEL, Outcome, RESAMPLES, crossed_bootstrap, outcomes};
use crate::{ImageScores, MetricInfo, Panel, Scores};

const SEED: u64 = 0;

/// Scores row by row: the input, then the runs.
#[derive(Debug)]
pub(super) struct Board {
    /// The scores, in the order in which they were asked for.
    pub(super) metrics: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// By metric and two rows, the first one the later of the two.
    cells: BTreeMap<(String, usize, usize), Cell>,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) scores: Scores,
}

/// One row less another, photo by photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) effect: Effect,
    /// What it says, corrected for the number of all differences between two rows of the page.
    pub(super) outcome: Outcome,
}

/// What a report found, for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Titles of the columns: the row's name, then for every score its mean and the difference to the first run.
    pub header: Vec<String>,
    /// The input, then the runs.
    pub rows: Vec<Vec<String>>,
    /// What should be said beside the table.
    pub notes: Vec<String>,
}

/// All scores of one photo: of the input, then of every run.
pub(super) fn judge(panel: &Panel, name: &str, versions: &Versions) -> Result<Vec<ImageScores>, MetricError> {
    let judged = std::iter::once(&versions.input).chain(&versions.runs);
    judged.map(|image| panel.score(name, &versions.target, image)).collect()
}

impl Board {
    /// From what [`judge`] found on every photo; `names` are those of the rows.
    pub(super) fn new(panel: &Panel, names: Vec<String>, photos: Vec<Vec<ImageScores>>) -> Self {
        let mut columns: Vec<Vec<ImageScores>> = names.iter().map(|_| Vec::new()).collect();
        for photo in photos {
            columns.iter_mut().zip(photo).for_each(|(column, scores)| column.push(scores));
        }
        let rows = names.into_iter().zip(columns);
        let rows: Vec<Row> =
            rows.map(|(name, images)| Row { name, scores: Scores::new(panel, images) }).collect();
        let metrics: Vec<String> = panel.metrics().map(|metric| metric.name().to_string()).collect();
        Self { cells: cells(&metrics, &rows), metrics, rows }
    }

    /// How a score is computed and read.
    pub(super) fn info(&self, metric: &str) -> Option<&MetricInfo> {
        self.rows.first()?.scores.metrics.get(metric)
    }

    pub(super) fn photos(&self) -> usize {
        self.rows.first().map_or(0, |row| row.scores.images.len())
    }

    /// How many differences between two rows were looked at: what each of them is corrected for.
    pub(super) fn questions(&self) -> usize {
        self.cells.len()
    }

    /// `row − base`; `None` for a row and itself, for fewer than [`FEWEST_PHOTOS`], and where a score is infinite.
    pub(super) fn difference(&self, metric: &str, row: usize, base: usize) -> Option<Cell> {
        let found = self.cells.get(&(metric.to_string(), row.max(base), row.min(base)))?;
        Some(if row > base { *found } else { found.negated() })
    }

    /// The row that is better than each other one.
    pub(super) fn best(&self, metric: &str) -> Option<usize> {
        let beats = |row: usize, other: usize| {
            self.difference(metric, row, other).is_some_and(|found| found.outcome == Outcome::Better)
        };
        let all = || 0..self.rows.len();
        all().find(|row| all().filter(|other| other != row).all(|other| beats(*row, other)))
    }

    /// The board as a small table: means, and differences to the first run with a star where they are more than chance.
    pub(super) fn summary(&self, notes: Vec<String>) -> Summary {
        let arrow = |metric: &str| self.info(metric).map_or("", |info| arrow(info.better));
        let titles =
            self.metrics.iter().flat_map(|metric| [format!("{metric} {}", arrow(metric)), String::new()]);
        let header = std::iter::once(String::new()).chain(titles).collect();
        let rows = self.rows.iter().enumerate().map(|(at, row)| {
            let cells = self.metrics.iter().flat_map(|metric| {
                let mean = row.scores.mean.get(metric).copied().unwrap_or(f64::NAN);
                let difference = self.difference(metric, at, 1);
                let difference = difference.map(|Cell { effect, outcome }| {
                    let star = if outcome == Outcome::None { " " } else { "*" };
                    format!("{}{star}", signed(metric, effect.mean))
                });
                [number(metric, mean), difference.unwrap_or_default()]
            });
            std::iter::once(row.name.clone()).chain(cells).collect()
        });
        let rows = rows.collect();
        let photos = counted(self.photos(), "photo");
        let base = self.rows.get(1).map_or("", |row| row.name.as_str());
        let legend = match self.photos() {
            few if few < FEWEST_PHOTOS => {
                format!("{photos}: too few to say anything about others; differences need {FEWEST_PHOTOS}")
            }
            _ => format!(
                "means over {photos}, and differences to {base}; * where one is more than chance (p < {LEVEL}, corrected \
                 for the {} on the page)",
                counted(self.questions(), "difference")
            ),
        };
        Summary { header, rows, notes: std::iter::once(legend).chain(notes).collect() }
    }
}

impl Cell {
    /// Seen from the other row.
    fn negated(&self) -> Self {
        let outcome = match self.outcome {
            Outcome::Better => Outcome::Worse,
            Outcome::Worse => Outcome::Better,
            Outcome::None => Outcome::None,
        };
        Self { effect: self.effect.negated(), outcome }
    }
}

/// Every row less every earlier one, by every metric.
fn cells(metrics: &[String], rows: &[Row]) -> BTreeMap<(String, usize, usize), Cell> {
    let pairs = (0..rows.len()).flat_map(|row| (0..row).map(move |base| (row, base)));
    let asked: Vec<(&String, usize, usize)> =
        pairs.flat_map(|(row, base)| metrics.iter().map(move |metric| (metric, row, base))).collect();
    let column =
        |metric: &str, row: usize| rows.get(row).map(|row| row.scores.column(metric)).unwrap_or_default();
    let found: Vec<_> = asked
        .into_par_iter()
        .filter_map(|(metric, row, base)| {
            let less: Vec<f64> =
                column(metric, row).iter().zip(column(metric, base)).map(|(a, b)| a - b).collect();
            let better = rows.first()?.scores.metrics.get(metric)?.better;
            let effect = crossed_bootstrap(&[less], RESAMPLES, SEED)?;
            Some(((metric.clone(), row, base), (better, effect)))
        })
        .collect();
    let (asked, questions): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let said = outcomes(&questions).into_iter().zip(questions);
    let said = said.map(|((_, outcome), (_, effect))| Cell { effect, outcome });
    asked.into_iter().zip(said).collect()
}
