//! GIF files: the first picture of each.

use std::path::Path;

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage, RgbaImage};

use super::read::{Decoded, MAX_BYTES, check_size};
use super::{Metadata, ReadError};

/// The first picture, on the whole canvas: what it leaves free is transparent.
pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Decoded, ReadError> {
    let failed = |error| fault(path, error);
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    options.set_memory_limit(MemoryLimit::Bytes(MAX_BYTES.try_into().unwrap_or(std::num::NonZeroU64::MAX)));
    let mut decoder = options.read_info(bytes).map_err(failed)?;
    let icc = decoder.icc_profile().map(<[u8]>::to_vec);
    let mut metadata = Metadata::default();
    if let Some(xmp) = decoder.xmp_metadata().map(<[u8]>::to_vec) {
        metadata.set_xmp(&xmp);
    }
    let canvas = (u32::from(decoder.width()), u32::from(decoder.height()));
    let frame = decoder.read_next_frame().map_err(failed)?;
    let frame = frame
        .ok_or_else(|| ReadError::Malformed { path: path.into(), reason: "it holds no picture".into() })?;
    let (width, height) = match canvas {
        (0, _) | (_, 0) => (u32::from(frame.width), u32::from(frame.height)),
        canvas => canvas,
    };
    check_size(path, width, height)?;
    let mut picture = RgbaImage::new(width, height);
    let own = RgbaImage::from_raw(frame.width.into(), frame.height.into(), frame.buffer.to_vec())
        .ok_or_else(|| ReadError::Malformed { path: path.into(), reason: "its pixels are too few".into() })?;
    image::imageops::replace(&mut picture, &own, frame.left.into(), frame.top.into());
    let opaque = picture.pixels().all(|pixel| pixel[3] == 255);
    let image = match opaque {
        true => DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| {
            let [r, g, b, _] = picture[(x, y)].0;
            image::Rgb([r, g, b])
        })),
        false => DynamicImage::ImageRgba8(picture),
    };
    metadata.first_of(pictures(bytes), "pictures (an animation)");
    Ok(Decoded { image, icc, orientation: Orientation::NoTransforms, premultiplied: false, metadata })
}

/// How many pictures a file has, as far as it can be followed.
fn pictures(bytes: &[u8]) -> usize {
    let mut options = DecodeOptions::new();
    options.skip_frame_decoding(true);
    let Ok(mut decoder) = options.read_info(bytes) else { return 1 };
    let mut count = 0;
    while let Ok(Some(_)) = decoder.next_frame_info() {
        count += 1;
    }
    count
}

fn fault(path: &Path, error: DecodingError) -> ReadError {
    let (path, reason) = (path.to_path_buf(), error.to_string());
    match error {
        DecodingError::UnexpectedEof => ReadError::Truncated { path, reason },
        DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            ReadError::Truncated { path, reason }
        }
        _ => ReadError::Malformed { path, reason },
    }
}
