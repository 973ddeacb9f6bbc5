//! A score of smaller pictures.

use std::ops::RangeInclusive;

use crate::resize::{Filter, resize};
use crate::{Better, Cost, Image, Metric, MetricError, Srgb};

/// Another score, of pictures that are first shrunk until their shorter side has so many pixels (`dists@256`). Smaller ones stay
/// as they are.
///
/// With 256 this is how Ding, Ma, Wang, Simoncelli, *Image Quality Assessment: Unifying Structure and Texture Similarity*, 2020, compare
/// DISTS with people: torchvision's `resize` of Pillow's image, an antialiased triangle, rounded to 8 bits. The longer side is rounded down.
pub struct Shrunk {
    metric: Box<dyn Metric>,
    side: usize,
    name: String,
}

impl Shrunk {
    /// `metric` of pictures with a shorter side of at most `side` pixels.
    #[must_use]
    pub fn new(metric: Box<dyn Metric>, side: usize) -> Self {
        let name = format!("{}@{side}", metric.name());
        Self { metric, side, name }
    }

    fn shrink(&self, image: &Image<Srgb>) -> Image<Srgb> {
        let (width, height) = image.size();
        let short = width.min(height);
        if short <= self.side {
            return image.clone();
        }
        let (width, height) = (self.side * width / short, self.side * height / short);
        resize(image, width, height, Filter::Bilinear).map(|v| (v * 255.0).round() / 255.0)
    }
}

impl Metric for Shrunk {
    fn name(&self) -> &str {
        &self.name
    }

    fn protocol(&self) -> String {
        format!(
            "of pictures shrunk to {} pixels on the shorter side (antialiased bilinear, 8 bits): {}",
            self.side,
            self.metric.protocol()
        )
    }

    fn better(&self) -> Better {
        self.metric.better()
    }

    fn range(&self) -> RangeInclusive<f64> {
        self.metric.range()
    }

    fn source(&self) -> &str {
        self.metric.source()
    }

    fn cost(&self) -> Cost {
        self.metric.cost()
    }

    fn needs_reference(&self) -> bool {
        self.metric.needs_reference()
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        // Before they are made alike.
        if self.needs_reference() && reference.size() != test.size() {
            return Err(MetricError::SizeMismatch { reference: reference.size(), test: test.size() });
        }
        let test = self.shrink(test);
        match self.needs_reference() {
            true => self.metric.score(&self.shrink(reference), &test),
            false => self.metric.score(&test, &test),
        }
    }
}
