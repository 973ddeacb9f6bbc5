//! What tables of scores say, and how sure that is.
//!
//! [`paired_bootstrap`] is the difference of two results on the same photos (the percentile bootstrap, Efron, 1979),
//! [`crossed_bootstrap`] the same over seeds too; [`holm`] keeps many such comparisons honest. [`Ranked`], [`pearson`]
//! and [`Logistic`] are how far scores agree with people, [`cluster_bootstrap`] how sure that is.

mod cluster;
mod crossed;
mod logistic;
mod rank;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

pub use cluster::{Estimate, cluster_bootstrap};
pub use crossed::{Effect, crossed_bootstrap};
pub use logistic::{Curve, Logistic};
pub use rank::{Concordance, Ranked, pearson};

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Lower end: 2.5 % of the resampled means lie below it.
    pub low: f64,
    /// Upper end: 2.5 % of the resampled means lie above it.
    pub high: f64,
}

impl Interval {
    /// Whether the interval lies on one side of 0.
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// The mean of `a − b`, photo by photo: `a[i]` and `b[i]` are scores of the same photo, so what makes a photo
/// easy or hard cancels out. `None` when there are no photos, the lengths differ or a difference is not finite.
///
/// Photos are drawn `resamples` times with replacement, by `seed`. The interval speaks about photos like these,
/// not about other training runs.
pub fn paired_bootstrap(a: &[f64], b: &[f64], resamples: usize, seed: u64) -> Option<Interval> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    (a.len() == b.len()).then(|| bootstrap_mean(&differences, resamples, seed))?
}

/// The mean of `values`, as [`paired_bootstrap`]. `None` when there are none or one is not finite.
pub fn bootstrap_mean(values: &[f64], resamples: usize, seed: u64) -> Option<Interval> {
    let n = values.len();
    if n == 0 || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mean = |sum: f64| sum / n as f64;
    let mut draw = || mean((0..n).filter_map(|_| values.get(rng.random_range(0..n))).sum());
    let mut means: Vec<f64> = (0..resamples.max(1)).map(|_| draw()).collect();
    means.sort_by(f64::total_cmp);
    Some(Interval {
        mean: mean(values.iter().sum()),
        low: quantile(&means, 0.025),
        high: quantile(&means, 0.975),
    })
}

/// Holm's correction of the p-values of several questions, in their order: each is as large as it must be for the
/// chance of a single wrong answer among all to stay below it (Holm, "A simple sequentially rejective multiple test
/// procedure", 1979).
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let (mut adjusted, mut largest) = (vec![1.0; p.len()], 0.0f64);
    for (before, at) in order.into_iter().enumerate() {
        largest = largest.max(p[at] * (p.len() - before) as f64);
        adjusted[at] = largest.min(1.0);
    }
    adjusted
}

/// The quantile of sorted values, linear between neighbours (numpy's default).
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let value = |index: usize| sorted.get(index).or(sorted.last()).copied().unwrap_or(f64::NAN);
    let (low, high) = (value(at.floor() as usize), value(at.ceil() as usize));
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_photos_leave_no_doubt_and_bad_input_gives_nothing() {
        let sure = paired_bootstrap(&[3.0, 4.0, 5.0], &[1.0, 2.0, 3.0], 100, 0).unwrap();
        assert_eq!(sure, Interval { mean: 2.0, low: 2.0, high: 2.0 });
        assert!(sure.excludes_zero());
        assert_eq!(paired_bootstrap(&[], &[], 100, 0), None);
        assert_eq!(paired_bootstrap(&[1.0], &[1.0, 2.0], 100, 0), None);
        assert_eq!(paired_bootstrap(&[f64::INFINITY], &[1.0], 100, 0), None);
        assert!(!bootstrap_mean(&[-1.0, 1.0], 1000, 0).unwrap().excludes_zero());
    }

    #[test]
    fn quantiles_are_linear_between_neighbours() {
        // Of four values, the share s lies at index 3 s: 0.075, 1.5 and 2.925.
        let sorted = [0.0, 1.0, 2.0, 10.0];
        for (share, expected) in [(0.025, 0.075), (0.5, 1.5), (0.975, 9.4)] {
            assert!((quantile(&sorted, share) - expected).abs() < 1e-12);
        }
    }

    /// For two photos there are three means: the smaller value, the middle and the larger one, with probability
    /// 1/4, 1/2 and 1/4. For many photos the interval is that of the normal distribution, ±1.96 σ/√n.
    #[test]
    fn intervals_are_those_of_theory() {
        let two = bootstrap_mean(&[0.0, 1.0], 2000, 1).unwrap();
        assert_eq!((two.mean, two.low, two.high), (0.5, 0.0, 1.0));
        let values: Vec<f64> = (0..400).map(|i| ((i * 37) % 400) as f64 / 400.0).collect();
        let many = bootstrap_mean(&values, 4000, 2).unwrap();
        let half = 1.96 * (1.0f64 / 12.0).sqrt() / 20.0;
        assert!((many.high - many.mean - half).abs() < 0.1 * half, "{many:?}, {half}");
        assert!((many.mean - many.low - half).abs() < 0.1 * half, "{many:?}, {half}");
    }

    #[test]
    fn pairs_are_surer_than_two_separate_sets() {
        // Photos differ by much, the two results on each of them by little.
        let a: Vec<f64> = (0..20).map(|i| f64::from(i * 7 % 20)).collect();
        let b: Vec<f64> = a.iter().enumerate().map(|(i, a)| a - 0.1 - 0.01 * (i % 3) as f64).collect();
        let paired = paired_bootstrap(&a, &b, 1000, 3).unwrap();
        let shuffled: Vec<f64> = b.iter().rev().copied().collect();
        let unpaired = paired_bootstrap(&a, &shuffled, 1000, 3).unwrap();
        assert!(paired.excludes_zero() && !unpaired.excludes_zero(), "{paired:?} {unpaired:?}");
    }

    /// What a 95 % interval promises: over many sets of photos, it holds the true mean in about 95 % of them
    /// (the percentile bootstrap of 40 values: a little less).
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_promise() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut held = 0;
        let sets = 1000;
        for set in 0..sets {
            // The sum of three dice: mean 10.5.
            let photos: Vec<f64> =
                (0..40).map(|_| (0..3).map(|_| f64::from(rng.random_range(1..=6))).sum()).collect();
            let interval = bootstrap_mean(&photos, 400, set).unwrap();
            held += usize::from((interval.low..=interval.high).contains(&10.5));
        }
        let rate = held as f64 / sets as f64;
        assert!((0.92..0.965).contains(&rate), "{rate}");
    }

    #[test]
    fn the_seed_alone_decides() {
        let values = [0.3, 0.9, 0.1, 0.4, 0.7];
        assert_eq!(bootstrap_mean(&values, 300, 5), bootstrap_mean(&values, 300, 5));
        assert_ne!(bootstrap_mean(&values, 300, 5), bootstrap_mean(&values, 300, 6));
    }
}
