//! DISTS as a score.

use std::ops::RangeInclusive;

use percept_image::{Better, Cost, Image, Metric, MetricError, Srgb};

use super::score::score;
use crate::distance::Dists;

impl Metric for Dists {
    fn name(&self) -> &str {
        "dists"
    }

    fn protocol(&self) -> String {
        self.protocol.clone()
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=1.0
    }

    fn source(&self) -> &str {
        "Ding, Ma, Wang, Simoncelli, Image Quality Assessment: Unifying Structure and Texture Similarity, 2020"
    }

    fn cost(&self) -> Cost {
        Cost::Network
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        score(self.name(), self.min_side(), &self.device, reference, test, |a, b| self.distance(a, b))
    }
}
