//! What tables of scores say, and how sure that is.
//!
//! Every interval here is a bootstrap's, scaled so that few photos, seeds, references or people make nothing too sure.
//! [`crossed_bootstrap`] is for the difference of two results on the same photos, with one seed or several;
//! [`cluster_bootstrap`] for a statistic of rows that belong together, [`cluster_differences`] for those of several. [`outcomes`] says which of a page's differences are
//! more than chance, corrected by [`holm`]. [`Ranked`], [`pearson`] and [`Logistic`] are how far scores agree with people.

mod cluster;
mod crossed;
mod estimate;
mod logistic;
mod outcome;
mod rank;
mod tail;

pub use cluster::{Apart, cluster_bootstrap, cluster_differences};
pub use crossed::{Effect, FEWEST_PHOTOS, crossed_bootstrap};
pub use estimate::Estimate;
pub(crate) use estimate::Spread;
pub use logistic::{Curve, Logistic};
pub use outcome::{LEVEL, Outcome, holm, is_gain, outcomes};
pub use rank::{Concordance, Ranked, pearson};

/// Resamples of the intervals of a page of differences.
pub const RESAMPLES: usize = 10_000;

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
    fn quantiles_are_linear_between_neighbours() {
        // Of four values, the share s lies at index 3 s: 0.075, 1.5 and 2.925.
        let sorted = [0.0, 1.0, 2.0, 10.0];
        for (share, expected) in [(0.025, 0.075), (0.5, 1.5), (0.975, 9.4)] {
            assert!((quantile(&sorted, share) - expected).abs() < 1e-12);
        }
    }
}
