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

    /// That both ends lie in `[min, max]`, in order.
    pub(super) fn check(self, field: &'static str, min: f64, max: f64) -> Result<(), ConfigError> {
        let (low, high) = self.bounds();
        if min <= low && low <= high && high <= max {
            return Ok(());
        }
        let got = match self {
            Self::Fixed(value) => value.to_string(),
            Self::Between([low, high]) => format!("[{low}, {high}]"),
        };
        Err(ConfigError {
            field,
            got,
            expected: format!("a number or [lowest, highest] from {min} to {max}"),
        })
    }
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
