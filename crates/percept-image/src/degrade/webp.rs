//! WebP compression, by a real encoder and decoder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Strength};
use crate::{Image, Rng, Srgb};

/// Compresses the photo as a lossy WebP file and decodes it again. Needs a build with the feature `webp`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebP {
    /// Quality, 1 (worst) to 100: a number or `[lowest, highest]`. Default `[30, 95]`.
    pub quality: Strength,
}

impl Default for WebP {
    fn default() -> Self {
        Self { quality: [30.0, 95.0].into() }
    }
}

impl WebP {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.quality.check("webp.quality", 1.0, 100.0)?;
        match cfg!(feature = "webp") {
            true => Ok(()),
            false => {
                let expected = "another kind: this build cannot write lossy WebP; build with --features webp";
                Err(ConfigError::new("type", "\"webp\"", expected))
            }
        }
    }
}

#[cfg(feature = "webp")]
impl Degradation for WebP {
    /// A photo that WebP cannot hold (a side of zero or beyond 16 383) stays as it is.
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let quality = self.quality.sample(rng) as f32;
        let encode = |levels: &[u8], (width, height): (usize, usize)| {
            let side = |v: usize| u32::try_from(v).ok().filter(|side| *side <= 16_383);
            let encoder = ::webp::Encoder::from_rgb(levels, side(width)?, side(height)?);
            encoder.encode_simple(false, quality).ok().map(|file| file.to_vec())
        };
        let decoder = |file: Vec<u8>| image::codecs::webp::WebPDecoder::new(std::io::Cursor::new(file)).ok();
        super::jpeg::through_file(&image, encode, decoder).unwrap_or(image)
    }
}

#[cfg(not(feature = "webp"))]
impl Degradation for WebP {
    /// Its validation refuses it in this build.
    fn apply(&self, image: Image<Srgb>, _: &mut Rng) -> Image<Srgb> {
        image
    }
}
