//! Energy in octave bands: texture that was lost or invented.

use std::ops::RangeInclusive;

use super::filter::{BINOMIAL, Border, filtered};
use super::plane::Plane;
use super::{numeric, pair};
use crate::{Better, Difference, Image, Metric, MetricError, Spatial, Srgb};

/// Octaves from the finest: periods of about 2 to 4, 4 to 8, 8 to 16 and 16 to 32 pixels.
const BANDS: usize = 4;
/// The coarsest band still has more than one place from this side on.
const MIN_SIDE: usize = 33;
/// What counts as no energy, in squared 8-bit levels: differences that are hardly seen.
const UNSEEN: f64 = 1.0;

/// Error of the local energy in octave bands, in decibels (`band-energy`): how much texture was lost or invented, whatever it
/// looks like. 0 for equal images; 3 is half or twice the energy everywhere. Needs 33 pixels a side.
///
/// Of BT.601 luma of range 255, a pyramid by the filter 1 4 6 4 1 (Anderson's filter, subtract, decimate): a band is a level less
/// its filtered self. Its squares, filtered and halved twice, are local energies E. The score is the mean over places, then over four
/// bands, of `|10 log₁₀((E_test + 1) / (E_reference + 1))|`.
#[derive(Clone, Debug)]
pub struct BandEnergy {
    crop: usize,
}

impl BandEnergy {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }

    /// The signed error of each band in decibels, the finest first: below 0 where texture was lost, above where it was invented.
    ///
    /// # Errors
    /// As [`score`](Metric::score).
    pub fn bands(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<[f64; BANDS], MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        Ok(errors(&a, &b).map(|band| mean(band.data.into_iter())))
    }
}

impl Metric for BandEnergy {
    fn name(&self) -> &str {
        "band-energy"
    }

    fn protocol(&self) -> String {
        format!(
            "Band energy error in dB, BT.601 full-range luma of range 255, 4 octaves by 1 4 6 4 1 (filter, subtract, decimate), local energies filtered and halved twice, mean of |10 log10((E + 1)/(E of the reference + 1))|, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        // From nothing to 255² everywhere.
        0.0..=48.2
    }

    fn source(&self) -> &str {
        "percept's own; bands as in Anderson, Adelson, Bergen, Burt, van der Wal, Pyramid Methods in Image Processing, 1984"
    }

    fn spatial(&self) -> Option<&dyn Spatial> {
        Some(self)
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let bands = errors(&a, &b).map(|band| mean(band.data.into_iter().map(f64::abs)));
        numeric(self, mean(bands.into_iter()))
    }
}

/// The mean of the bands' errors at the place nearest to a pixel, in decibels.
impl Spatial for BandEnergy {
    fn map(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<Image<Difference>, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let (width, height) = a.size();
        let bands = errors(&a, &b);
        Ok(Image::from_fn(width, height, |x, y, _| {
            let here = bands.iter().enumerate().map(|(octave, band)| {
                let nearest = |at: usize, side: usize| ((at + (2 << octave)) >> (octave + 2)).min(side - 1);
                band.row(nearest(y, band.height))[nearest(x, band.width)].abs()
            });
            mean(here) as f32
        }))
    }

    fn white(&self) -> f32 {
        10.0
    }
}

/// Signed errors of the local energies, band by band.
fn errors(reference: &Image<Srgb>, test: &Image<Srgb>) -> [Plane; BANDS] {
    let (mut a, mut b) = (Plane::luma(reference), Plane::luma(test));
    std::array::from_fn(|_| {
        let (mut error, of_reference) = (energy(&mut b), energy(&mut a));
        let values = error.data.iter_mut().zip(&of_reference.data);
        values.for_each(|(v, own)| *v = 10.0 * ((*v + UNSEEN) / (own + UNSEEN)).log10());
        error
    })
}

/// The local energy of a level's band; the level becomes the next one.
fn energy(level: &mut Plane) -> Plane {
    let low = filtered(level, &BINOMIAL, Border::Mirror, 1);
    let (width, height) = (level.width.div_ceil(2), level.height.div_ceil(2));
    let rows = (0..low.height).step_by(2).flat_map(|y| low.row(y).iter().step_by(2));
    let next = Plane { width, height, data: rows.copied().collect() };
    let mut band = std::mem::replace(level, next);
    band.data.iter_mut().zip(&low.data).for_each(|(v, low)| *v = (*v - low) * (*v - low));
    filtered(&filtered(&band, &BINOMIAL, Border::Mirror, 2), &BINOMIAL, Border::Mirror, 2)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
