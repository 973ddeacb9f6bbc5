//! How inputs are made of targets, by the field's protocols.

use std::fmt;

use percept_image::degrade::{Jpeg, LowLight, Subsampling};
use percept_image::resize::imresize;
use percept_image::{Degradation, Image, Srgb, rng_for};
use rand_distr::{Distribution, StandardNormal};

/// Noise of a dark photo: variance of a white pixel, and deviation relative to white.
const SHOT_NOISE: f64 = 0.0003;
const READ_NOISE: f64 = 0.001;

/// What a model has to undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spoiling {
    /// The target shrunk so many times, by MATLAB's bicubic, and stored with 8 bits.
    Bicubic(usize),
    /// Shrunk as [`Bicubic`](Self::Bicubic), then noise of 6 levels and JPEG of quality 60: about as photos from old phones and
    /// the web are.
    Worn(usize),
    /// The target as a JPEG of this quality, colours halved.
    Jpeg(u8),
    /// White noise of this deviation, of 255 levels, neither clipped nor rounded.
    Noise(u8),
    /// The target so many stops darker, with a sensor's noise, stored with 8 bits.
    Dark(u8),
    /// The set has its own inputs.
    Pairs,
}

impl Spoiling {
    /// What models for a task are asked to undo.
    pub fn of_task(task: &str, scale: usize) -> Vec<Self> {
        match task {
            "sr" if scale > 1 => vec![Self::Bicubic(scale), Self::Worn(scale)],
            "jpeg" => [10, 20, 40].map(Self::Jpeg).to_vec(),
            "denoise" => [15, 25, 50].map(Self::Noise).to_vec(),
            "lowlight" | "deblur" | "derain" => vec![Self::Pairs],
            _ => Vec::new(),
        }
    }

    /// Whether the field asks this of a set. Sets that it does not know are asked everything.
    pub fn belongs_to(self, set: &str) -> bool {
        let set = set.to_lowercase();
        let among = |names: &[&str]| names.iter().any(|name| set.starts_with(name));
        let known = |own: &[&str], all: &[&[&str]]| among(own) || !all.iter().any(|names| among(names));
        const SHRUNK: &[&str] = &["set5", "set14", "bsd100", "b100", "urban100", "manga109", "kodak"];
        const COMPRESSED: &[&str] = &["live1", "classic5"];
        const NOISY: &[&str] = &["cbsd68", "bsd68", "kodak", "mcmaster"];
        let all = [SHRUNK, COMPRESSED, NOISY];
        match self {
            Self::Bicubic(_) | Self::Worn(_) => known(SHRUNK, &all),
            Self::Jpeg(_) => known(COMPRESSED, &all),
            Self::Noise(_) => known(NOISY, &all),
            Self::Dark(_) | Self::Pairs => true,
        }
    }

    /// Border pixels that PSNR and SSIM leave out.
    pub fn crop(self) -> usize {
        match self {
            Self::Bicubic(scale) | Self::Worn(scale) => scale,
            _ => 0,
        }
    }

    /// The part of a target that is judged: sides that the scale divides.
    pub fn target(self, target: &Image<Srgb>) -> Image<Srgb> {
        let (width, height) = target.size();
        match self {
            Self::Bicubic(scale) | Self::Worn(scale) => {
                target.crop(0, 0, width / scale * scale, height / scale * scale)
            }
            _ => target.clone(),
        }
    }

    /// The input of the photo with this number, from its target or as the set has it; `None` where there is none.
    pub fn input(self, target: &Image<Srgb>, own: Option<&Image<Srgb>>, at: usize) -> Option<Image<Srgb>> {
        let mut rng = rng_for(0, 0, at as u64);
        let shrunk =
            |scale: usize| eight_bits(imresize(target, target.width() / scale, target.height() / scale));
        let mut noisy = |image: Image<Srgb>, deviation: u8| {
            let deviation = f32::from(deviation) / 255.0;
            image.map(|value| {
                let noise: f32 = StandardNormal.sample(&mut rng);
                value + deviation * noise
            })
        };
        Some(match self {
            Self::Bicubic(scale) => shrunk(scale),
            Self::Worn(scale) => compressed(eight_bits(noisy(shrunk(scale), 6)), 60),
            Self::Jpeg(quality) => compressed(target.clone(), quality),
            Self::Noise(deviation) => noisy(target.clone(), deviation),
            Self::Dark(stops) => eight_bits(dark(stops).apply(target.clone(), &mut rng)),
            Self::Pairs => own?.clone(),
        })
    }

    /// The input as a picture of the target's size, for whoever does nothing.
    pub fn shown(self, input: &Image<Srgb>, (width, height): (usize, usize)) -> Image<Srgb> {
        eight_bits(if input.size() == (width, height) {
            input.clone()
        } else {
            imresize(input, width, height)
        })
    }

    /// What doing nothing is called.
    pub fn nothing(self) -> &'static str {
        match self {
            Self::Bicubic(_) | Self::Worn(_) => "bicubic",
            _ => "input",
        }
    }

    /// Everything that someone needs to make the same inputs.
    pub fn protocol(self) -> String {
        match self {
            Self::Bicubic(scale) => format!(
                "sides cut to multiples of {scale}, shrunk {scale} times by MATLAB's bicubic with antialiasing, 8 bits"
            ),
            Self::Worn(scale) => format!(
                "sides cut to multiples of {scale}, shrunk {scale} times by MATLAB's bicubic, white Gaussian noise of 6/255 with \
                 seed 0, 8 bits, JPEG of quality 60, 4:2:0"
            ),
            Self::Jpeg(quality) => {
                format!("JPEG of quality {quality}, 4:2:0, baseline, the standard's tables")
            }
            Self::Noise(deviation) => {
                format!(
                    "white Gaussian noise of {deviation}/255 on every value, seed 0, not clipped, not rounded"
                )
            }
            Self::Dark(stops) => format!(
                "{stops} stops darker in linear light, shot noise of variance {SHOT_NOISE} at white, read noise of {READ_NOISE} of \
                 white, seed 0, 8 bits"
            ),
            Self::Pairs => "the set's own inputs".to_string(),
        }
    }
}

impl fmt::Display for Spoiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bicubic(scale) => write!(f, "bicubic ×{scale}"),
            Self::Worn(scale) => write!(f, "worn ×{scale}"),
            Self::Jpeg(quality) => write!(f, "JPEG {quality}"),
            Self::Noise(deviation) => write!(f, "noise {deviation}"),
            Self::Dark(stops) => write!(f, "dark {stops}"),
            Self::Pairs => f.write_str("pairs"),
        }
    }
}

/// Light and noise of a small sensor, colours as they are.
fn dark(stops: u8) -> LowLight {
    LowLight {
        stops: f64::from(stops).into(),
        cast: 0.0,
        shot_noise: SHOT_NOISE.into(),
        read_noise: READ_NOISE.into(),
    }
}

/// As a JPEG file, colours halved.
fn compressed(image: Image<Srgb>, quality: u8) -> Image<Srgb> {
    let jpeg = Jpeg { quality: f64::from(quality).into(), subsampling: Subsampling::Half };
    jpeg.apply(image, &mut rng_for(0, 0, 0))
}

/// What a file of 8 bits holds.
pub(crate) fn eight_bits(image: Image<Srgb>) -> Image<Srgb> {
    image.map(|value| (value.clamp(0.0, 1.0) * 255.0).round() / 255.0)
}

#[cfg(test)]
mod tests {
    use percept_image::colour::srgb_to_linear;

    use super::*;

    #[test]
    fn inputs_are_what_their_protocols_say() {
        let photo =
            Image::<Srgb>::from_fn(131, 90, |x, y, c| 0.5 + 0.3 * ((x * y + 7 * c) as f32 / 40.0).sin());
        let input = |spoiling: Spoiling| {
            let target = spoiling.target(&photo);
            (spoiling.input(&target, None, 3).unwrap(), target)
        };
        let (small, target) = input(Spoiling::Bicubic(4));
        assert_eq!((small.size(), target.size()), ((32, 22), (128, 88)));
        assert!(small.data().iter().all(|value| (value * 255.0 - (value * 255.0).round()).abs() < 1e-3));
        let (noisy, target) = input(Spoiling::Noise(25));
        let square = |(a, b): (&f32, &f32)| f64::from((a - b) * 255.0).powi(2);
        let errors: Vec<f64> = noisy.data().iter().zip(target.data()).map(square).collect();
        let deviation = (errors.iter().sum::<f64>() / errors.len() as f64).sqrt();
        assert!((deviation - 25.0).abs() < 0.5, "{deviation}");
        assert_ne!(Spoiling::Noise(25).input(&target, None, 4), Some(noisy));
        let (dark, target) = input(Spoiling::Dark(4));
        let light =
            |image: &Image<Srgb>| image.data().iter().map(|v| f64::from(srgb_to_linear(*v))).sum::<f64>();
        let stops = (light(&target) / light(&dark)).log2();
        assert!((stops - 4.0).abs() < 0.1, "{stops}");
        assert_ne!(Spoiling::Dark(4).input(&target, None, 4), Some(dark));
        assert!(Spoiling::Pairs.input(&photo, None, 0).is_none());
    }

    #[test]
    fn sets_are_asked_what_the_field_asks_of_them() {
        let (shrunk, noisy, compressed) = (Spoiling::Bicubic(4), Spoiling::Noise(25), Spoiling::Jpeg(10));
        for (set, asked) in [
            ("Set14", [true, false, false]),
            ("CBSD68", [false, true, false]),
            ("live1", [false, false, true]),
            ("Kodak24", [true, true, false]),
            ("mine", [true; 3]),
        ] {
            assert_eq!([shrunk, noisy, compressed].map(|spoiling| spoiling.belongs_to(set)), asked, "{set}");
        }
    }
}
