//! The file formats that are read, by their names and by their first bytes.

use std::path::Path;

use image::ImageFormat;

use super::png_colour::{Colours, as_profile};
use super::{Depth, Head, jpeg_segments};

/// What to convert a picture to that cannot be read.
pub(super) const READABLE: &str = "PNG, JPEG, WebP, TIFF, GIF, BMP or PPM with 8 or 16 bits a channel";

/// File name extensions of photos, in lower case. All are read; those that name a variant which is never written (`apng`,
/// `gif`, `pbm`, `pam`) are only read.
pub const EXTENSIONS: [&str; 20] = [
    "png", "apng", "jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "webp", "tif", "tiff", "gif", "bmp",
    "dib", "ppm", "pgm", "pbm", "pnm", "pam",
];

/// The extension in lower case.
pub(super) fn extension(path: &Path) -> Option<String> {
    path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase)
}

/// The format that a file of this name is written in.
pub(super) fn written(path: &Path) -> Option<ImageFormat> {
    Some(match extension(path)?.as_str() {
        "png" => ImageFormat::Png,
        "jpg" | "jpeg" | "jpe" | "jfif" | "jif" | "pjpeg" | "pjp" => ImageFormat::Jpeg,
        "webp" => ImageFormat::WebP,
        "tif" | "tiff" => ImageFormat::Tiff,
        "bmp" | "dib" => ImageFormat::Bmp,
        "ppm" | "pgm" | "pnm" => ImageFormat::Pnm,
        _ => return None,
    })
}

/// What a file format can hold beside colours of 8 bits, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Its name.
    pub format: &'static str,
    /// Transparency.
    pub alpha: bool,
    /// Colours of 16 bits.
    pub sixteen: bool,
    /// An ICC profile.
    pub icc: bool,
    /// EXIF and XMP.
    pub exif: bool,
    /// Whether it is written row by row, without all of it in memory.
    pub rows: bool,
    /// Most pixels on a side.
    pub side: u64,
    /// Most bytes of all values together.
    pub bytes: u64,
}

impl Capacity {
    /// Of the format that a file of this name is written in; `None` where the name says none.
    pub fn of(path: impl AsRef<Path>) -> Option<Self> {
        const FOUR_GIGABYTES: u64 = 4_000_000_000;
        let (format, [alpha, sixteen, icc, exif], side, bytes) = match written(path.as_ref())? {
            ImageFormat::Png => ("PNG", [true; 4], (1 << 31) - 1, u64::MAX),
            ImageFormat::Tiff => ("TIFF", [true; 4], u64::from(u32::MAX), FOUR_GIGABYTES),
            ImageFormat::WebP => ("WebP", [true, false, true, true], 16_383, u64::MAX),
            ImageFormat::Jpeg => ("JPEG", [false, false, true, true], 65_535, u64::MAX),
            ImageFormat::Bmp => ("BMP", [true, false, false, false], (1 << 31) - 1, FOUR_GIGABYTES),
            ImageFormat::Pnm => ("PPM", [false, true, false, false], u64::from(u32::MAX), u64::MAX),
            _ => return None,
        };
        let rows = matches!(format, "PNG" | "TIFF" | "PPM");
        Some(Self { format, alpha, sixteen, icc, exif, rows, side, bytes })
    }

    /// Whether alpha, depth and profile of a photo of this `head` have a place in it, whatever its size.
    pub fn holds(&self, head: &Head) -> bool {
        (self.alpha || !head.alpha)
            && (self.sixteen || head.depth == Depth::Eight)
            && (self.icc || head.icc.is_none())
    }

    /// What a photo of this `head` loses in this format beside its pixels, in words.
    pub fn left_out(&self, head: &Head) -> Vec<String> {
        let metadata = &head.metadata;
        let mut lost = Vec::new();
        let mut add = |what: &str, there: bool| lost.extend(there.then(|| what.to_string()));
        let png = self.format == "PNG";
        add("EXIF", !self.exif && metadata.exif.is_some());
        add("XMP", !self.exif && metadata.xmp.is_some());
        add("PNG's notes", !png && !metadata.texts.is_empty());
        add("the colour profile", !self.icc && head.icc.is_some());
        if self.format == "JPEG" {
            lost.extend(jpeg_segments::too_long(metadata).into_iter().map(str::to_string));
        }
        if !png {
            let light = |kind: &[u8; 4]| metadata.colour.iter().any(|chunk| chunk.kind == *kind);
            match as_profile(&metadata.colour, head.grey, head.icc.is_some()) {
                Colours::Lost(chunk) => lost.push(format!("PNG's {chunk}")),
                Colours::Profile(_) if !self.icc => lost.push("what PNG's chunks say of colours".to_string()),
                Colours::Profile(_) | Colours::Plain => {}
            }
            lost.extend(
                [b"mDCV", b"cLLI"]
                    .into_iter()
                    .filter(|kind| light(kind))
                    .map(|kind| format!("PNG's {}", String::from_utf8_lossy(kind))),
            );
        }
        lost
    }
}

/// The format of a file that begins with these bytes, where it is one that is read.
pub(super) fn by_content(bytes: &[u8]) -> Option<ImageFormat> {
    Some(match bytes {
        // Canon's RAW begins as TIFF does.
        [b'I', b'I', 42, 0, _, _, _, _, b'C', b'R', ..] => return None,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => ImageFormat::Png,
        [0xff, 0xd8, 0xff, ..] => ImageFormat::Jpeg,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ImageFormat::WebP,
        // With 32-bit offsets (42) or 64-bit ones (BigTIFF, 43), in either order of bytes.
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => ImageFormat::Tiff,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => ImageFormat::Gif,
        [b'B', b'M', ..] => ImageFormat::Bmp,
        [b'P', b'1'..=b'7', white, ..] if white.is_ascii_whitespace() => ImageFormat::Pnm,
        _ => return None,
    })
}
