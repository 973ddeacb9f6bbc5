//! Structural similarity.

use std::ops::RangeInclusive;

use super::plane::Plane;
use super::window::{WINDOW, similarity};
use super::{Channels, cropped, numeric};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// Structural similarity (Wang, Bovik, Sheikh, Simoncelli, *Image Quality Assessment: From Error Visibility to
/// Structural Similarity*, 2004): 11×11 Gaussian window of σ = 1.5, windows that fit inside the image, no shrinking
/// beforehand. For RGB the mean of the three channels. At most 1, which is identical.
#[derive(Clone, Debug)]
pub struct Ssim {
    channels: Channels,
    crop: usize,
    name: String,
}

impl Ssim {
    /// On BT.601 luma, `crop` pixels cut off each side first (`ssim-y`).
    pub fn y(crop: usize) -> Self {
        Self::new(Channels::Y, crop)
    }

    /// On red, green and blue, `crop` pixels cut off each side first (`ssim-rgb`).
    pub fn rgb(crop: usize) -> Self {
        Self::new(Channels::Rgb, crop)
    }

    fn new(channels: Channels, crop: usize) -> Self {
        Self { channels, crop, name: format!("ssim-{}", channels.suffix()) }
    }
}

impl Metric for Ssim {
    fn name(&self) -> &str {
        &self.name
    }

    fn protocol(&self) -> String {
        let label = self.name.to_uppercase();
        let (values, crop) = (self.channels.describe(), self.crop);
        format!("{label}, {values}, range 255, Gaussian window 11×11 σ 1.5, valid positions, crop {crop}")
    }

    fn better(&self) -> Better {
        Better::Higher
    }

    fn range(&self) -> RangeInclusive<f64> {
        -1.0..=1.0
    }

    fn source(&self) -> &str {
        "Wang, Bovik, Sheikh, Simoncelli, Image Quality Assessment: From Error Visibility to Structural Similarity, 2004"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = cropped(self, (reference, test), self.crop, WINDOW)?;
        let (a, b) = (Plane::of(&a, self.channels), Plane::of(&b, self.channels));
        let sum: f64 = a.iter().zip(&b).map(|(a, b)| similarity(a, b).full).sum();
        numeric(self, sum / a.len() as f64)
    }
}
