//! LPIPS, and the plain distance, as scores.

use std::ops::RangeInclusive;

use percept_conv::unit_distance;
use percept_image::resize::{Filter, resize};
use percept_image::{Better, Cost, Difference, Image, Metric, MetricError, Spatial, Srgb};

use super::score::{checked, score};
use crate::distance::Lpips;
use crate::distance::lpips::EPSILON;

impl Metric for Lpips {
    fn name(&self) -> &str {
        self.name
    }

    fn protocol(&self) -> String {
        self.protocol.clone()
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "Zhang, Isola, Efros, Shechtman, Wang, The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, 2018"
    }

    fn cost(&self) -> Cost {
        Cost::Network
    }

    fn spatial(&self) -> Option<&dyn Spatial> {
        Some(self)
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        score(self.name, self.min_side(), &self.device, reference, test, |a, b| self.distance(a, b))
    }
}

/// The distances of all taps at every pixel, each tap's interpolated linearly from its positions. Their mean is near the
/// score, and equals it where every position stands for as many pixels.
impl Spatial for Lpips {
    fn map(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<Image<Difference>, MetricError> {
        let [a, b] = checked(self.name, self.min_side(), &self.device, reference, test)?;
        let (width, height) = reference.size();
        let (mut a, mut b) = (self.trunk.input(a), self.trunk.input(b));
        let mut map = Image::<Difference>::from_fn(width, height, |_, _, _| 0.0);
        for (stage, head) in self.heads.iter().enumerate() {
            a = self.trunk.stage(stage, a);
            b = self.trunk.stage(stage, b);
            let [_, rows, columns, _] = a.dims();
            let tap = unit_distance(a.clone(), b.clone(), head.clone(), EPSILON);
            let tap: Vec<f32> = tap.into_data().iter::<f32>().collect();
            let tap = Image::<Difference>::from_fn(columns, rows, |x, y, _| tap[y * columns + x]);
            let tap = resize(&tap, width, height, Filter::Bilinear);
            map.data_mut().iter_mut().zip(tap.data()).for_each(|(sum, value)| *sum += value);
        }
        Ok(map)
    }

    fn white(&self) -> f32 {
        self.white
    }
}
