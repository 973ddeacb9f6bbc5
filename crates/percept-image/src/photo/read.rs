//! Image files to pixels.

use std::fs::File;
use std::io::{BufRead, Cursor, Read, Seek};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::format::{self, extension};
use super::{Density, Depth, Metadata, Photo, ReadError, foreign, gif, jpeg, jpeg_segments, png, tiff, webp};
use crate::{Image, Srgb};

/// The longest side that is decoded.
pub const MAX_SIDE: u32 = 65_535;
/// The most pixels that are decoded: a 150-megapixel camera's, 2 GB of `f32`. A file of a few kilobytes can
/// claim more than any memory holds.
pub const MAX_PIXELS: u64 = 160_000_000;
/// The largest file that is read, in bytes: [`MAX_PIXELS`] of 16-bit RGBA, and some.
pub const MAX_BYTES: u64 = 10 * MAX_PIXELS;

/// Reads an image file, whatever its extension says: the format is found from the content.
///
/// Orientation marks (EXIF) are applied, and what else the file says is kept as [`Metadata`] has it. Palettes become colours,
/// CMYK becomes RGB, colours that are multiplied by their alpha are divided by it, levels of fewer than 8 bits are spread to
/// 8. Alpha, 16 bits and the ICC profile are kept (a profile that does not describe the channels that come out, as CMYK's, is
/// dropped). Of animations and multi-page files the first picture is read, and a note says so. Colours are not converted by
/// the profile: the values are the file's.
///
/// # Errors
/// When there is no such file, its format or kind of pixels is not supported (floating point TIFF), it is cut off,
/// damaged, without pixels or beyond [`MAX_SIDE`], [`MAX_PIXELS`] and [`MAX_BYTES`]. Every message names the file.
pub fn read_photo(path: impl AsRef<Path>) -> Result<Photo, ReadError> {
    let path = path.as_ref();
    let failed = |source| ReadError::from_io(path, source);
    let file = File::open(path).map_err(failed)?;
    let too_large = |size: String| {
        let reason = format!("the file has {size}, and at most {} MB are read", MAX_BYTES / 1_000_000);
        Err(ReadError::TooLarge { path: path.into(), reason })
    };
    let length = file.metadata().map_err(failed)?.len();
    if length > MAX_BYTES {
        return too_large(format!("{} MB", length / 1_000_000));
    }
    // What is no ordinary file does not know its length: a device may never end.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return too_large("no end".to_string());
    }
    decode_photo(path, &bytes)
}

/// Width and height of an image file as its header has them, before any orientation mark; `None` where they cannot be told
/// without decoding it.
pub fn photo_size(path: impl AsRef<Path>) -> Option<(u32, u32)> {
    ImageReader::open(path).ok()?.with_guessed_format().ok()?.into_dimensions().ok()
}

/// Width and height as [`read_photo`] gives them, from what a file says before its pixels; `None` where they cannot be told
/// without decoding it. What is wrong with the pixels does not show.
pub fn upright_size(file: impl BufRead + Seek) -> Option<(usize, usize)> {
    let mut decoder = ImageReader::new(file).with_guessed_format().ok()?.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let turned = matches!(
        decoder.orientation().unwrap_or(Orientation::NoTransforms),
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let (width, height) = (width as usize, height as usize);
    Some(if turned { (height, width) } else { (width, height) })
}

/// A decoder's result, its pixels as they are stored.
pub(super) struct Decoded {
    pub image: DynamicImage,
    pub icc: Option<Vec<u8>>,
    pub orientation: Orientation,
    /// Whether colours are multiplied by the alpha.
    pub premultiplied: bool,
    pub metadata: Metadata,
}

/// [`read_photo`] for a file's bytes that are in memory already; `name` stands in the messages.
///
/// # Errors
/// As [`read_photo`].
pub fn decode_photo(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Photo, ReadError> {
    let path = name.as_ref();
    if bytes.is_empty() {
        return Err(ReadError::Truncated { path: path.into(), reason: "it holds no bytes".into() });
    }
    let Some(format) = format::by_content(bytes) else {
        return Err(unknown(path, bytes));
    };
    let Decoded { mut image, icc, orientation, premultiplied, metadata } = match format {
        ImageFormat::Tiff => tiff::decode(path, bytes)?,
        ImageFormat::Gif => gif::decode(path, bytes)?,
        ImageFormat::Jpeg => {
            let markers = jpeg::Markers::read(bytes);
            markers.check(path)?;
            if markers.unusual() {
                jpeg::decode(path, bytes, &markers)?
            } else {
                decode(path, bytes, format)?
            }
        }
        _ => decode(path, bytes, format)?,
    };
    image.apply_orientation(orientation);
    let mut photo =
        unpacked(image).ok_or_else(|| ReadError::foreign(path, "a picture of floating point numbers"))?;
    if premultiplied {
        divide_by_alpha(&mut photo);
    }
    photo.icc = icc.filter(|profile| describes(profile, photo.grey));
    photo.metadata = metadata;
    Ok(photo)
}

/// What is none of the formats that are read.
fn unknown(path: &Path, bytes: &[u8]) -> ReadError {
    let by_name = || foreign::by_extension(&extension(path).unwrap_or_default());
    match foreign::by_content(bytes).or_else(by_name) {
        Some(what) => ReadError::foreign(path, what),
        None => ReadError::Unsupported {
            path: path.into(),
            reason: "the content is not that of a known image format".into(),
        },
    }
}

/// By the `image` crate.
fn decode(path: &Path, bytes: &[u8], format: ImageFormat) -> Result<Decoded, ReadError> {
    let failed = |error| ReadError::from_decoder(path, error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check_size(path, width, height)?;
    // A broken side note is no reason to refuse sound pixels.
    let icc = decoder.icc_profile().unwrap_or_default();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    let metadata = match format {
        ImageFormat::Png => png::metadata(&mut Cursor::new(bytes)),
        ImageFormat::Jpeg => jpeg_segments::metadata(bytes),
        ImageFormat::WebP => webp::metadata(bytes),
        ImageFormat::Bmp => bmp_metadata(bytes),
        _ => Metadata::default(),
    };
    Ok(Decoded { image, icc, orientation, premultiplied: false, metadata })
}

/// A BMP says how densely it is to be printed, in pixels a metre.
fn bmp_metadata(bytes: &[u8]) -> Metadata {
    let number =
        |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|four| i32::from_le_bytes(*four));
    let density = match (number(14), number(38), number(42)) {
        (Some(40..), Some(x), Some(y)) => Density::of_metre([f64::from(x), f64::from(y)]),
        _ => None,
    };
    Metadata { density, ..Metadata::default() }
}

/// Refuses a picture without pixels, and one of too many.
pub(super) fn check_size(path: &Path, width: u32, height: u32) -> Result<(), ReadError> {
    let path = path.to_path_buf();
    if width == 0 || height == 0 {
        return Err(ReadError::Empty { path, width, height });
    }
    if width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ReadError::TooLarge {
            path,
            reason: format!("the image claims {width}×{height} pixels"),
        });
    }
    Ok(())
}

/// Colours as they are, of those that are multiplied by their alpha; none where nothing is to be seen.
fn divide_by_alpha(photo: &mut Photo) {
    let alphas = photo.alpha.iter().flatten();
    for (pixel, alpha) in photo.pixels.data_mut().chunks_exact_mut(3).zip(alphas) {
        let colour = |v: f32| if *alpha > 0.0 { (v / alpha).min(1.0) } else { 0.0 };
        pixel.iter_mut().for_each(|v| *v = colour(*v));
    }
}

/// The colours of an image file alone, as [`read_photo`]: for scoring and training.
///
/// # Errors
/// As [`read_photo`].
pub fn read_srgb(path: impl AsRef<Path>) -> Result<Image<Srgb>, ReadError> {
    Ok(read_photo(path)?.pixels)
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
    Photo {
        pixels: Image::from_parts(width, height, data),
        alpha,
        depth,
        grey,
        icc: None,
        metadata: Metadata::default(),
    }
}
