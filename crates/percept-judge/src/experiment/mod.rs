//! Many trainings, variants × seeds, judged on the same held-out photos.
//!
//! [`Evidence::judge`] reads what an experiment left on disk: a folder of runs for every seed. Each run restores every photo
//! once, and what it scores is kept beside it, so that an interrupted judging goes on. Every variant is then compared
//! with the reference in pairs (same photo, same seed) over photos and seeds, corrected for the number of all these
//! comparisons, and everything is written down as JSON, as a page and as a picture.

mod crops;
mod error;
mod forest;
mod knobs;
mod page;
mod photos;
mod pictures;
mod scores;
mod selected;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use percept_conv::Device;
use percept_image::write_atomic;
use percept_nn::model::Model;
use percept_nn::weights::WeightStore;
use percept_run::log::History;
use percept_run::{Experiment, RunFiles, Standing};
use serde::Serialize;

pub use error::ExperimentError;
pub use selected::{Alike, SelectedChannels, TapSelection};

use self::photos::TestPhotos;
use crate::compare::backbone;
use crate::stats::{Effect, Outcome, RESAMPLES, crossed_bootstrap, outcomes};
use crate::{MetricInfo, Panel};

/// What was trained, and where it lies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// What was trained and how it is judged.
    #[serde(flatten)]
    pub experiment: Experiment,
    /// The command that makes all of it.
    pub command: String,
    /// Folder of the runs.
    pub out: PathBuf,
    /// Folder for whole pictures, where they are wanted: `gt`, `lq` and `methods/VARIANT`, of the first seed.
    #[serde(skip)]
    pub pictures: Option<PathBuf>,
}

impl Plan {
    fn run(&self, seed: u64, variant: &str) -> RunFiles {
        RunFiles::new(Experiment::run_dir(&self.out, seed, variant))
    }

    fn runs(&self, variant: &str) -> Vec<RunFiles> {
        self.experiment.seeds.iter().map(|seed| self.run(*seed, variant)).collect()
    }
}

/// What one metric says about a variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Mean over seeds and photos.
    pub mean: f64,
    /// Least and largest mean of a seed.
    pub seeds: [f64; 2],
    /// The variant less the reference; `None` of the reference itself and of too few photos.
    pub difference: Option<Effect>,
    /// The network that the metric shares with a loss of the two; such a metric does not count.
    pub shares_backbone: Option<&'static str>,
    /// The p-value after Holm's correction over the metrics that count, of all variants.
    pub p_holm: Option<f64>,
    /// What that says; `None` of metrics that do not count.
    pub outcome: Option<Outcome>,
}

/// One variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// By metric, as far as it has values.
    pub findings: BTreeMap<String, Finding>,
    /// The median seconds of a step over all seeds, waiting for the batch included.
    pub seconds: Option<f64>,
    /// The steps of one run.
    pub steps: u64,
    /// What its selection came to; `None` without one.
    pub selection: Option<SelectedChannels>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// What was asked.
    pub plan: Plan,
    /// The photos, by name.
    pub photos: Vec<String>,
    /// Photos that were left out, and why.
    pub skipped: Vec<String>,
    /// How the scores are computed and read.
    pub metrics: BTreeMap<String, MetricInfo>,
    /// The variants of which all seeds are finished, in order.
    pub variants: Vec<Variant>,
    /// How far the variants that select do it alike, by pair.
    pub agreement: Vec<Alike>,
    /// Variants that are left out because a run is missing or unfinished.
    pub unfinished: Vec<String>,
}

/// By variant and metric: a row for every seed, a value for every photo.
type Values = BTreeMap<String, BTreeMap<String, Vec<Vec<f64>>>>;

impl Evidence {
    /// Judges the runs of `plan` that are finished, and writes `results.json`, `README.md` and its pictures into its
    /// folder. `progress` hears how many runs of how many are judged, and says whether to go on.
    ///
    /// # Errors
    /// When there are no photos, the reference is not finished, a run's model is broken, a metric does not exist, a file
    /// cannot be written, and when `progress` says no.
    pub fn judge(
        plan: Plan,
        store: &WeightStore,
        device: &Device,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Self, ExperimentError> {
        let experiment = &plan.experiment;
        let finished = |variant: &String| plan.runs(variant).iter().all(is_finished);
        let (variants, unfinished): (Vec<String>, Vec<String>) =
            experiment.variants().map(str::to_string).partition(finished);
        let reference = variants.iter().find(|variant| **variant == experiment.reference);
        let Some(first) = reference.and_then(|reference| plan.runs(reference).into_iter().next()) else {
            return Err(ExperimentError::Reference {
                reference: experiment.reference.clone(),
                out: plan.out.clone(),
            });
        };
        let card = Model::load(first.model(), device)?.card().clone();
        let photos = TestPhotos::open(&experiment.test, experiment.test_crop, first.dir(), &card)?;
        let crop = if card.scale > 1 { card.scale } else { 0 };
        let panel = Panel::of_photos(&experiment.metrics, crop, store, device)?;

        let (mut values, mut losses) = (Values::new(), BTreeMap::<&str, BTreeSet<&'static str>>::new());
        let all = variants.len() * experiment.seeds.len();
        progress(0, all);
        for (at, (variant, seed)) in variants
            .iter()
            .flat_map(|variant| experiment.seeds.iter().map(move |seed| (variant, *seed)))
            .enumerate()
        {
            let run = plan.run(seed, variant);
            let model = Model::load(run.model(), device)?;
            losses.entry(variant).or_default().extend(backbone::of_losses(model.card()));
            let scores = scores::of_run(&run, &model, &photos, &panel)?;
            for (metric, row) in scores {
                values.entry(variant.clone()).or_default().entry(metric).or_default().push(row);
            }
            if !progress(at + 1, all) && at + 1 < all {
                return Err(ExperimentError::Stopped { done: at + 1, all });
            }
        }
        let sound = sound(&values, photos.len());
        let metrics: BTreeMap<String, MetricInfo> = panel
            .metrics()
            .map(|metric| {
                let info = MetricInfo { protocol: metric.protocol(), better: metric.better() };
                (metric.name().to_string(), info)
            })
            .collect();
        let found = variants.iter().map(|variant| {
            let shares = |metric: &str, protocol: &str| {
                let both = [variant.as_str(), experiment.reference.as_str()]
                    .into_iter()
                    .filter_map(|of| losses.get(of));
                let both = both.flatten().copied().collect();
                backbone::shared(metric, protocol, &both)
            };
            let findings = findings(variant, &plan, &values, &sound, &metrics, &shares);
            let runs = plan.runs(variant);
            let (seconds, steps) = time(&runs)?;
            let selection = SelectedChannels::of(&runs)?;
            Ok::<_, ExperimentError>(Variant { name: variant.clone(), findings, seconds, steps, selection })
        });
        let mut variants = found.collect::<Result<Vec<_>, _>>()?;
        conclude(&mut variants, &metrics);
        let evidence = Self {
            photos: photos.names(),
            skipped: photos.skipped.clone(),
            metrics,
            agreement: agreement(&variants),
            variants,
            unfinished,
            plan,
        };
        evidence.write(&photos, &values, device)?;
        if let Some(folder) = &evidence.plan.pictures {
            pictures::write(&evidence, &photos, folder, device)?;
        }
        Ok(evidence)
    }

    fn write(&self, photos: &TestPhotos, values: &Values, device: &Device) -> Result<(), ExperimentError> {
        let picture = crops::write(self, photos, values, device)?;
        let json = serde_json::to_string_pretty(self)?;
        let columns = page::columns(self);
        let mut files = vec![
            ("results.json", json),
            ("differences.svg", forest::forest(self, &columns)),
            ("README.md", page::page(self, &picture)),
        ];
        if !self.plan.experiment.knobs.is_empty() {
            files.push(("knobs.svg", knobs::picture(self, &columns)?));
        }
        for (name, text) in files {
            let path = self.plan.out.join(name);
            write_atomic(&path, text.as_bytes()).map_err(|source| ExperimentError::Write { path, source })?;
        }
        Ok(())
    }
}

fn is_finished(run: &RunFiles) -> bool {
    run.read_config().is_ok_and(|config| Standing::of(&config) == Standing::Finished)
}

/// For every metric the photos of which all runs have a number.
fn sound(values: &Values, photos: usize) -> BTreeMap<String, Vec<usize>> {
    let mut sound = BTreeMap::<String, Vec<usize>>::new();
    for (metric, rows) in values.values().flatten() {
        let kept = sound.entry(metric.clone()).or_insert_with(|| (0..photos).collect());
        kept.retain(|photo| rows.iter().all(|row| row.get(*photo).is_some_and(|value| value.is_finite())));
    }
    sound
}

fn findings(
    variant: &str,
    plan: &Plan,
    values: &Values,
    sound: &BTreeMap<String, Vec<usize>>,
    metrics: &BTreeMap<String, MetricInfo>,
    shares: &dyn Fn(&str, &str) -> Option<&'static str>,
) -> BTreeMap<String, Finding> {
    let mut findings = BTreeMap::new();
    for (metric, info) in metrics {
        let rows = |of: &str| values.get(of).and_then(|metrics| metrics.get(metric));
        let kept = sound.get(metric).map(Vec::as_slice).unwrap_or_default();
        let (Some(own), Some(reference), false) =
            (rows(variant), rows(&plan.experiment.reference), kept.is_empty())
        else {
            continue;
        };
        let of =
            |row: &Vec<f64>| kept.iter().filter_map(|photo| row.get(*photo)).copied().collect::<Vec<f64>>();
        let seeds: Vec<f64> = own.iter().map(|row| of(row).iter().sum::<f64>() / kept.len() as f64).collect();
        let differences = own.iter().zip(reference).map(|(own, reference)| {
            of(own).iter().zip(of(reference)).map(|(a, b)| a - b).collect::<Vec<f64>>()
        });
        let differences: Vec<Vec<f64>> = differences.collect();
        let difference = (variant != plan.experiment.reference)
            .then(|| crossed_bootstrap(&differences, RESAMPLES, 0))
            .flatten();
        let finding = Finding {
            mean: seeds.iter().sum::<f64>() / seeds.len() as f64,
            seeds: [
                seeds.iter().copied().fold(f64::MAX, f64::min),
                seeds.iter().copied().fold(f64::MIN, f64::max),
            ],
            difference,
            shares_backbone: shares(metric, &info.protocol),
            p_holm: None,
            outcome: None,
        };
        findings.insert(metric.clone(), finding);
    }
    findings
}

/// What all differences of the page say together: its p-values are corrected for the number of metrics that count times
/// that of variants.
fn conclude(variants: &mut [Variant], metrics: &BTreeMap<String, MetricInfo>) {
    let mut questions = Vec::new();
    let mut asked: Vec<&mut Finding> = Vec::new();
    for (metric, finding) in variants.iter_mut().flat_map(|variant| &mut variant.findings) {
        let Some(info) = metrics.get(metric).filter(|_| finding.shares_backbone.is_none()) else { continue };
        let Some(effect) = finding.difference else { continue };
        questions.push((info.better, effect));
        asked.push(finding);
    }
    for (finding, (p, outcome)) in asked.into_iter().zip(outcomes(&questions)) {
        (finding.p_holm, finding.outcome) = (Some(p), Some(outcome));
    }
}

/// Of all pairs of variants that select.
fn agreement(variants: &[Variant]) -> Vec<Alike> {
    let selecting: Vec<_> =
        variants.iter().filter_map(|variant| Some((&variant.name, variant.selection.as_ref()?))).collect();
    let pairs =
        selecting.iter().enumerate().flat_map(|(i, a)| selecting.iter().skip(i + 1).map(move |b| (a, b)));
    let agreement =
        |((a, of_a), (b, of_b)): (&(&String, &SelectedChannels), &(&String, &SelectedChannels))| {
            Some(Alike { between: [a.to_string(), b.to_string()], correlation: of_a.agreement(of_b)? })
        };
    pairs.filter_map(agreement).collect()
}

/// The median seconds of a step, and the steps.
fn time(runs: &[RunFiles]) -> Result<(Option<f64>, u64), ExperimentError> {
    let read = |run: &RunFiles| {
        History::read(&run.log()).map_err(|source| ExperimentError::Log { path: run.log(), source })
    };
    let logs = runs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut seconds: Vec<f64> = logs.iter().filter_map(|log| log.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    Ok((seconds.get(seconds.len() / 2).copied(), logs.iter().map(|log| log.last).max().unwrap_or(0)))
}
