//! How sure a scale is: the bootstrap over participants and photos at once.

use percept_image::rng_for;
use rand::RngExt;
use rayon::prelude::*;
use serde::Serialize;

use super::evidence::{Evidence, Weights};
use crate::stats::quantile;

/// A number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Lower end: 2.5 % of the resampled numbers lie below it.
    pub low: f64,
    /// Upper end: 2.5 % of the resampled numbers lie above it.
    pub high: f64,
}

/// A scale of all methods, and what became of it when others were asked about other photos.
#[derive(Clone, Debug)]
pub(super) struct Resampled {
    value: Vec<f64>,
    draws: Vec<Vec<f64>>,
}

impl Resampled {
    /// Draws participants and photos with replacement, independently, `resamples` times: an answer counts as often as
    /// its participant was drawn times as often as its photo was (Owen: The pigeonhole bootstrap, 2007). Where neither
    /// matters and all is noise, the intervals are too wide, never too narrow.
    pub fn new(
        evidence: &Evidence,
        resamples: usize,
        seed: u64,
        scale: impl Fn(&Weights) -> Vec<f64> + Sync,
    ) -> Self {
        let draw = |resample: usize| {
            let mut rng = rng_for(seed, resample as u64, 0);
            let mut drawn = |of: usize| {
                let mut counts = vec![0; of];
                (0..of).for_each(|_| counts[rng.random_range(0..of)] += 1);
                counts
            };
            let (participants, photos) = (drawn(evidence.participants), drawn(evidence.photos));
            scale(&Weights { participants, photos })
        };
        let draws = (0..resamples).into_par_iter().map(draw).collect();
        Self { value: scale(&evidence.once()), draws }
    }

    /// One method's number; `None` where there is none.
    pub fn estimate(&self, method: usize) -> Option<Estimate> {
        self.of(|scale| scale.get(method).copied()).map(|(estimate, _)| estimate)
    }

    /// By how much `a` lies above `b`, and the two-sided share of resamples in which it does not.
    pub fn difference(&self, a: usize, b: usize) -> Option<(Estimate, f64)> {
        let (estimate, sorted) = self.of(|scale| Some(scale.get(a)? - scale.get(b)?))?;
        let against =
            sorted.iter().filter(|d| **d <= 0.0).count().min(sorted.iter().filter(|d| **d >= 0.0).count());
        Some((estimate, (2.0 * (against + 1) as f64 / (sorted.len() + 1) as f64).min(1.0)))
    }

    fn of(&self, number: impl Fn(&[f64]) -> Option<f64>) -> Option<(Estimate, Vec<f64>)> {
        let value = number(&self.value).filter(|value| value.is_finite())?;
        // A method may be missing from a resample.
        let mut sorted: Vec<f64> =
            self.draws.iter().filter_map(|scale| number(scale)).filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (quantile(&sorted, 0.025), quantile(&sorted, 0.975));
        Some((Estimate { value, low, high }, sorted))
    }
}

/// Holm's correction (A Simple Sequentially Rejective Multiple Test Procedure, 1979): of `shares`, the chance that any
/// of them, or of those below, would be so small if nothing were different.
pub(super) fn holm(shares: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = shares.iter().copied().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut corrected = vec![1.0; shares.len()];
    let mut largest: f64 = 0.0;
    for (rank, (at, share)) in order.into_iter().enumerate() {
        largest = largest.max(((shares.len() - rank) as f64 * share).min(1.0));
        corrected[at] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_is_that_of_the_textbook() {
        // 4 × 0.005, 3 × 0.01, then 2 × 0.03 and 0.04, which may not be smaller than the one before.
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (got, expected) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((got - expected).abs() < 1e-12, "{corrected:?}");
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
