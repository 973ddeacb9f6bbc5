//! Peak signal-to-noise ratio.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::{Channels, cropped, numeric};
use crate::colour::studio_luma;
use crate::{Better, Image, Metric, MetricError, Srgb};

/// `10 · log10(1 / mean squared error)` in decibels for unit peak; infinite for identical images.
///
/// Super-resolution papers report Y with a border crop equal to the scale.
#[derive(Clone, Debug)]
pub struct Psnr {
    channels: Channels,
    crop: usize,
    name: String,
}

impl Psnr {
    /// On BT.601 luma, `crop` pixels cut off each side first (`psnr-y`).
    pub fn y(crop: usize) -> Self {
        Self::new(Channels::Y, crop)
    }

    /// On red, green and blue together, `crop` pixels cut off each side first (`psnr-rgb`).
    pub fn rgb(crop: usize) -> Self {
        Self::new(Channels::Rgb, crop)
    }

    fn new(channels: Channels, crop: usize) -> Self {
        Self { channels, crop, name: format!("psnr-{}", channels.suffix()) }
    }
}

impl Metric for Psnr {
    fn name(&self) -> &str {
        &self.name
    }

    fn protocol(&self) -> String {
        let label = self.name.to_uppercase();
        format!("{label}, {}, peak 255, crop {}", self.channels.describe(), self.crop)
    }

    fn better(&self) -> Better {
        Better::Higher
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "Huynh-Thu, Ghanbari, Scope of validity of PSNR in image/video quality assessment, 2008"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = cropped(self, (reference, test), self.crop, 1)?;
        let error = match self.channels {
            Channels::Y => {
                let luma = |[r, g, b]: &[f32; 3]| studio_luma(*r, *g, *b);
                mean_squared(a.data().as_chunks().0, b.data().as_chunks().0, luma)
            }
            Channels::Rgb => mean_squared(a.data(), b.data(), |value| *value),
        };
        numeric(self, -10.0 * error.log10())
    }
}

fn mean_squared<T: Sync>(a: &[T], b: &[T], value: impl Fn(&T) -> f32 + Sync) -> f64 {
    const LANES: usize = 8;
    const PART: usize = 1 << 14;
    // Parts in order, each in lanes that the processor adds at a time.
    let sums: Vec<f64> = a
        .par_chunks(PART)
        .zip(b.par_chunks(PART))
        .map(|(a, b)| {
            let square = |a: &T, b: &T| (f64::from(value(a)) - f64::from(value(b))).powi(2);
            let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
            let mut sums = [0.0; LANES];
            for (a, b) in a.iter().zip(b) {
                sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += square(a, b));
            }
            let rest = rest_a.iter().zip(rest_b).map(|(a, b)| square(a, b));
            sums.into_iter().chain(rest).sum()
        })
        .collect();
    sums.iter().sum::<f64>() / a.len() as f64
}
