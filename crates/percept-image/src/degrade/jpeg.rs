//! JPEG compression, by a real encoder and decoder.

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level::level;
use super::{ConfigError, Degradation, Strength};
use crate::{Image, Rng, Srgb};

/// Compresses the photo as a JPEG file and decodes it again (baseline, the tables of the standard's annex K).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jpeg {
    /// Quality, 1 (worst) to 100, rounded to a whole number: a number or `[lowest, highest]`. Default `[30, 95]`.
    pub quality: Strength,
    /// Resolution of the colours: `4:4:4`, all pixels, or `4:2:0`, half of them in each direction, as most programs save. Default
    /// `4:4:4`.
    pub subsampling: Subsampling,
}

/// Which pixels of a JPEG have a colour of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Subsampling {
    /// All.
    #[default]
    #[serde(rename = "4:4:4")]
    None,
    /// Every second one in each direction.
    #[serde(rename = "4:2:0")]
    Half,
}

impl Default for Jpeg {
    fn default() -> Self {
        Self { quality: [30.0, 95.0].into(), subsampling: Subsampling::None }
    }
}

impl Jpeg {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.quality.check("jpeg.quality", 1.0, 100.0)
    }

    fn file(&self, levels: &[u8], (width, height): (usize, usize), quality: u8) -> Option<Vec<u8>> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, quality);
        encoder.set_sampling_factor(match self.subsampling {
            Subsampling::None => SamplingFactor::F_1_1,
            Subsampling::Half => SamplingFactor::F_2_2,
        });
        // Colours are averaged, as libjpeg does; the encoder's default takes every second one.
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        let side = |v: usize| u16::try_from(v).ok();
        encoder.encode(levels, side(width)?, side(height)?, ColorType::Rgb).ok()?;
        Some(file)
    }
}

impl Degradation for Jpeg {
    /// A photo that JPEG cannot hold (a side of zero or beyond 65 535) stays as it is.
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let quality = self.quality.sample(rng).round().clamp(1.0, 100.0) as u8;
        through_file(
            &image,
            |levels, size| self.file(levels, size, quality),
            |file| JpegDecoder::new(std::io::Cursor::new(file)).ok(),
        )
        .unwrap_or(image)
    }
}

/// What a decoder makes of the file that `encode` makes of the 8-bit levels; `None` where one of them refuses.
pub(super) fn through_file<D: ImageDecoder>(
    image: &Image<Srgb>,
    encode: impl FnOnce(&[u8], (usize, usize)) -> Option<Vec<u8>>,
    decoder: impl FnOnce(Vec<u8>) -> Option<D>,
) -> Option<Image<Srgb>> {
    let (width, height) = image.size();
    if width * height == 0 {
        return None;
    }
    let mut levels: Vec<u8> = image.data().iter().copied().map(level).collect();
    let decoder = decoder(encode(&levels, (width, height))?)?;
    if decoder.total_bytes() != levels.len() as u64 {
        return None;
    }
    decoder.read_image(&mut levels).ok()?;
    Some(Image::from_parts(width, height, levels.iter().map(|&v| f32::from(v) / 255.0).collect()))
}
