//! How far metrics agree with people.
//!
//! A [`Table`] has what people said about pictures: ratings of single ones, or choices between two. It is a CSV file
//! or a data set as its authors lay it out ([`Layout`]). [`Agreements::measure`] scores every picture once and finds
//! for every metric its rank and linear correlation with the human scores, the error of the curve between them, and
//! the share of choices in which both agree, each with a 95 % interval over references, for all rows and for every
//! kind of distortion.

mod agreement;
mod csv;
mod error;
mod layout;
mod mat;
mod notes;
mod page;
mod pictures;
mod readers;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use percept_image::Better;
use serde::Serialize;

pub use agreement::Agreement;
pub use error::AgreeError;
pub use layout::Layout;
pub use table::{Choice, Rating, Rows, Table};

use self::agreement::{JudgedChoice, Point, Sampling, of_choices, of_ratings};
use self::pictures::Pictures;
use crate::stats::Curve;
use crate::{Kept, MetricInfo, Panel};

/// What can be chosen about the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgreeOptions {
    /// The curve between a metric's values and human scores.
    pub curve: Curve,
    /// Resamples of every interval.
    pub resamples: usize,
    /// Seed of the resamples.
    pub seed: u64,
}

impl Default for AgreeOptions {
    fn default() -> Self {
        Self { curve: Curve::Five, resamples: 1000, seed: 0 }
    }
}

/// How one metric agrees with people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricAgreement {
    /// How the metric is computed and read.
    #[serde(flatten)]
    pub info: MetricInfo,
    /// Over all rows.
    pub overall: Agreement,
    /// Over the rows of each kind of distortion; empty where the table tells none apart.
    pub distortions: BTreeMap<String, Agreement>,
}

/// A row with the metrics' values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The reference's file name.
    pub reference: String,
    /// The distorted picture's, or both with a slash between them.
    pub distorted: String,
    /// Kind of distortion.
    pub distortion: Option<String>,
    /// The human score, or the share that chose the second picture.
    pub human: f64,
    /// Standard deviation of single opinions.
    pub spread: Option<f64>,
    /// Values by metric, one for a rating, two for a choice. JSON has no infinity: that of equal pictures is null
    /// there.
    pub scores: BTreeMap<String, Vec<f64>>,
}

/// A row that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// File name of the distorted picture.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What was found on a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreements {
    /// The file or folder.
    pub table: PathBuf,
    /// Who lays tables out like this.
    pub layout: Layout,
    /// `ratings` or `choices`.
    pub kind: &'static str,
    /// Which direction of the human scores is the better one.
    pub human_better: Better,
    /// Rows that were judged.
    pub n: usize,
    /// Different references among them.
    pub references: usize,
    /// Rows that were left out.
    pub skipped: Vec<Skipped>,
    /// What the table cannot say, and why.
    pub notes: Vec<String>,
    /// The metrics in the order in which they were asked for.
    pub order: Vec<String>,
    /// By metric.
    pub metrics: BTreeMap<String, MetricAgreement>,
    /// Row by row.
    pub rows: Vec<Row>,
}

impl Agreements {
    /// Scores the pictures of `table` with all metrics of `panel` and compares. `progress` hears how many pictures of
    /// how many are done, from several threads, and says whether to go on. A row whose pictures cannot be read or
    /// scored is left out and named. Scores that were `kept` are not computed again, and new ones are kept.
    ///
    /// # Errors
    /// When there is no row left, and when `progress` says no.
    pub fn measure(
        table: &Table,
        panel: &Panel,
        options: &AgreeOptions,
        kept: Option<&Kept>,
        progress: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> Result<Self, AgreeError> {
        let pictures = Pictures::score(table, panel, kept, progress);
        let kept = kept.is_some();
        let pictures = pictures.map_err(|(done, all)| AgreeError::Stopped { done, all, kept })?;
        let judged = Judged::new(table, panel, &pictures);
        if let (true, Some(skipped)) = (judged.rows.is_empty(), judged.skipped.first()) {
            return Err(AgreeError::NothingSound { rows: table.len(), problem: skipped.reason.clone() });
        }
        let metrics = panel.metrics().map(|metric| {
            let info = MetricInfo { protocol: metric.protocol(), better: metric.better() };
            let (overall, distortions) =
                judged.agreement(metric.name(), metric.better(), table.better, options);
            (metric.name().to_string(), MetricAgreement { info, overall, distortions })
        });
        let metrics: BTreeMap<String, MetricAgreement> = metrics.collect();
        Ok(Self {
            table: table.path.clone(),
            layout: table.layout,
            kind: match table.rows {
                Rows::Ratings(_) => "ratings",
                Rows::Choices(_) => "choices",
            },
            human_better: table.better,
            n: judged.rows.len(),
            references: judged.references.iter().max().map_or(0, |last| last + 1),
            notes: notes::notes(&judged, &metrics, options),
            order: panel.metrics().map(|metric| metric.name().to_string()).collect(),
            metrics,
            skipped: judged.skipped,
            rows: judged.rows,
        })
    }

    /// Writes a page with the table of agreements and, for ratings, a scatter plot with the fitted curve for every
    /// metric, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_page(&self, path: &Path) -> Result<(), AgreeError> {
        percept_image::write_atomic(path, page::page(self).as_bytes())
            .map_err(|source| AgreeError::Write { path: path.to_path_buf(), source })
    }

    /// The kinds of distortion; none where the table tells none apart.
    pub fn distortions(&self) -> Vec<&str> {
        let first = self.metrics.values().next();
        first.map(|metric| metric.distortions.keys().map(String::as_str).collect()).unwrap_or_default()
    }
}

/// The rows of which all pictures could be scored.
struct Judged {
    rows: Vec<Row>,
    /// For every row the number of its reference.
    references: Vec<usize>,
    is_choice: bool,
    skipped: Vec<Skipped>,
}

impl Judged {
    fn new(table: &Table, panel: &Panel, pictures: &Pictures<'_>) -> Self {
        let names: Vec<&str> = panel.metrics().map(percept_image::Metric::name).collect();
        let is_choice = matches!(table.rows, Rows::Choices(_));
        let mut judged = Self { rows: Vec::new(), references: Vec::new(), is_choice, skipped: Vec::new() };
        let mut numbers = BTreeMap::new();
        let mut add = |reference: &Path, distorted: &[&Path], row: Row| {
            let scored: Result<Vec<&[f64]>, (&Path, &str)> = distorted
                .iter()
                .map(|path| pictures.of(reference, path).map_err(|problem| (*path, problem)))
                .collect();
            match scored {
                Ok(scored) => {
                    let values =
                        |at: usize| scored.iter().filter_map(|scores| scores.get(at).copied()).collect();
                    let scores = names.iter().enumerate().map(|(at, name)| ((*name).to_string(), values(at)));
                    let next = numbers.len();
                    judged.references.push(*numbers.entry(reference.to_path_buf()).or_insert(next));
                    judged.rows.push(Row { scores: scores.collect(), ..row });
                }
                Err((path, problem)) => {
                    judged.skipped.push(Skipped { name: name(path), reason: problem.to_string() });
                }
            }
        };
        match &table.rows {
            Rows::Ratings(rows) => rows.iter().for_each(|row| {
                let found = Row {
                    reference: name(&row.reference),
                    distorted: name(&row.distorted),
                    distortion: row.distortion.clone(),
                    human: row.score,
                    spread: row.spread,
                    scores: BTreeMap::new(),
                };
                add(&row.reference, &[&row.distorted], found);
            }),
            Rows::Choices(rows) => rows.iter().for_each(|row| {
                let found = Row {
                    reference: name(&row.reference),
                    distorted: format!("{} / {}", name(&row.a), name(&row.b)),
                    distortion: row.distortion.clone(),
                    human: row.share_b,
                    spread: None,
                    scores: BTreeMap::new(),
                };
                add(&row.reference, &[&row.a, &row.b], found);
            }),
        }
        judged
    }

    fn agreement(
        &self,
        metric: &str,
        better: Better,
        human: Better,
        options: &AgreeOptions,
    ) -> (Agreement, BTreeMap<String, Agreement>) {
        let AgreeOptions { curve, resamples, seed } = *options;
        let how = Sampling { resamples, seed, curve };
        let of = |rows: &[usize]| {
            let rows = rows.iter().filter_map(|row| {
                let (reference, row) = (*self.references.get(*row)?, self.rows.get(*row)?);
                Some((reference, row, row.scores.get(metric)?.as_slice()))
            });
            if self.is_choice {
                let vote = |(reference, row, values): (usize, &Row, &[f64])| {
                    Some(JudgedChoice { reference, values: values.try_into().ok()?, share_b: row.human })
                };
                return of_choices(&rows.filter_map(vote).collect::<Vec<_>>(), better, how);
            }
            let point = |(reference, row, values): (usize, &Row, &[f64])| {
                Some(Point { reference, value: *values.first()?, human: row.human, spread: row.spread })
            };
            of_ratings(&rows.filter_map(point).collect::<Vec<_>>(), better, human, how)
        };
        let all: Vec<usize> = (0..self.rows.len()).collect();
        let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, row) in self.rows.iter().enumerate() {
            if let Some(kind) = &row.distortion {
                kinds.entry(kind).or_default().push(at);
            }
        }
        (of(&all), kinds.into_iter().map(|(kind, rows)| (kind.to_string(), of(&rows))).collect())
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
