//! Classical scores: of a picture against its reference, and of a picture alone.

mod band_energy;
mod brisque;
mod butteraugli;
mod ciede2000;
mod dss;
mod filter;
mod flip;
mod fsim;
mod gmsd;
mod gradient;
mod grid;
mod haarpsi;
mod iw_ssim;
mod lab;
mod mdsi;
mod ms_ssim;
mod natural;
mod niqe;
mod nlpd;
mod noise;
mod phase;
mod piqe;
mod plane;
mod pool;
mod psnr;
mod pyramid;
mod saliency;
mod shift;
mod shrunk;
pub(crate) mod spectrum;
mod ssim;
mod ssimulacra2;
mod total_variation;
mod vif;
mod vsi;
mod window;

pub use self::butteraugli::Butteraugli;
pub use band_energy::BandEnergy;
pub use brisque::Brisque;
pub use ciede2000::Ciede2000;
pub use dss::Dss;
pub use flip::Flip;
pub use fsim::Fsim;
pub use gmsd::{Gmsd, MsGmsd};
pub use grid::Grid;
pub use haarpsi::HaarPsi;
pub use iw_ssim::IwSsim;
pub use mdsi::Mdsi;
pub use ms_ssim::MsSsim;
pub use niqe::Niqe;
pub use nlpd::Nlpd;
pub use noise::Noise;
pub use piqe::Piqe;
pub use psnr::Psnr;
pub use shift::Shift;
pub use shrunk::Shrunk;
pub use ssim::Ssim;
pub use ssimulacra2::Ssimulacra2;
pub use total_variation::TotalVariation;
pub use vif::Vifp;
pub use vsi::Vsi;

use std::borrow::Cow;

use rayon::prelude::*;

use crate::{Image, Metric, MetricError, Srgb};

/// Which values a score compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channels {
    /// BT.601 luma in studio range.
    Y,
    /// Red, green and blue, each by itself.
    Rgb,
}

impl Channels {
    fn suffix(self) -> &'static str {
        match self {
            Self::Y => "y",
            Self::Rgb => "rgb",
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Y => "BT.601 studio-range Y of [16, 235], unrounded",
            Self::Rgb => "RGB",
        }
    }
}

/// What is left of an image without its border.
type Part<'a> = Cow<'a, Image<Srgb>>;

/// A pair checked for equal size and for `min` pixels a side after the border crop, then cropped.
fn cropped<'a>(
    metric: &dyn Metric,
    (reference, test): (&'a Image<Srgb>, &'a Image<Srgb>),
    crop: usize,
    min: usize,
) -> Result<(Part<'a>, Part<'a>), MetricError> {
    if reference.size() != test.size() {
        return Err(MetricError::SizeMismatch { reference: reference.size(), test: test.size() });
    }
    Ok((inner(metric, reference, crop, min)?, inner(metric, test, crop, min)?))
}

/// The same, and of numbers alone: for scores in which a NaN could get lost.
fn pair<'a>(
    metric: &dyn Metric,
    images: (&'a Image<Srgb>, &'a Image<Srgb>),
    crop: usize,
    min: usize,
) -> Result<(Part<'a>, Part<'a>), MetricError> {
    let (reference, test) = cropped(metric, images, crop, min)?;
    finite(metric, &reference)?;
    finite(metric, &test)?;
    Ok((reference, test))
}

/// An image without its border, checked for `min` pixels a side and for numbers: for scores without reference.
fn alone<'a>(
    metric: &dyn Metric,
    image: &'a Image<Srgb>,
    crop: usize,
    min: usize,
) -> Result<Part<'a>, MetricError> {
    let image = inner(metric, image, crop, min)?;
    finite(metric, &image)?;
    Ok(image)
}

fn inner<'a>(
    metric: &dyn Metric,
    image: &'a Image<Srgb>,
    crop: usize,
    min: usize,
) -> Result<Part<'a>, MetricError> {
    let (width, height) = image.size();
    let got = width.min(height).saturating_sub(crop.saturating_mul(2));
    if got < min {
        return Err(MetricError::TooSmall { metric: metric.name().to_owned(), min, got, crop });
    }
    Ok(match crop {
        0 => Cow::Borrowed(image),
        _ => Cow::Owned(image.crop(crop, crop, width - 2 * crop, height - 2 * crop)),
    })
}

fn finite(metric: &dyn Metric, image: &Image<Srgb>) -> Result<(), MetricError> {
    // By the bits of the exponent, which takes a tenth of the time that a test of each value takes.
    let largest = |values: &[f32]| values.iter().fold(0, |most, v| most.max(v.to_bits() & 0x7fff_ffff));
    if image.data().par_chunks(1 << 16).all(|part| largest(part) < f32::INFINITY.to_bits()) {
        return Ok(());
    }
    let value = image.data().iter().find(|v| !v.is_finite()).map_or(f64::NAN, |v| f64::from(*v));
    Err(MetricError::NotFinite { metric: metric.name().to_owned(), value })
}

/// The value, unless it is NaN.
fn numeric(metric: &dyn Metric, value: f64) -> Result<f64, MetricError> {
    if value.is_nan() {
        return Err(MetricError::NotFinite { metric: metric.name().to_owned(), value });
    }
    Ok(value)
}

/// Sums over `rows` rows, computed by all cores and added in order, so that the number of threads does not show in the
/// last digit.
fn sum_rows<const N: usize>(rows: usize, of: impl Fn(usize) -> [f64; N] + Send + Sync) -> [f64; N] {
    let sums: Vec<[f64; N]> = (0..rows).into_par_iter().map(of).collect();
    sums.iter().fold([0.0; N], |sum, row| std::array::from_fn(|k| sum[k] + row[k]))
}

/// `(2ab + c) / (a² + b² + c)`, which is 1 for equal numbers.
fn similarity(a: f64, b: f64, c: f64) -> f64 {
    (2.0 * a * b + c) / (a * a + b * b + c)
}

/// The sum of `of(a, b)` over two slices, as far as the shorter one goes, in lanes that the processor adds at a time.
fn lane_sum(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32) -> f64 {
    const LANES: usize = 16;
    let count = a.len().min(b.len());
    let ((a, rest_a), (b, rest_b)) = (a[..count].as_chunks::<LANES>(), b[..count].as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    pulp::Arch::new().dispatch(|| {
        for (a, b) in a.iter().zip(b) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += of(*a, *b);
            }
        }
    });
    let rest = rest_a.iter().zip(rest_b).map(|(a, b)| of(*a, *b));
    sums.into_iter().chain(rest).map(f64::from).sum()
}
