//! How far metrics agree with people.
//!
//! A [`Table`] has what people said about pictures: ratings of single ones, choices between two, or the best of several. It is a CSV file
//! or a data set as its authors lay it out ([`Layout`]). [`Agreements::measure`] scores every picture once and finds
//! for every metric its rank and linear correlation with the human scores, the error of the curve between them, and
//! the share of choices in which both agree, each with a 95 % interval over references, for all rows and for every
//! kind of distortion; and which metrics differ in that by more than chance.

mod agreement;
mod csv;
mod difference;
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
pub use difference::Difference;
pub use error::AgreeError;
pub use layout::Layout;
pub use table::{BestOf, Choice, Rating, Rows, Table};

use self::agreement::{JudgedBest, JudgedChoice, Point, Sampling, of_best, of_choices, of_ratings};
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
    /// The reference's file name; empty where there is none.
    pub reference: String,
    /// The distorted picture's, or those of all with slashes between them.
    pub distorted: String,
    /// Kind of distortion.
    pub distortion: Option<String>,
    /// The human score, the share that chose the second of two pictures, or the place of the best of several, from 1.
    pub human: f64,
    /// Standard deviation of single opinions.
    pub spread: Option<f64>,
    /// Values by metric, one for every picture. JSON has no infinity: that of equal pictures is null
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
    /// Different references among them; rows where there are none.
    pub references: usize,
    /// Rows that were left out.
    pub skipped: Vec<Skipped>,
    /// What the table cannot say, and why.
    pub notes: Vec<String>,
    /// The metrics in the order in which they were asked for.
    pub order: Vec<String>,
    /// By metric.
    pub metrics: BTreeMap<String, MetricAgreement>,
    /// The statistic that metrics are compared by: `srocc`, `2afc` or `best`.
    pub statistic: &'static str,
    /// All pairs of metrics in it, in their order.
    pub differences: Vec<Difference>,
    /// Row by row.
    pub rows: Vec<Row>,
}

impl Agreements {
    /// Scores the pictures of `table` with all metrics of `panel` and compares. `progress` hears how many pictures of
    /// how many are done, from several threads, and says whether to go on. A row whose pictures cannot be read or
    /// scored is left out and named. Scores that were `kept` are not computed again, and new ones are kept.
    ///
    /// # Errors
    /// When there is no row left, when a metric compares with references and the table has none, and when `progress` says no.
    pub fn measure(
        table: &Table,
        panel: &Panel,
        options: &AgreeOptions,
        kept: Option<&Kept>,
        progress: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> Result<Self, AgreeError> {
        if !table.has_references() && panel.comparing().next().is_some() {
            let metrics = panel.comparing().collect::<Vec<_>>().join(", ");
            return Err(AgreeError::NoReferences { path: table.path.clone(), metrics });
        }
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
                Rows::Choices(_) | Rows::Best(_) => "choices",
            },
            statistic: judged.said.statistic(),
            differences: difference::differences(&judged, panel, table.better, options),
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

/// What people were asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Ratings,
    Choices,
    Best,
}

impl Said {
    /// What says most about it.
    fn statistic(self) -> &'static str {
        match self {
            Self::Ratings => "srocc",
            Self::Choices => "2afc",
            Self::Best => "best",
        }
    }
}

/// The rows of which all pictures could be scored.
struct Judged {
    rows: Vec<Row>,
    /// For every row the number of its reference; where there is none, each row is by itself.
    references: Vec<usize>,
    said: Said,
    has_references: bool,
    skipped: Vec<Skipped>,
}

impl Judged {
    fn new(table: &Table, panel: &Panel, pictures: &Pictures<'_>) -> Self {
        let names: Vec<&str> = panel.metrics().map(percept_image::Metric::name).collect();
        let (said, opinions): (Said, Vec<Opinion>) = match &table.rows {
            Rows::Ratings(rows) => {
                let opinion = |row: &'_ Rating| (row.score, row.spread, row.distortion.clone());
                (Said::Ratings, rows.iter().map(opinion).collect())
            }
            Rows::Choices(rows) => {
                let opinion = |row: &'_ Choice| (row.share_b, None, row.distortion.clone());
                (Said::Choices, rows.iter().map(opinion).collect())
            }
            Rows::Best(rows) => {
                let opinion = |row: &'_ BestOf| ((row.chosen + 1) as f64, None, row.distortion.clone());
                (Said::Best, rows.iter().map(opinion).collect())
            }
        };
        let has_references = table.has_references();
        let (rows, references, skipped) = (Vec::new(), Vec::new(), Vec::new());
        let mut judged = Self { rows, references, said, has_references, skipped };
        let mut numbers = BTreeMap::new();
        for ((reference, judgeds), (human, spread, distortion)) in table.pictures().into_iter().zip(opinions)
        {
            let of =
                |path: &&Path| pictures.of(reference, path).map_err(|problem| (path.to_path_buf(), problem));
            let scored: Result<Vec<&[f64]>, (PathBuf, &str)> = judgeds.iter().map(of).collect();
            let scored = match scored {
                Ok(scored) => scored,
                Err((path, problem)) => {
                    judged.skipped.push(Skipped { name: name(&path), reason: problem.to_string() });
                    continue;
                }
            };
            let values = |at: usize| scored.iter().filter_map(|scores| scores.get(at).copied()).collect();
            let next = numbers.len();
            let number = match reference {
                Some(reference) => *numbers.entry(reference.to_path_buf()).or_insert(next),
                None => judged.rows.len(),
            };
            judged.references.push(number);
            judged.rows.push(Row {
                reference: reference.map(name).unwrap_or_default(),
                distorted: judgeds.iter().map(|path| name(path)).collect::<Vec<_>>().join(" / "),
                distortion,
                human,
                spread,
                scores: names
                    .iter()
                    .enumerate()
                    .map(|(at, name)| ((*name).to_string(), values(at)))
                    .collect(),
            });
        }
        judged
    }

    /// Of these rows the number of the reference, the row, and the metric's values.
    fn of<'a>(
        &'a self,
        metric: &'a str,
        rows: &'a [usize],
    ) -> impl Iterator<Item = (usize, &'a Row, &'a [f64])> {
        rows.iter().filter_map(move |row| {
            let (reference, row) = (*self.references.get(*row)?, self.rows.get(*row)?);
            Some((reference, row, row.scores.get(metric)?.as_slice()))
        })
    }

    fn points(&self, metric: &str, rows: &[usize]) -> Vec<Point> {
        let point = |(reference, row, values): (usize, &Row, &[f64])| {
            Some(Point { reference, value: *values.first()?, human: row.human, spread: row.spread })
        };
        self.of(metric, rows).filter_map(point).collect()
    }

    fn choices(&self, metric: &str, rows: &[usize]) -> Vec<JudgedChoice> {
        let vote = |(reference, row, values): (usize, &Row, &[f64])| {
            Some(JudgedChoice { reference, values: values.try_into().ok()?, share_b: row.human })
        };
        self.of(metric, rows).filter_map(vote).collect()
    }

    fn best(&self, metric: &str, rows: &[usize]) -> Vec<JudgedBest> {
        let vote = |(reference, row, values): (usize, &Row, &[f64])| JudgedBest {
            reference,
            values: values.to_vec(),
            chosen: row.human as usize - 1,
        };
        self.of(metric, rows).map(vote).collect()
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
        let of = |rows: &[usize]| match self.said {
            Said::Ratings => of_ratings(&self.points(metric, rows), better, human, how),
            Said::Choices => of_choices(&self.choices(metric, rows), better, how),
            Said::Best => of_best(&self.best(metric, rows), better, how),
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

/// What was said, the spread of it, and the kind of distortion.
type Opinion = (f64, Option<f64>, Option<String>);

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
