//! Two runs, or two trainings with several seeds each, on the same photos.
//!
//! A [`Comparison`] restores every photo with every network, takes all scores, and compares them in pairs: the same
//! photo, the same seed. Every metric has its mean difference with a 95 % interval over photos and seeds, a p-value
//! corrected for the number of metrics, and an effect size. The verdict is made of those metrics that do not look
//! through the network that a training loss looked through.

pub(crate) mod backbone;
mod error;
mod group;
pub(crate) mod photos;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use percept_conv::Device;
use percept_image::{Better, Image, Srgb};
use percept_nn::weights::WeightStore;
use percept_run::Recipe;
use rayon::prelude::*;
use serde::Serialize;

pub use error::CompareError;
pub use photos::PhotoSource;

use self::group::{Group, Trained, name_apart};
use self::photos::Photos;
use self::verdict::Case;
use crate::page::counted;
use crate::stats::{Effect, Outcome, RESAMPLES, crossed_bootstrap, outcomes};
use crate::{MetricInfo, Panel};

/// The metrics of a comparison that names none, as far as they exist: outside of the VGG family, one of each kind.
const METRICS: [&str; 12] = [
    "psnr-y",
    "ssim-y",
    "ms-ssim-y",
    "gmsd",
    "fsimc",
    "vsi",
    "haarpsi",
    "mdsi",
    "ciede2000",
    "luminance-shift",
    "saturation-shift",
    "lpips-alex",
];

/// What can be chosen about a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompareOptions {
    /// Names of the metrics; empty for those outside of the VGG family.
    pub metrics: Vec<String>,
    /// Whether the two places hold runs that differ in their seeds.
    pub over_seeds: bool,
    /// Resamples of every interval.
    pub resamples: usize,
    /// Seed of the resamples.
    pub seed: u64,
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self { metrics: Vec::new(), over_seeds: false, resamples: RESAMPLES, seed: 0 }
    }
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Name of the folder or pattern.
    pub name: String,
    /// The runs that were compared, in the order of the seeds.
    pub runs: Vec<PathBuf>,
    /// Their seeds.
    pub seeds: Vec<u64>,
}

/// What one metric found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricComparison {
    /// How the metric is computed and read.
    #[serde(flatten)]
    pub info: MetricInfo,
    /// The kind of network that the metric shares with a training loss; such a metric does not count.
    pub shares_backbone: Option<&'static str>,
    /// Photos of which all runs have a finite score.
    pub photos: usize,
    /// Mean over runs and photos of the first side.
    pub mean_a: f64,
    /// Of the second one.
    pub mean_b: f64,
    /// The first side less the second, in the metric's own direction, with interval, p-value and effect size d_z;
    /// `None` of too few photos ([`FEWEST_PHOTOS`](crate::stats::FEWEST_PHOTOS)).
    pub difference: Option<Effect>,
    /// The p-value after Holm's correction over all metrics that count; `None` of those that do not.
    pub p_holm: Option<f64>,
    /// What it says about the first side; `None` of metrics that do not count.
    pub outcome: Option<Outcome>,
}

/// A photo that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkippedPhoto {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What is judged.
    pub a: Side,
    /// What it is judged against.
    pub b: Side,
    /// Photos that were restored by all runs.
    pub photos: Vec<String>,
    /// Photos that were left out.
    pub skipped: Vec<SkippedPhoto>,
    /// The metrics in order.
    pub order: Vec<String>,
    /// By metric.
    pub metrics: BTreeMap<String, MetricComparison>,
    /// What should be said beside the numbers.
    pub notes: Vec<String>,
    /// The result in words.
    pub verdict: String,
}

impl Comparison {
    /// Compares the runs in `a` and `b` on the photos of `source`. `progress` hears how many photos of how many are
    /// done, and says whether to go on. A photo that cannot be read or restored is left out and named.
    ///
    /// With [`CompareOptions::over_seeds`] each place is a folder whose subfolders are runs, or a pattern
    /// (`runs/l1-*`); runs of both sides with the same seed on their cards belong together.
    ///
    /// # Errors
    /// When a place has no run, the runs do not fit together, a metric does not exist or lacks its weights, no photo
    /// can be judged, and when `progress` says no.
    pub fn measure(
        [a, b]: [&Path; 2],
        source: &PhotoSource,
        options: &CompareOptions,
        store: &WeightStore,
        device: &Device,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Self, CompareError> {
        let read = |path| match options.over_seeds {
            true => Group::of_seeds(path, device),
            false => Group::single(path, device),
        };
        let (mut first, mut second) = (read(a)?, read(b)?);
        name_apart(&mut first, &mut second, [a, b]);
        let mut notes = match options.over_seeds {
            true => match_seeds(&mut first, &mut second)?,
            false => Vec::new(),
        };
        let head = alike(&first, &second, source)?;
        let (photos, said) = Photos::open(source, head)?;
        notes.extend(said);
        let scale = head.card().scale;
        let names = match options.metrics.is_empty() {
            true => METRICS.map(str::to_string).into_iter().filter(|name| exists(name)).collect(),
            false => options.metrics.clone(),
        };
        let panel = Panel::of_photos(&names, if scale > 1 { scale } else { 0 }, store, device)?;
        let (scores, skipped) = restore(&photos, &panel, &first, &second, progress)?;
        let losses: BTreeSet<&str> =
            first.runs.iter().chain(&second.runs).flat_map(|run| backbone::of_losses(run.card())).collect();
        let mut found = Self {
            a: side(&first),
            b: side(&second),
            photos: scores.iter().map(|photo| photo.name.clone()).collect(),
            skipped,
            order: Vec::new(),
            metrics: BTreeMap::new(),
            notes,
            verdict: String::new(),
        };
        for (at, metric) in panel.metrics().enumerate() {
            let info = MetricInfo { protocol: metric.protocol(), better: metric.better() };
            let shares = backbone::shared(metric.name(), &info.protocol, &losses);
            found.add(metric.name(), info, shares, &scores, at, options);
        }
        found.conclude();
        Ok(found)
    }

    /// One metric, before the correction.
    fn add(
        &mut self,
        name: &str,
        info: MetricInfo,
        shares_backbone: Option<&'static str>,
        scores: &[PhotoScores],
        at: usize,
        options: &CompareOptions,
    ) {
        let seeds = self.a.runs.len();
        let sound: Vec<&[f64]> = scores
            .iter()
            .filter_map(|photo| photo.metrics.get(at)?.as_deref().ok())
            .filter(|values| values.iter().all(|value| value.is_finite()))
            .collect();
        if sound.len() < scores.len() {
            let problem = scores.iter().find_map(|photo| photo.metrics.get(at)?.as_ref().err());
            let problem = problem.map_or("the restored photo equals its target", String::as_str);
            let left = scores.len() - sound.len();
            let all = counted(scores.len(), "photo");
            self.notes.push(format!("{name} leaves out {left} of {all}: {problem}."));
        }
        if sound.is_empty() {
            return;
        }
        // Values of a photo: the runs of `a`, then those of `b`.
        let of =
            |run: usize| sound.iter().filter_map(|values| values.get(run)).copied().collect::<Vec<f64>>();
        let difference = |seed: usize| of(seed).iter().zip(of(seeds + seed)).map(|(a, b)| a - b).collect();
        let differences: Vec<Vec<f64>> = (0..seeds).map(difference).collect();
        let mean = |runs: std::ops::Range<usize>| {
            runs.clone().flat_map(of).sum::<f64>() / (runs.len() * sound.len()) as f64
        };
        let compared = MetricComparison {
            info,
            shares_backbone,
            photos: sound.len(),
            mean_a: mean(0..seeds),
            mean_b: mean(seeds..2 * seeds),
            difference: crossed_bootstrap(&differences, options.resamples, options.seed),
            p_holm: None,
            outcome: None,
        };
        self.order.push(name.to_string());
        self.metrics.insert(name.to_string(), compared);
    }

    /// Corrects the p-values of all metrics that count, and puts the result in words.
    fn conclude(&mut self) {
        let counts = |metric: &MetricComparison| metric.shares_backbone.is_none();
        let found: Vec<(String, Better, Effect)> = self
            .order
            .iter()
            .filter_map(|name| {
                let metric = self.metrics.get(name).filter(|metric| counts(metric))?;
                Some((name.clone(), metric.info.better, metric.difference?))
            })
            .collect();
        let questions: Vec<_> = found.iter().map(|(_, better, effect)| (*better, *effect)).collect();
        for ((name, ..), (p, outcome)) in found.iter().zip(outcomes(&questions)) {
            let Some(metric) = self.metrics.get_mut(name) else { continue };
            (metric.p_holm, metric.outcome) = (Some(p), Some(outcome));
        }
        let metrics: Vec<(&String, &MetricComparison)> =
            self.order.iter().filter_map(|name| Some((name, self.metrics.get(name)?))).collect();
        let counted = metrics.iter().filter_map(|(name, metric)| Some((name.as_str(), metric.outcome?)));
        let marked =
            metrics.iter().filter_map(|(name, metric)| Some((name.as_str(), metric.shares_backbone?)));
        let case = Case {
            a: &self.a.name,
            b: &self.b.name,
            counted: counted.collect(),
            marked: marked.collect(),
            photos: self.photos.len(),
            seeds: self.a.runs.len(),
        };
        self.verdict = case.words();
    }
}

fn exists(name: &str) -> bool {
    Panel::names().contains(&name)
}

fn side(group: &Group) -> Side {
    Side {
        name: group.name.clone(),
        runs: group.runs.iter().map(|run| run.path.clone()).collect(),
        seeds: group.seeds(),
    }
}

/// Keeps the runs whose seed the other group has too, and says which are left out.
fn match_seeds(a: &mut Group, b: &mut Group) -> Result<Vec<String>, CompareError> {
    let text = |seeds: &[u64]| seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let (a_seeds, b_seeds) = (a.seeds(), b.seeds());
    let mut notes = Vec::new();
    for (group, others) in [(&mut *a, &b_seeds), (&mut *b, &a_seeds)] {
        let alone: Vec<u64> = group.seeds().into_iter().filter(|seed| !others.contains(seed)).collect();
        if !alone.is_empty() {
            notes.push(format!("Seeds of {} alone are left out: {}.", group.name, text(&alone)));
            group.runs.retain(|run| others.contains(&run.card().seed));
        }
    }
    if a.runs.is_empty() {
        return Err(CompareError::NoSeeds {
            a: a.name.clone(),
            a_seeds: text(&a_seeds),
            b: b.name.clone(),
            b_seeds: text(&b_seeds),
        });
    }
    Ok(notes)
}

/// The first run, to which all others are alike in what they are for and, where photos are to be degraded, in how.
fn alike<'a>(a: &'a Group, b: &Group, source: &PhotoSource) -> Result<&'a Trained, CompareError> {
    let first = a.runs.first().ok_or_else(|| CompareError::NoRun { path: PathBuf::from(&a.name) })?;
    for run in a.runs.iter().chain(&b.runs) {
        let (one, other) = (first.card(), run.card());
        let what = match () {
            () if one.scale != other.scale => Some("scale"),
            () if one.in_channels != other.in_channels => Some("what they read"),
            () if one.task != other.task => Some("task"),
            () => None,
        };
        if let Some(what) = what {
            return Err(CompareError::Unlike { first: first.path.clone(), second: run.path.clone(), what });
        }
        if matches!(source, PhotoSource::Degraded(_)) && !Recipe::is_shared(one, other) {
            return Err(CompareError::OtherRecipe { first: first.path.clone(), second: run.path.clone() });
        }
    }
    Ok(first)
}

/// All scores of one photo: for every metric the values of the runs of `a`, then of `b`, or why it has none.
struct PhotoScores {
    name: String,
    metrics: Vec<Result<Vec<f64>, String>>,
}

/// Restores and scores photo by photo.
fn restore(
    photos: &Photos,
    panel: &Panel,
    a: &Group,
    b: &Group,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<(Vec<PhotoScores>, Vec<SkippedPhoto>), CompareError> {
    let (mut scores, mut skipped) = (Vec::new(), Vec::new());
    progress(0, photos.len());
    for at in 0..photos.len() {
        let name = photos.name(at).to_string();
        let restored = photos.get(at).and_then(|(gt, input)| {
            let runs = a.runs.iter().chain(&b.runs);
            let images = runs.map(|run| input.restored(&run.model).map_err(|error| error.to_string()));
            Ok((gt, images.collect::<Result<Vec<Image<Srgb>>, String>>()?))
        });
        match restored {
            Ok((gt, images)) => scores.push(PhotoScores { name, metrics: score(panel, &gt, &images) }),
            Err(reason) => skipped.push(SkippedPhoto { name, reason }),
        }
        if !progress(at + 1, photos.len()) && at + 1 < photos.len() {
            return Err(CompareError::Stopped { done: at + 1, all: photos.len() });
        }
    }
    match (scores.is_empty(), skipped.first()) {
        (true, Some(first)) => {
            Err(CompareError::NothingSound { photos: photos.len(), problem: first.reason.clone() })
        }
        _ => Ok((scores, skipped)),
    }
}

/// For every metric the values of the images, or why one has none.
pub(crate) fn score(
    panel: &Panel,
    gt: &Image<Srgb>,
    images: &[Image<Srgb>],
) -> Vec<Result<Vec<f64>, String>> {
    let metrics: Vec<_> = panel.metrics().collect();
    let all = |metric: &&dyn percept_image::Metric| {
        let scores: Result<Vec<f64>, _> = images.par_iter().map(|image| metric.score(gt, image)).collect();
        scores.map_err(|error| error.to_string())
    };
    metrics.par_iter().map(all).collect()
}
