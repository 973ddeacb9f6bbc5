//! JPEG compression, by a real encoder and decoder.

use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::{ExtendedColorType, ImageDecoder, ImageResult};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Strength};
use crate::{Image, Rng, Srgb};

/// Compresses the photo as a JPEG file and decodes it again (baseline, no chroma subsampling).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jpeg {
    /// Quality, 1 (worst) to 100, rounded to a whole number: a number or `[lowest, highest]`. Default `[30, 95]`.
    pub quality: Strength,
}

impl Default for Jpeg {
    fn default() -> Self {
        Self { quality: [30.0, 95.0].into() }
    }
}

impl Jpeg {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.quality.check("jpeg.quality", 1.0, 100.0)
    }
}

impl Degradation for Jpeg {
    /// A photo that JPEG cannot hold (a side of zero or beyond 65 535) stays as it is.
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let quality = self.quality.sample(rng).round().clamp(1.0, 100.0) as u8;
        round_trip(&image, quality).unwrap_or(image)
    }
}

fn round_trip(image: &Image<Srgb>, quality: u8) -> ImageResult<Image<Srgb>> {
    let (width, height) = image.size();
    let levels: Vec<u8> = image.data().iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    let mut file = Vec::new();
    let side = |v: usize| u32::try_from(v).unwrap_or(u32::MAX);
    if width == 0 || height == 0 || side(width.max(height)) > crate::MAX_SIDE {
        return Ok(image.clone());
    }
    JpegEncoder::new_with_quality(&mut file, quality).encode(
        &levels,
        side(width),
        side(height),
        ExtendedColorType::Rgb8,
    )?;
    let mut levels = levels;
    JpegDecoder::new(std::io::Cursor::new(&file))?.read_image(&mut levels)?;
    Ok(Image::from_parts(width, height, levels.iter().map(|&v| f32::from(v) / 255.0).collect()))
}
