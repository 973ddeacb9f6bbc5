//! What tells whether two photos are the same.

use std::f32::consts::PI;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::luma;
use crate::resize::imresize;
use crate::{Image, Srgb};

/// Side of the small picture, and of its lowest frequencies that count.
const SIDE: usize = 32;
const FREQUENCIES: usize = 8;
/// Bits of 63 that may differ between two versions of one photo.
const BITS: u32 = 8;
/// Correlation of the small pictures of two versions of one photo, at least.
const ALIKE: f32 = 0.985;

/// What tells whether two photos are the same, pixel by pixel or nearly.
#[derive(Clone, Debug, PartialEq)]
pub struct Fingerprint {
    pixels: u64,
    bits: u64,
    /// The small picture, of mean 0 and norm 1; `None` where it is flat.
    small: Option<Vec<f32>>,
}

impl Fingerprint {
    /// Of a photo: a hash of its pixels, and one of what it looks like at 32×32 pixels: which of the 63 lowest frequencies of
    /// its cosine transform are above their median (Zauner, *Implementation and Benchmarking of Perceptual Image Hash
    /// Functions*, 2010).
    pub fn of(image: &Image<Srgb>) -> Self {
        let mut hasher = DefaultHasher::new();
        image.size().hash(&mut hasher);
        image.data().iter().for_each(|value| value.to_bits().hash(&mut hasher));
        let small = luma(&imresize(image, SIDE, SIDE));
        Self { pixels: hasher.finish(), bits: bits(&small), small: normalized(small) }
    }

    /// Whether both have the same pixels.
    pub fn is_same(&self, other: &Self) -> bool {
        self.pixels == other.pixels
    }

    /// Whether both look the same though sizes, compression, brightness or small details differ. Flat photos never do.
    pub fn is_alike(&self, other: &Self) -> bool {
        if (self.bits ^ other.bits).count_ones() > BITS {
            return false;
        }
        let Some((a, b)) = self.small.as_ref().zip(other.small.as_ref()) else { return false };
        a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>() > ALIKE
    }
}

/// The lowest frequencies above their median, without the mean.
fn bits(small: &[f32]) -> u64 {
    let wave = |k: usize, at: usize| (PI * k as f32 * (at as f32 + 0.5) / SIDE as f32).cos();
    let rows: Vec<[f32; FREQUENCIES]> = small
        .chunks_exact(SIDE)
        .map(|row| std::array::from_fn(|k| row.iter().enumerate().map(|(at, v)| v * wave(k, at)).sum()))
        .collect();
    let values: Vec<f32> = (1..FREQUENCIES * FREQUENCIES)
        .map(|k| {
            let (x, y) = (k % FREQUENCIES, k / FREQUENCIES);
            rows.iter().enumerate().map(|(at, row)| row[x] * wave(y, at)).sum()
        })
        .collect();
    let mut sorted = values.clone();
    sorted.sort_by(f32::total_cmp);
    let median = sorted[sorted.len() / 2];
    values.iter().fold(0, |bits, value| bits << 1 | u64::from(*value > median))
}

fn normalized(mut small: Vec<f32>) -> Option<Vec<f32>> {
    let mean = small.iter().sum::<f32>() / small.len() as f32;
    small.iter_mut().for_each(|v| *v -= mean);
    let norm = small.iter().map(|v| v * v).sum::<f32>().sqrt();
    // A deviation of one level.
    let flat = norm < SIDE as f32 / 255.0;
    small.iter_mut().for_each(|v| *v /= norm.max(f32::MIN_POSITIVE));
    (!flat).then_some(small)
}
