//! What the selections of a variant came to.

use percept_nn::disentangle::TapWeights;
use percept_run::RunFiles;
use percept_run::log::{SelectionLine, selections};
use serde::Serialize;

use super::ExperimentError;
use crate::stats::Ranked;

/// The selection of a variant at the end of its runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SelectedChannels {
    /// By tap.
    pub taps: Vec<TapSelection>,
    /// Share of triplets that violate their margin, or of channels that a closed form could score, mean over the seeds: at the first line of the log, and at the last.
    pub active: Option<[f64; 2]>,
}

/// One tap.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TapSelection {
    /// Its name.
    pub name: String,
    /// Its channels.
    pub channels: usize,
    /// Effective number of channels, mean over the seeds.
    pub effective: f64,
    /// Rank correlation of the weights between two seeds, mean over all pairs; `None` of one seed, of a selection that
    /// never moves, and where all weights are equal.
    pub between_seeds: Option<f64>,
    /// Weight of each channel, mean over the seeds.
    #[serde(skip)]
    pub weights: Vec<f64>,
}

/// How far two variants select the same channels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alike {
    /// The variants.
    pub between: [String; 2],
    /// Rank correlation of their weights, mean over the taps.
    pub correlation: f64,
}

impl SelectedChannels {
    /// Of the runs of one variant, one a seed; `None` where they select nothing.
    pub(super) fn of(runs: &[RunFiles]) -> Result<Option<Self>, ExperimentError> {
        let read = |run: &RunFiles| {
            let path = run.selection();
            selections(&path).map_err(|source| ExperimentError::Log { path, source })
        };
        let logs = runs.iter().map(read);
        let logs = logs.collect::<Result<Vec<Vec<SelectionLine>>, _>>()?;
        let ends: Option<Vec<&SelectionLine>> = logs.iter().map(|log| log.last()).collect();
        let Some(ends) = ends.filter(|ends| !ends.is_empty()) else { return Ok(None) };
        let count = ends.len() as f64;
        let moves = logs.iter().flatten().any(|moment| moment.active.is_some());
        let tap = |at: usize| {
            let taps: Vec<_> = ends.iter().filter_map(|end| end.taps.get(at)).collect();
            let first = taps.first()?;
            let pairs =
                taps.iter().enumerate().flat_map(|(i, a)| taps.iter().skip(i + 1).map(move |b| (a, b)));
            let agree: Option<Vec<f64>> = pairs.map(|(a, b)| correlation(&wide(a), &wide(b))).collect();
            let agree = agree.filter(|agree| moves && !agree.is_empty());
            let weight = |channel: usize| {
                let weights = taps.iter().filter_map(|tap| tap.weights.get(channel));
                weights.map(|weight| f64::from(*weight)).sum::<f64>() / count
            };
            Some(TapSelection {
                name: first.name.clone(),
                channels: first.weights.len(),
                weights: (0..first.weights.len()).map(weight).collect(),
                effective: taps.iter().map(|tap| tap.effective).sum::<f64>() / count,
                between_seeds: agree.map(|agree| agree.iter().sum::<f64>() / agree.len() as f64),
            })
        };
        let taps = (0..ends.first().map_or(0, |end| end.taps.len())).filter_map(tap).collect();
        let mean = |of: &dyn Fn(&Vec<SelectionLine>) -> Option<f64>| {
            let found: Option<Vec<f64>> = logs.iter().map(of).collect();
            Some(found?.iter().sum::<f64>() / count)
        };
        let first = mean(&|log| log.iter().find_map(|moment| moment.active));
        let last = mean(&|log| log.iter().rev().find_map(|moment| moment.active));
        let active = first.zip(last).map(|(first, last)| [first, last]);
        Ok(Some(Self { taps, active }))
    }

    /// Rank correlation with the weights of another, mean over the taps; `None` where the taps are not the same ones or
    /// all weights of one are equal.
    pub(super) fn agreement(&self, other: &Self) -> Option<f64> {
        if !self.taps.iter().map(|tap| &tap.name).eq(other.taps.iter().map(|tap| &tap.name)) {
            return None;
        }
        let by_tap = self.taps.iter().zip(&other.taps).map(|(a, b)| correlation(&a.weights, &b.weights));
        let by_tap: Option<Vec<f64>> = by_tap.collect();
        by_tap.filter(|all| !all.is_empty()).map(|all| all.iter().sum::<f64>() / all.len() as f64)
    }
}

fn wide(tap: &TapWeights) -> Vec<f64> {
    tap.weights.iter().copied().map(f64::from).collect()
}

fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let ranked = Ranked::new(a, b)?;
    ranked.spearman(&vec![1.0; ranked.len()])
}
