//! A number of a configuration, fixed or drawn for every image.

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::Rng;

/// A strength: a number, or `[lowest, highest]` to draw one evenly for every image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number or [lowest, highest]")]
pub enum Strength {
    /// Always this.
    Fixed(f64),
    /// Drawn evenly from lowest to highest.
    Between([f64; 2]),
}

impl Strength {
    /// The value for one image. A fixed strength draws nothing.
    pub fn sample(self, rng: &mut Rng) -> f64 {
        match self {
            Self::Fixed(value) => value,
            Self::Between([low, high]) => low + (high - low) * rng.random::<f64>(),
        }
    }

    /// Lowest and highest value.
    pub fn bounds(self) -> (f64, f64) {
        match self {
            Self::Fixed(value) => (value, value),
            Self::Between([low, high]) => (low, high),
        }
    }

    /// One of the odd numbers from lowest to highest.
    pub(super) fn sample_odd(self, rng: &mut Rng) -> usize {
        let half = |value: f64| value.max(1.0) as usize / 2;
        match self {
            Self::Fixed(value) => 2 * half(value) + 1,
            Self::Between([low, high]) => 2 * rng.random_range(half(low)..=half(high).max(half(low))) + 1,
        }
    }

    /// That both ends are odd numbers in `[min, max]`, in order.
    pub(super) fn check_odd(self, field: &'static str, min: u32, max: u32) -> Result<(), ConfigError> {
        let (low, high) = self.bounds();
        self.check(field, f64::from(min), f64::from(max))?;
        if [low, high].iter().all(|end| end % 2.0 == 1.0) {
            return Ok(());
        }
        Err(ConfigError::new(field, self, format!("odd numbers from {min} to {max}")))
    }

    /// That both ends lie in `[min, max]`, in order.
    pub(super) fn check(self, field: &'static str, min: f64, max: f64) -> Result<(), ConfigError> {
        let (low, high) = self.bounds();
        if min <= low && low <= high && high <= max {
            return Ok(());
        }
        Err(ConfigError::new(field, self, format!("a number or [lowest, highest] from {min} to {max}")))
    }
}

impl std::fmt::Display for Strength {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(value) => write!(f, "{value}"),
            Self::Between([low, high]) => write!(f, "[{low}, {high}]"),
        }
    }
}

/// That a probability is one.
pub(super) fn check_prob(field: &'static str, prob: f64) -> Result<(), ConfigError> {
    match (0.0..=1.0).contains(&prob) {
        true => Ok(()),
        false => Err(ConfigError::new(field, prob, "a number from 0 to 1")),
    }
}

/// Whether something of that probability happens. What never or always happens draws nothing.
pub(super) fn happens(prob: f64, rng: &mut Rng) -> bool {
    prob > 0.0 && (prob >= 1.0 || rng.random::<f64>() < prob)
}

impl From<f64> for Strength {
    fn from(value: f64) -> Self {
        Self::Fixed(value)
    }
}

impl From<[f64; 2]> for Strength {
    fn from(ends: [f64; 2]) -> Self {
        Self::Between(ends)
    }
}
