//! Structural similarity.

use std::ops::RangeInclusive;

use super::plane::Plane;
use super::window::{WINDOW, local, similarity};
use super::{Channels, cropped, numeric, pair};
use crate::{Better, Difference, Image, Metric, MetricError, Spatial, Srgb};

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

    fn spatial(&self) -> Option<&dyn Spatial> {
        Some(self)
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = cropped(self, (reference, test), self.crop, WINDOW)?;
        let (a, b) = (Plane::of(&a, self.channels), Plane::of(&b, self.channels));
        let sum: f64 = a.iter().zip(&b).map(|(a, b)| similarity(a, b).full).sum();
        numeric(self, sum / a.len() as f64)
    }
}

/// 1 − SSIM of the window around each pixel, from 0 to 2; pixels near the edge have the nearest window that fits.
impl Spatial for Ssim {
    fn map(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<Image<Difference>, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, WINDOW)?;
        let (width, height) = a.size();
        let (a, b) = (Plane::of(&a, self.channels), Plane::of(&b, self.channels));
        let channels: Vec<_> = a.iter().zip(&b).map(|(a, b)| local(a, b)).collect();
        // Windows a row, and the window whose middle is a pixel.
        let columns = width + 1 - WINDOW;
        let nearest = |at: usize, side: usize| at.saturating_sub(WINDOW / 2).min(side - WINDOW);
        Ok(Image::from_fn(width, height, |x, y, _| {
            let at = nearest(y, height) * columns + nearest(x, width);
            let sum: f64 = channels.iter().map(|values| values[at]).sum();
            (1.0 - sum / channels.len() as f64) as f32
        }))
    }

    fn white(&self) -> f32 {
        1.0
    }
}
