//! TIFF files.
//!
//! The `tiff` crate unpacks the samples. What they mean is decided here: the crate knows fewer kinds of pixels than there
//! are, and mixes up the samples beside the colours. So it is shown a grey picture of many samples, which it leaves as is.

use std::io::{Cursor, Read, Seek};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer, Luma, LumaA, Primitive, Rgb, Rgba};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{TiffError, TiffFormatError, TiffUnsupportedError};

use super::jpeg::Markers;
use super::read::{Decoded, MAX_BYTES, check_size};
use super::tiff_directory::Directory;
use super::tiff_layout::Layout;
use super::{ReadError, tiff_metadata};

/// The most that the values of a tag may take: a profile, or the places of very many strips.
const MAX_TAG_BYTES: usize = 32 << 20;

/// The file's first picture.
pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Decoded, ReadError> {
    let failed = |error| fault(path, error);
    let malformed = |reason: &str| ReadError::Malformed { path: path.into(), reason: reason.into() };
    let directory =
        Directory::first(&mut Cursor::new(bytes)).ok_or_else(|| malformed("the TIFF has no list of tags"))?;
    let colours = directory.colours().map_err(|what| ReadError::foreign(path, &what))?;
    let mut decoder = Decoder::new(directory.as_plain_grey(Cursor::new(bytes)))
        .map_err(failed)?
        .with_limits(limits(MAX_BYTES));
    let (width, height) = decoder.dimensions().map_err(failed)?;
    check_size(path, width, height)?;
    if directory.jpeg() {
        check_jpegs(path, bytes, &mut decoder)?;
    }
    let layout = Layout::read(path, &mut decoder, colours, (width as usize, height as usize))?;
    // A broken side note is no reason to refuse sound pixels.
    let icc = decoder.get_tag_u8_vec(Tag::IccProfile).ok();
    let orientation = decoder.get_tag_u32(Tag::Orientation).ok().and_then(|mark| u8::try_from(mark).ok());

    let mut samples = DecodingResult::U8(Vec::new());
    let stored = decoder.read_image_to_buffer(&mut samples).map_err(failed)?;
    if samples.as_buffer(0).as_bytes().len() < stored.complete_len {
        return Err(fault(path, TiffError::LimitsExceeded));
    }
    let channels = layout.channels();
    let image = match samples {
        DecodingResult::U8(samples) => picture(width, height, channels, layout.levels8(samples)),
        DecodingResult::U16(samples) => picture(width, height, channels, layout.levels16(samples)),
        _ => None,
    };
    Ok(Decoded {
        image: image.ok_or_else(|| malformed("the TIFF holds fewer samples than its size needs"))?,
        icc,
        orientation: orientation.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms),
        premultiplied: layout.premultiplied(),
        metadata: tiff_metadata::metadata(bytes),
    })
}

/// What a decoder may take for pixels.
pub(super) fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::default();
    limits.ifd_value_size = MAX_TAG_BYTES;
    limits.decoding_buffer_size = usize::try_from(bytes).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    limits
}

/// Refuses JPEGs inside that the decoder shows wrongly, or falls over.
fn check_jpegs(path: &Path, bytes: &[u8], tiff: &mut Decoder<impl Read + Seek>) -> Result<(), ReadError> {
    let mut numbers = |tags: [Tag; 2]| {
        let found = tags.into_iter().find_map(|tag| tiff.find_tag_unsigned_vec::<u64>(tag).ok().flatten());
        found.unwrap_or_default().into_iter().map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    };
    let starts = numbers([Tag::StripOffsets, Tag::TileOffsets]);
    let lengths = numbers([Tag::StripByteCounts, Tag::TileByteCounts]);
    for (start, length) in starts.zip(lengths) {
        let markers = Markers::read(bytes.get(start..start.saturating_add(length)).unwrap_or_default());
        markers.check(path)?;
        if markers.unusual() {
            return Err(ReadError::foreign(path, "a TIFF with an unusual kind of JPEG inside"));
        }
    }
    Ok(())
}

/// Levels as a picture of one to four channels.
fn picture<T: Primitive>(width: u32, height: u32, channels: usize, levels: Vec<T>) -> Option<DynamicImage>
where
    DynamicImage: From<ImageBuffer<Luma<T>, Vec<T>>>
        + From<ImageBuffer<LumaA<T>, Vec<T>>>
        + From<ImageBuffer<Rgb<T>, Vec<T>>>
        + From<ImageBuffer<Rgba<T>, Vec<T>>>,
    Luma<T>: image::Pixel<Subpixel = T>,
    LumaA<T>: image::Pixel<Subpixel = T>,
    Rgb<T>: image::Pixel<Subpixel = T>,
    Rgba<T>: image::Pixel<Subpixel = T>,
{
    match channels {
        1 => ImageBuffer::<Luma<T>, _>::from_raw(width, height, levels).map(DynamicImage::from),
        2 => ImageBuffer::<LumaA<T>, _>::from_raw(width, height, levels).map(DynamicImage::from),
        3 => ImageBuffer::<Rgb<T>, _>::from_raw(width, height, levels).map(DynamicImage::from),
        _ => ImageBuffer::<Rgba<T>, _>::from_raw(width, height, levels).map(DynamicImage::from),
    }
}

/// The decoder's complaint, in words.
pub(super) fn fault(path: &Path, error: TiffError) -> ReadError {
    use TiffUnsupportedError as U;
    let reason = error.to_string();
    let kind = match error {
        TiffError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return ReadError::Truncated { path: path.into(), reason };
        }
        TiffError::LimitsExceeded | TiffError::IntSizeError => {
            let reason = format!("its pixels take more than {} MB", MAX_BYTES / 1_000_000);
            return ReadError::TooLarge { path: path.into(), reason };
        }
        TiffError::FormatError(TiffFormatError::InvalidDimensions(width, height)) => {
            return ReadError::Empty { path: path.into(), width, height };
        }
        TiffError::UnsupportedError(kind) => kind,
        _ => return ReadError::Malformed { path: path.into(), reason },
    };
    let what = match kind {
        U::InconsistentBitsPerSample(bits) => {
            let bits: Vec<_> = bits.iter().map(u8::to_string).collect();
            format!("a TIFF with {} bits a sample", bits.join(", "))
        }
        U::HorizontalPredictor(_) => "a TIFF with a predictor and fewer than 8 bits a sample".to_string(),
        U::UnsupportedSampleFormat(_) => "a TIFF that mixes kinds of numbers".to_string(),
        _ => format!("a TIFF of this kind ({reason})"),
    };
    ReadError::foreign(path, &what)
}
