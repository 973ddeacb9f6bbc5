//! Image files to pixels.

use std::io::Cursor;
use std::path::Path;

use image::codecs::tiff::TiffDecoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{Depth, Photo, ReadError, jpeg_end};
use crate::{Image, Srgb};

/// The longest side that is decoded.
pub const MAX_SIDE: u32 = 65_535;
/// The most pixels that are decoded: a 150-megapixel camera's, 2 GB of `f32`. A file of a few kilobytes can
/// claim more than any memory holds.
pub const MAX_PIXELS: u64 = 160_000_000;
/// The largest file that is read: [`MAX_PIXELS`] of 16-bit RGBA, and some.
const MAX_BYTES: u64 = 10 * MAX_PIXELS;

/// Reads an image file, whatever its extension says: the format is found from the content.
///
/// Orientation marks (EXIF) are applied. Palettes become colours, CMYK becomes RGB. Alpha, 16 bits and the ICC
/// profile are kept (a profile that does not describe the channels that come out, as CMYK's, is dropped).
/// Of animations and multi-page files the first picture is read. Colours are not converted by the profile:
/// the values are the file's.
///
/// # Errors
/// When there is no such file, its format or kind of pixels is not supported (floating point TIFF),
/// it is cut off, damaged, without pixels or beyond [`MAX_SIDE`] and [`MAX_PIXELS`]. Every message names the file.
pub fn read_photo(path: impl AsRef<Path>) -> Result<Photo, ReadError> {
    let path = path.as_ref();
    let failed = |source| ReadError::from_io(path, source);
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > MAX_BYTES {
        let reason = format!("the file has {} MB", bytes / 1_000_000);
        return Err(ReadError::TooLarge { path: path.into(), reason });
    }
    decode_photo(path, &std::fs::read(path).map_err(failed)?)
}

/// [`read_photo`] for a file's bytes that are in memory already; `name` stands in the messages.
///
/// # Errors
/// As [`read_photo`].
pub fn decode_photo(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Photo, ReadError> {
    let path = name.as_ref();
    let failed = |error| ReadError::from_decoder(path, error);
    if bytes.is_empty() {
        return Err(ReadError::Truncated { path: path.into(), reason: "it holds no bytes".into() });
    }
    let format = image::guess_format(bytes).map_err(|_| ReadError::Unsupported {
        path: path.into(),
        reason: "the content is not that of a known image format".into(),
    })?;
    if format == ImageFormat::Jpeg && !jpeg_end::reaches_end(bytes) {
        let reason = "the JPEG has no end-of-image marker".into();
        return Err(ReadError::Truncated { path: path.into(), reason });
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ReadError::Empty { path: path.into(), width, height });
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        let reason = format!("the image claims {width}×{height} pixels");
        return Err(ReadError::TooLarge { path: path.into(), reason });
    }
    // A broken side note is no reason to refuse sound pixels.
    let icc = if format == ImageFormat::Tiff { tiff_profile(bytes) } else { decoder.icc_profile() };
    let icc = icc.unwrap_or_default();
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(failed)?;
    decoded.apply_orientation(orientation);
    let mut photo = unpacked(decoded).ok_or_else(|| ReadError::Unsupported {
        path: path.into(),
        reason: "its pixels are floating point numbers, whose range is unknown".into(),
    })?;
    photo.icc = icc.filter(|profile| describes(profile, photo.grey));
    Ok(photo)
}

/// The colours of an image file alone, as [`read_photo`]: for scoring and training.
///
/// # Errors
/// As [`read_photo`].
pub fn read_srgb(path: impl AsRef<Path>) -> Result<Image<Srgb>, ReadError> {
    Ok(read_photo(path)?.pixels)
}

/// The profile of a TIFF, read before limits are set: `image` then derives the size a tag may have from the size of
/// the pixels and drops the profiles of small images. The decoder's own limits hold.
fn tiff_profile(bytes: &[u8]) -> image::ImageResult<Option<Vec<u8>>> {
    TiffDecoder::new(Cursor::new(bytes))?.icc_profile()
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    limits
}

/// Whether an ICC profile is made for such pixels: its header names the colour space (ICC.1, 7.2.6).
pub(super) fn describes(profile: &[u8], grey: bool) -> bool {
    profile.get(16..20) == Some(if grey { b"GRAY" } else { b"RGB " })
}

fn unpacked(decoded: DynamicImage) -> Option<Photo> {
    use DynamicImage as D;
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    Some(match decoded {
        D::ImageLuma8(i) => split(width, height, 1, &i, 255.0, Depth::Eight),
        D::ImageLumaA8(i) => split(width, height, 2, &i, 255.0, Depth::Eight),
        D::ImageRgb8(i) => split(width, height, 3, &i, 255.0, Depth::Eight),
        D::ImageRgba8(i) => split(width, height, 4, &i, 255.0, Depth::Eight),
        D::ImageLuma16(i) => split(width, height, 1, &i, 65_535.0, Depth::Sixteen),
        D::ImageLumaA16(i) => split(width, height, 2, &i, 65_535.0, Depth::Sixteen),
        D::ImageRgb16(i) => split(width, height, 3, &i, 65_535.0, Depth::Sixteen),
        D::ImageRgba16(i) => split(width, height, 4, &i, 65_535.0, Depth::Sixteen),
        _ => return None,
    })
}

/// Levels to `[0, 1]`, `channels` of them a pixel: grey, grey and alpha, RGB, or RGB and alpha.
fn split<T: Copy + Into<f32>>(
    width: usize,
    height: usize,
    channels: usize,
    levels: &[T],
    white: f32,
    depth: Depth,
) -> Photo {
    let unit = |level: T| level.into() / white;
    let grey = channels < 3;
    let mut data = Vec::with_capacity(width * height * 3);
    for pixel in levels.chunks_exact(channels) {
        data.extend((0..3).map(|c| unit(pixel[if grey { 0 } else { c }])));
    }
    let alpha = channels
        .is_multiple_of(2)
        .then(|| levels.chunks_exact(channels).map(|pixel| unit(pixel[channels - 1])).collect());
    Photo { pixels: Image::from_parts(width, height, data), alpha, depth, grey, icc: None }
}
