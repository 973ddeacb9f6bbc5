//! A number and how sure it is.

use rand::Rng;
use rand_distr::{ChiSquared, Distribution};
use serde::Serialize;

use super::quantile;

/// A number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Lower end of the interval: 2.5 % of the resamples lie below it. `None` where nothing can be said.
    pub low: Option<f64>,
    /// Upper end: 2.5 % of the resamples lie above it.
    pub high: Option<f64>,
}

impl Estimate {
    /// Of `value` and its `resamples`, which get sorted; of none there is no interval.
    pub(crate) fn new(value: f64, resamples: &mut [f64]) -> Self {
        resamples.sort_by(f64::total_cmp);
        let end = |share: f64| (!resamples.is_empty()).then(|| quantile(resamples, share));
        Self { value, low: end(0.025), high: end(0.975) }
    }

    /// Lower and upper end.
    pub fn interval(&self) -> Option<[f64; 2]> {
        Some([self.low?, self.high?])
    }

    /// Seen from the other side.
    #[must_use]
    pub fn negated(&self) -> Self {
        let minus = |end: Option<f64>| end.map(|end| -end);
        Self { value: -self.value, low: minus(self.high), high: minus(self.low) }
    }

    /// With an interval that stays where the number can be.
    #[must_use]
    pub(crate) fn within(self, least: f64, most: f64) -> Self {
        let clamped = |end: Option<f64>| end.map(|end| end.clamp(least, most));
        Self { low: clamped(self.low), high: clamped(self.high), ..self }
    }
}

/// By how much a resample of `n` things must be spread, so that few of them make nothing too sure: the deviation of few
/// values may be far from the true one, by a factor of `√(n/χ²)` with `n − 1` degrees of freedom. Scaled by that, means of
/// normal values are spread as Student's t ("The probable error of a mean", 1908).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    n: f64,
    chi_squared: ChiSquared<f64>,
}

impl Spread {
    /// Of at least two things; there is none of fewer.
    pub(crate) fn of(n: usize) -> Option<Self> {
        let freedom = n.checked_sub(1).filter(|freedom| *freedom > 0)?;
        Some(Self { n: n as f64, chi_squared: ChiSquared::new(freedom as f64).ok()? })
    }
}

impl Distribution<f64> for Spread {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        (self.n / self.chi_squared.sample(rng)).sqrt()
    }
}
