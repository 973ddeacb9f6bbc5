//! Structural similarity at several scales.

use std::ops::RangeInclusive;

use super::plane::{Outside, Plane};
use super::window::{WINDOW, similarity};
use super::{Channels, cropped, numeric};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// Exponents of the five scales, finest first, as the paper gives them.
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// The coarsest scale, four halvings (rounded up) down, still holds a window from this side on.
const MIN_SIDE: usize = (WINDOW - 1) * 16 + 1;

/// Multi-scale structural similarity (Wang, Simoncelli, Bovik, *Multiscale structural similarity for image quality
/// assessment*, 2003): contrast and structure at five scales, luminance at the coarsest, each to the power of its weight.
///
/// Scales are halved by 2×2 means (an odd last row or column counted twice); a scale's negative similarity counts as 0.
/// For RGB the mean of the three channels. Needs 161 pixels a side.
#[derive(Clone, Debug)]
pub struct MsSsim {
    channels: Channels,
    crop: usize,
    name: String,
}

impl MsSsim {
    /// On BT.601 luma, `crop` pixels cut off each side first (`ms-ssim-y`).
    pub fn y(crop: usize) -> Self {
        Self::new(Channels::Y, crop)
    }

    /// On red, green and blue, `crop` pixels cut off each side first (`ms-ssim-rgb`).
    pub fn rgb(crop: usize) -> Self {
        Self::new(Channels::Rgb, crop)
    }

    fn new(channels: Channels, crop: usize) -> Self {
        Self { channels, crop, name: format!("ms-ssim-{}", channels.suffix()) }
    }
}

impl Metric for MsSsim {
    fn name(&self) -> &str {
        &self.name
    }

    fn protocol(&self) -> String {
        let label = self.name.to_uppercase();
        let (values, crop) = (self.channels.describe(), self.crop);
        format!(
            "{label}, {values}, range 255, 5 scales by 2×2 means, Gaussian window 11×11 σ 1.5, valid positions, crop {crop}"
        )
    }

    fn better(&self) -> Better {
        Better::Higher
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=1.0
    }

    fn source(&self) -> &str {
        "Wang, Simoncelli, Bovik, Multiscale Structural Similarity for Image Quality Assessment, 2003"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = cropped(self, (reference, test), self.crop, MIN_SIDE)?;
        let (a, b) = (Plane::of(&a, self.channels), Plane::of(&b, self.channels));
        let count = a.len() as f64;
        let sum: f64 = a.into_iter().zip(b).map(|(a, b)| over_scales(a, b)).sum();
        numeric(self, sum / count)
    }
}

fn over_scales(mut a: Plane, mut b: Plane) -> f64 {
    let mut product = 1.0;
    for (scale, weight) in WEIGHTS.iter().enumerate() {
        let here = similarity(&a, &b);
        let last = scale + 1 == WEIGHTS.len();
        // Not `max`: that would turn a NaN into 0.
        let value = if last { here.full } else { here.contrast };
        product *= if value < 0.0 { 0.0 } else { value.powf(*weight) };
        if !last {
            (a, b) = (a.halved(Outside::Edge), b.halved(Outside::Edge));
        }
    }
    product
}
