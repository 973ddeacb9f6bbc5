//! The distortions that a selection is learned from: some kinds, five strengths each.

use percept_image::degrade::{Downscale, GaussianBlur, GaussianNoise, Jpeg};
use percept_image::resize::imresize;
use percept_image::{Degradation, DegradationConfig, Image, Pipeline, Rng, Srgb};
use percept_run::RecipeError;
use rand::RngExt;
use rand_distr::{Distribution as _, StandardNormal};

use crate::data::DataError;

/// Strengths of a kind, rising.
pub(super) const LEVELS: usize = 5;

/// A kind of distortion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distortion {
    /// A round Gaussian blur.
    Blur,
    /// Gaussian noise, every value by itself.
    Noise,
    /// JPEG compression.
    Jpeg,
    /// Shrinking, and enlarging again.
    Shrink,
    /// All values moved by the same amount, up or down.
    Brightness,
    /// Values moved away from the photo's mean, or towards it.
    Contrast,
    /// Fewer levels.
    Quantisation,
    /// Coloured noise whose grains are about six pixels wide.
    CoarseNoise,
}

impl Distortion {
    /// All kinds.
    pub const ALL: &[Self] = &[
        Self::Blur,
        Self::Noise,
        Self::Jpeg,
        Self::Shrink,
        Self::Brightness,
        Self::Contrast,
        Self::Quantisation,
        Self::CoarseNoise,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blur => "blur",
            Self::Noise => "noise",
            Self::Jpeg => "jpeg",
            Self::Shrink => "shrink",
            Self::Brightness => "brightness",
            Self::Contrast => "contrast",
            Self::Quantisation => "quantisation",
            Self::CoarseNoise => "coarse-noise",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Blur => "Gaussian blur",
            Self::Noise => "Gaussian noise",
            Self::Jpeg => "JPEG compression",
            Self::Shrink => "Shrinking, and enlarging again",
            Self::Brightness => "All values up or down",
            Self::Contrast => "More or less of it",
            Self::Quantisation => "Fewer levels",
            Self::CoarseNoise => "Coloured noise of coarse grain",
        }
    }

    /// Standard deviations of a blur in pixels, of noise of 255, qualities of JPEG, factors of shrinking, amounts of 255,
    /// shares of the contrast, steps of 255.
    fn strengths(self) -> [f64; LEVELS] {
        match self {
            Self::Blur => [0.6, 1.0, 1.6, 2.6, 4.2],
            Self::Noise | Self::CoarseNoise => [4.0, 10.0, 20.0, 36.0, 60.0],
            Self::Jpeg => [70.0, 35.0, 18.0, 10.0, 5.0],
            Self::Shrink => [1.4, 2.0, 3.0, 4.5, 6.0],
            Self::Brightness => [4.0, 9.0, 16.0, 27.0, 42.0],
            Self::Contrast => [0.08, 0.16, 0.27, 0.42, 0.6],
            Self::Quantisation => [12.0, 22.0, 34.0, 50.0, 72.0],
        }
    }
}

/// Pixels between two grains of coarse noise.
const GRAIN: usize = 6;

/// One step of the ladder.
pub(super) enum Rung {
    /// What trainings have too.
    Degradation(Pipeline),
    /// A change of values by an amount.
    Values(Distortion, f32),
}

impl Rung {
    /// One `strength` of a kind, counted from 0.
    pub fn new(kind: Distortion, strength: usize) -> Result<Self, DataError> {
        let at = kind.strengths().get(strength).copied().unwrap_or_default();
        let config = match kind {
            Distortion::Blur => DegradationConfig::GaussianBlur(GaussianBlur {
                sigma: at.into(),
                aspect: 1.0.into(),
                ..GaussianBlur::default()
            }),
            Distortion::Noise => DegradationConfig::GaussianNoise(GaussianNoise {
                sigma: at.into(),
                ..GaussianNoise::default()
            }),
            Distortion::Jpeg => DegradationConfig::Jpeg(Jpeg { quality: at.into(), ..Jpeg::default() }),
            Distortion::Shrink => {
                DegradationConfig::Downscale(Downscale { scale: at, keep_size: true, ..Downscale::default() })
            }
            _ => return Ok(Self::Values(kind, at as f32)),
        };
        Ok(Self::Degradation(Pipeline::new(&[config]).map_err(RecipeError::from)?))
    }

    /// The photo, distorted and of its own size.
    pub fn apply(&self, photo: &Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let (kind, amount) = match self {
            Self::Degradation(pipeline) => return pipeline.apply(photo.clone(), rng),
            Self::Values(kind, amount) => (*kind, *amount),
        };
        let signed = |rng: &mut Rng| if rng.random::<bool>() { amount } else { -amount };
        let photo = photo.clone();
        let changed = match kind {
            Distortion::Contrast => {
                let mean = photo.data().iter().sum::<f32>() / photo.data().len().max(1) as f32;
                let share = 1.0 + signed(rng);
                photo.map(|v| mean + (v - mean) * share)
            }
            Distortion::Quantisation => photo.map(|v| (v * 255.0 / amount).round() * amount / 255.0),
            Distortion::CoarseNoise => {
                let (width, height) = photo.size();
                let grains =
                    Image::<Srgb>::from_fn(width.div_ceil(GRAIN), height.div_ceil(GRAIN), |_, _, _| {
                        StandardNormal.sample(rng)
                    });
                let noise = imresize(&grains, width, height).into_vec();
                let mut noise = noise.into_iter();
                photo.map(|v| v + noise.next().unwrap_or_default() * amount / 255.0)
            }
            _ => {
                let shift = signed(rng) / 255.0;
                photo.map(|v| v + shift)
            }
        };
        changed.map(|v| v.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use percept_image::{Metric, Psnr, rng_for};

    use super::*;

    fn photo() -> Image<Srgb> {
        let wave = |x: usize, y: usize| ((x * x + 3 * y) as f32 / 40.0).sin() * (y as f32 / 3.0).cos();
        Image::<Srgb>::from_fn(96, 80, |x, y, c| 0.5 + 0.3 * wave(x + 7 * c, y))
    }

    #[test]
    fn every_kind_grows_stronger() {
        let photo = photo();
        for kind in Distortion::ALL.iter().copied() {
            let psnr = (0..LEVELS).map(|level| {
                let distorted = Rung::new(kind, level).unwrap().apply(&photo, &mut rng_for(1, 2, 3));
                assert_eq!(distorted.size(), photo.size());
                assert!(distorted.data().iter().all(|v| (0.0..=1.0).contains(v)));
                Psnr::y(0).score(&photo, &distorted).unwrap()
            });
            let psnr: Vec<f64> = psnr.collect();
            assert!(psnr.windows(2).all(|pair| pair[1] < pair[0]), "{}: {psnr:?}", kind.name());
        }
    }

    /// Neighbours share a grain of coarse noise, and no other noise.
    #[test]
    fn coarse_noise_is_smooth_and_coloured() {
        let grey = Image::<Srgb>::from_fn(96, 96, |_, _, _| 0.5);
        let correlation = |kind: Distortion, step: usize| {
            let noise = Rung::new(kind, 1).unwrap().apply(&grey, &mut rng_for(1, 2, 3));
            let noise: Vec<f32> = noise.data().iter().map(|v| v - 0.5).collect();
            let power: f32 = noise.iter().map(|v| v * v).sum();
            noise.iter().zip(noise.iter().skip(step)).map(|(a, b)| a * b).sum::<f32>() / power
        };
        assert!(correlation(Distortion::CoarseNoise, 3) > 0.9, "a pixel and the next");
        assert!(correlation(Distortion::CoarseNoise, 1).abs() < 0.3, "a channel and the next");
        assert!(correlation(Distortion::Noise, 3).abs() < 0.05);
    }
}
