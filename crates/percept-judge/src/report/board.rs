//! The scores of the input and of every run, and how sure their differences are.

use percept_image::{Better, MetricError};

use super::html::{number, signed};
use super::photos::Versions;
use crate::stats::{Interval, paired_bootstrap};
use crate::{ImageScores, MetricInfo, Panel, Scores};

const RESAMPLES: usize = 10_000;
const SEED: u64 = 0;

/// Scores row by row: the input, then the runs.
#[derive(Debug)]
pub(super) struct Board {
    /// The scores, in the order in which they were asked for.
    pub(super) metrics: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) scores: Scores,
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
        Self {
            metrics: panel.metrics().map(|metric| metric.name().to_string()).collect(),
            rows: rows.map(|(name, images)| Row { name, scores: Scores::new(panel, images) }).collect(),
        }
    }

    /// How a score is computed and read.
    pub(super) fn info(&self, metric: &str) -> Option<&MetricInfo> {
        self.rows.first()?.scores.metrics.get(metric)
    }

    pub(super) fn photos(&self) -> usize {
        self.rows.first().map_or(0, |row| row.scores.images.len())
    }

    /// `row − base`, photo by photo, with its 95 % interval; `None` for a row and itself, for fewer than two photos,
    /// and where a score is infinite.
    pub(super) fn difference(&self, metric: &str, row: usize, base: usize) -> Option<Interval> {
        let column = |row: usize| self.rows.get(row).map(|row| row.scores.column(metric));
        let (a, b) = (column(row)?, column(base)?);
        if row == base || a.len() < 2 {
            return None;
        }
        paired_bootstrap(&a, &b, RESAMPLES, SEED)
    }

    /// The row that is better than each other one, by intervals that all exclude 0.
    pub(super) fn best(&self, metric: &str) -> Option<usize> {
        let better = self.info(metric)?.better;
        let beats = |row: usize, other: usize| {
            self.difference(metric, row, other)
                .is_some_and(|difference| difference.excludes_zero() && is_gain(better, difference.mean))
        };
        let all = || 0..self.rows.len();
        all().find(|row| all().filter(|other| other != row).all(|other| beats(*row, other)))
    }

    /// The board as a small table: means, and differences to the first run with a star where the interval excludes 0.
    pub(super) fn summary(&self, notes: Vec<String>) -> Summary {
        let arrow = |metric: &str| self.info(metric).map_or("", |info| arrow(info.better));
        let titles =
            self.metrics.iter().flat_map(|metric| [format!("{metric} {}", arrow(metric)), String::new()]);
        let header = std::iter::once(String::new()).chain(titles).collect();
        let rows = self.rows.iter().enumerate().map(|(at, row)| {
            let cells = self.metrics.iter().flat_map(|metric| {
                let mean = row.scores.mean.get(metric).copied().unwrap_or(f64::NAN);
                let difference = self.difference(metric, at, 1);
                let difference = difference.map(|difference| {
                    let star = if difference.excludes_zero() { "*" } else { " " };
                    format!("{}{star}", signed(metric, difference.mean))
                });
                [number(metric, mean), difference.unwrap_or_default()]
            });
            std::iter::once(row.name.clone()).chain(cells).collect()
        });
        let rows = rows.collect();
        let photos = self.photos();
        let base = self.rows.get(1).map_or("", |row| row.name.as_str());
        let legend = match photos {
            1 => "one photo: its scores say nothing about others".to_string(),
            _ => format!(
                "means over {photos} photos, and differences to {base}; * where their paired 95 % interval excludes 0"
            ),
        };
        Summary { header, rows, notes: std::iter::once(legend).chain(notes).collect() }
    }
}

/// Whether a difference of that sign is an improvement.
pub(crate) fn is_gain(better: Better, difference: f64) -> bool {
    match better {
        Better::Higher => difference > 0.0,
        Better::Lower => difference < 0.0,
    }
}

/// Which direction is good.
pub(crate) fn arrow(better: Better) -> &'static str {
    match better {
        Better::Higher => "↑",
        Better::Lower => "↓",
    }
}
