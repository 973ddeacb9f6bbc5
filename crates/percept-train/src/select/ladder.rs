//! The distortions that a selection is learned from: four kinds, five strengths each.

use percept_image::degrade::{Downscale, GaussianBlur, GaussianNoise, Jpeg};
use percept_image::{Degradation, DegradationConfig, Image, Pipeline, Rng, Srgb};

use crate::data::DataError;

/// Kinds of distortion.
pub(super) const KINDS: usize = 4;
/// Strengths of a kind, rising.
pub(super) const LEVELS: usize = 5;

/// Standard deviations of a blur in pixels.
const BLUR: [f64; LEVELS] = [0.6, 1.0, 1.6, 2.6, 4.2];
/// Standard deviations of noise, of 255.
const NOISE: [f64; LEVELS] = [4.0, 10.0, 20.0, 36.0, 60.0];
/// Qualities of JPEG.
const QUALITY: [f64; LEVELS] = [70.0, 35.0, 18.0, 10.0, 5.0];
/// Factors of shrinking and enlarging again.
const SHRINK: [f64; LEVELS] = [1.4, 2.0, 3.0, 4.5, 6.0];

/// One step: `strength` of a kind, both counted from 0.
pub(super) struct Rung(Pipeline);

impl Rung {
    pub fn new(kind: usize, strength: usize) -> Result<Self, DataError> {
        let at = |values: [f64; LEVELS]| values.get(strength).copied().unwrap_or_default();
        let config = match kind {
            0 => DegradationConfig::GaussianBlur(GaussianBlur {
                sigma: at(BLUR).into(),
                aspect: 1.0.into(),
                ..GaussianBlur::default()
            }),
            1 => DegradationConfig::GaussianNoise(GaussianNoise { sigma: at(NOISE).into() }),
            2 => DegradationConfig::Jpeg(Jpeg { quality: at(QUALITY).into() }),
            _ => DegradationConfig::Downscale(Downscale {
                scale: at(SHRINK),
                keep_size: true,
                ..Downscale::default()
            }),
        };
        Ok(Self(Pipeline::new(&[config])?))
    }

    /// The photo, distorted and of its own size.
    pub fn apply(&self, photo: &Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        self.0.apply(photo.clone(), rng)
    }
}

#[cfg(test)]
mod tests {
    use percept_image::{Metric, Psnr, rng_for};

    use super::*;

    #[test]
    fn every_kind_grows_stronger() {
        let wave = |x: usize, y: usize| ((x * x + 3 * y) as f32 / 40.0).sin() * (y as f32 / 3.0).cos();
        let photo = Image::<Srgb>::from_fn(96, 80, |x, y, c| 0.5 + 0.3 * wave(x + 7 * c, y));
        for kind in 0..KINDS {
            let psnr = (0..LEVELS).map(|level| {
                let distorted = Rung::new(kind, level).unwrap().apply(&photo, &mut rng_for(1, 2, 3));
                assert_eq!(distorted.size(), photo.size());
                Psnr::y(0).score(&photo, &distorted).unwrap()
            });
            let psnr: Vec<f64> = psnr.collect();
            assert!(psnr.windows(2).all(|pair| pair[1] < pair[0]), "kind {kind}: {psnr:?}");
        }
    }
}
