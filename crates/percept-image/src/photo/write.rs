//! Pixels to image files.

use std::io::Cursor;
use std::path::Path;

use image::codecs::{bmp, jpeg, png, tiff, webp};
use image::{ExtendedColorType, ImageEncoder, ImageError, ImageFormat};

use super::format::written;
use super::read::describes;
use super::{Depth, Photo, WriteError};
use crate::write_atomic;

/// Quality of the JPEG files that are written, of 100.
pub const JPEG_QUALITY: u8 = 95;

/// Writes an image file in the format of its extension: `.png`, `.jpg`, `.webp` (lossless), `.tif`, `.bmp`, `.ppm`.
///
/// Values are cut to `[0, 1]` and rounded to the nearest level. PNG and TIFF keep everything; WebP keeps alpha
/// and the profile, with 8 bits; JPEG (quality [`JPEG_QUALITY`]) keeps the profile, with 8 bits; BMP keeps
/// 8 bits and alpha; PPM keeps 16 bits. A profile that does not fit the channels is left out. The file appears
/// whole or not at all.
///
/// # Errors
/// When the extension is unknown, the photo has transparency and the format none, a value is NaN or infinite,
/// there are no pixels, or the system refuses. Nothing is written then.
pub fn write_photo(path: impl AsRef<Path>, photo: &Photo) -> Result<(), WriteError> {
    let path = path.as_ref();
    let bytes = encode_photo(path, photo)?;
    write_atomic(path, &bytes).map_err(|source| WriteError::Io { path: path.into(), source })
}

/// The bytes of the file that [`write_photo`] writes; `name` says the format and stands in the messages.
///
/// # Errors
/// As [`write_photo`], but for what the system says.
pub fn encode_photo(name: impl AsRef<Path>, photo: &Photo) -> Result<Vec<u8>, WriteError> {
    let path = name.as_ref();
    let format = written(path).ok_or_else(|| WriteError::UnknownExtension { path: path.into() })?;
    check(path, photo, format)?;
    let levels = Levels::of(photo, format);
    let icc = photo.icc.clone().filter(|profile| describes(profile, levels.grey()));
    encoded(format, &levels, icc)
        .map_err(|error| WriteError::Encoder { path: path.into(), reason: error.to_string() })
}

fn check(path: &Path, photo: &Photo, format: ImageFormat) -> Result<(), WriteError> {
    let path = || path.to_path_buf();
    let (width, height) = photo.pixels.size();
    if width * height == 0 {
        return Err(WriteError::Empty { path: path(), width, height });
    }
    if let Some(alpha) = &photo.alpha {
        match format {
            ImageFormat::Jpeg => return Err(WriteError::NoAlpha { path: path(), format: "JPEG" }),
            ImageFormat::Pnm => return Err(WriteError::NoAlpha { path: path(), format: "PPM" }),
            _ if alpha.len() != width * height => {
                return Err(WriteError::AlphaMismatch {
                    path: path(),
                    alpha: alpha.len(),
                    pixels: width * height,
                });
            }
            _ => {}
        }
    }
    let colours = photo.pixels.data().iter().enumerate().map(|(i, v)| (i / 3, *v));
    let alphas = photo.alpha.iter().flatten().enumerate().map(|(i, v)| (i, *v));
    match colours.chain(alphas).find(|(_, v)| !v.is_finite()) {
        Some((at, value)) => Err(WriteError::NotFinite { path: path(), x: at % width, y: at / width, value }),
        None => Ok(()),
    }
}

/// Interleaved levels as an encoder takes them.
struct Levels {
    width: u32,
    height: u32,
    color: ExtendedColorType,
    bytes: Vec<u8>,
}

impl Levels {
    fn of(photo: &Photo, format: ImageFormat) -> Self {
        use ExtendedColorType as C;
        let sixteen = photo.depth == Depth::Sixteen
            && matches!(format, ImageFormat::Png | ImageFormat::Tiff | ImageFormat::Pnm);
        // TIFF and BMP have no grey with alpha here: stored as colour.
        let grey =
            photo.grey && !(photo.alpha.is_some() && matches!(format, ImageFormat::Tiff | ImageFormat::Bmp));
        let color = match (grey, photo.alpha.is_some(), sixteen) {
            (true, false, false) => C::L8,
            (true, true, false) => C::La8,
            (false, false, false) => C::Rgb8,
            (false, true, false) => C::Rgba8,
            (true, false, true) => C::L16,
            (true, true, true) => C::La16,
            (false, false, true) => C::Rgb16,
            (false, true, true) => C::Rgba16,
        };
        let mut bytes = Vec::new();
        let mut push = |value: f32| {
            if sixteen {
                bytes.extend(((value.clamp(0.0, 1.0) * 65_535.0).round() as u16).to_ne_bytes());
            } else {
                bytes.push((value.clamp(0.0, 1.0) * 255.0).round() as u8);
            }
        };
        for (at, pixel) in photo.pixels.data().chunks_exact(3).enumerate() {
            if grey {
                // A network may have tinted it: its luma, full range.
                push(0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]);
            } else {
                pixel.iter().for_each(|v| push(*v));
            }
            if let Some(alpha) = &photo.alpha {
                push(alpha[at]);
            }
        }
        // Sides beyond u32 cannot be held in memory; the encoder refuses the mismatch.
        let side = |v: usize| u32::try_from(v).unwrap_or(u32::MAX);
        Self { width: side(photo.pixels.width()), height: side(photo.pixels.height()), color, bytes }
    }

    fn grey(&self) -> bool {
        self.color.channel_count() < 3
    }

    /// Of one value.
    fn bits(&self) -> u16 {
        self.color.bits_per_pixel() / u16::from(self.color.channel_count())
    }

    fn by(&self, mut encoder: impl ImageEncoder, icc: Option<Vec<u8>>) -> Result<(), ImageError> {
        if let Some(icc) = icc {
            encoder.set_icc_profile(icc).map_err(ImageError::Unsupported)?;
        }
        encoder.write_image(&self.bytes, self.width, self.height, self.color)
    }
}

fn encoded(format: ImageFormat, levels: &Levels, icc: Option<Vec<u8>>) -> Result<Vec<u8>, ImageError> {
    let mut file = Cursor::new(Vec::new());
    match format {
        ImageFormat::Jpeg => levels.by(jpeg::JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY), icc)?,
        ImageFormat::WebP => levels.by(webp::WebPEncoder::new_lossless(&mut file), icc)?,
        ImageFormat::Tiff => levels.by(tiff::TiffEncoder::new(&mut file), icc)?,
        ImageFormat::Bmp => levels.by(bmp::BmpEncoder::new(&mut file), None)?,
        ImageFormat::Pnm => return Ok(portable_map(levels)),
        _ => levels.by(png::PngEncoder::new(&mut file), icc)?,
    }
    Ok(file.into_inner())
}

/// A binary portable greymap or pixmap (Netpbm P5, P6); the `image` crate writes none of 16 bits.
fn portable_map(levels: &Levels) -> Vec<u8> {
    let sixteen = levels.bits() == 16;
    let (kind, white) = (if levels.grey() { 5 } else { 6 }, if sixteen { 65_535 } else { 255 });
    let mut file = format!("P{kind}\n{} {}\n{white}\n", levels.width, levels.height).into_bytes();
    if sixteen {
        // Most significant byte first.
        file.extend(
            levels.bytes.chunks_exact(2).flat_map(|v| u16::from_ne_bytes([v[0], v[1]]).to_be_bytes()),
        );
    } else {
        file.extend_from_slice(&levels.bytes);
    }
    file
}
