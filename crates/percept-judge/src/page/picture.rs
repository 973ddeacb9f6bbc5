//! Pictures inside of the page, every pixel as it is: lossless PNG in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use percept_image::resize::imresize;
use percept_image::{Image, Srgb};

/// An sRGB image, rounded to 8 bits.
pub(crate) fn photo(image: &Image<Srgb>) -> String {
    let bytes: Vec<u8> =
        image.data().iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    uri(&bytes, image.size(), ExtendedColorType::Rgb8)
}

/// A small version of at most `side` pixels.
pub(crate) fn thumbnail(image: &Image<Srgb>, side: usize) -> String {
    let (width, height) = image.size();
    let shrink = (side as f64 / width.max(height) as f64).min(1.0);
    let length = |length: usize| ((length as f64 * shrink).round() as usize).max(1);
    photo(&imresize(image, length(width), length(height)))
}

/// One channel in `[0, 1]`, rows from the top.
pub(crate) fn grey(values: &[f32], size: (usize, usize)) -> String {
    let bytes: Vec<u8> = values.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    uri(&bytes, size, ExtendedColorType::L8)
}

/// Four bytes a pixel: colour and opacity.
pub(crate) fn rgba(bytes: &[u8], size: (usize, usize)) -> String {
    uri(bytes, size, ExtendedColorType::Rgba8)
}

/// Empty where there are no pixels; the encoder writes to memory and has no other reason to fail.
fn uri(bytes: &[u8], (width, height): (usize, usize), colour: ExtendedColorType) -> String {
    let mut file = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Default, FilterType::Adaptive);
    let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else { return String::new() };
    match encoder.write_image(bytes, width, height, colour) {
        Ok(()) => format!("data:image/png;base64,{}", STANDARD.encode(file)),
        Err(_) => String::new(),
    }
}
