//! Pixels to image files.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use image::codecs::{bmp, jpeg};
use image::{ExtendedColorType, ImageEncoder, ImageFormat};

use super::format::written;
use super::png_colour::{Colours, as_profile};
use super::read::describes;
use super::tiff_write::TiffHead;
use super::{Depth, Head, Photo, WriteError, exif, jpeg_segments, png};
use crate::AtomicFile;

/// Quality of the JPEG files that are written, of 100.
pub const JPEG_QUALITY: u8 = 95;
/// Bytes of a PNG's chunks of pixels.
const CHUNK: usize = 1 << 18;

/// Writes an image file in the format of its extension: `.png`, `.jpg`, `.webp` (lossless), `.tif`, `.bmp`, `.ppm`.
///
/// Values are cut to `[0, 1]` and rounded to the nearest level. PNG and TIFF keep everything; WebP keeps alpha
/// and the profile, with 8 bits; JPEG (quality [`JPEG_QUALITY`]) keeps the profile, with 8 bits; BMP keeps
/// 8 bits and alpha; PPM keeps 16 bits. A profile that does not fit the channels is left out. EXIF and XMP are kept by PNG,
/// JPEG, WebP and TIFF; what PNG's chunks say of colours becomes a profile elsewhere;
/// [`Capacity::left_out`](super::Capacity::left_out) says what has no place. The file appears whole or not at all.
///
/// # Errors
/// When the extension is unknown, the photo has transparency and the format none, a value is NaN or infinite,
/// there are no pixels, or the system refuses. Nothing is written then.
pub fn write_photo(path: impl AsRef<Path>, photo: &Photo) -> Result<(), WriteError> {
    let path = path.as_ref();
    let failed = |source| WriteError::Io { path: path.into(), source };
    check(path, photo)?;
    let mut file = AtomicFile::create(path).map_err(failed)?;
    write_rows(path, &photo.head(), &mut file, |rows| rows.push_all(photo))?;
    file.commit().map_err(failed)
}

/// The bytes of the file that [`write_photo`] writes; `name` says the format and stands in the messages.
///
/// # Errors
/// As [`write_photo`], but for what the system says.
pub fn encode_photo(name: impl AsRef<Path>, photo: &Photo) -> Result<Vec<u8>, WriteError> {
    let path = name.as_ref();
    check(path, photo)?;
    let mut bytes = Vec::new();
    write_rows(path, &photo.head(), &mut bytes, |rows| rows.push_all(photo))?;
    Ok(bytes)
}

/// What can be told before a file is begun.
fn check(path: &Path, photo: &Photo) -> Result<(), WriteError> {
    let format = format_of(path)?;
    check_head(path, &photo.head(), format)?;
    let (width, height) = photo.pixels.size();
    match &photo.alpha {
        Some(alpha) if alpha.len() != width * height => {
            Err(WriteError::AlphaMismatch { path: path.into(), alpha: alpha.len(), pixels: width * height })
        }
        _ => Ok(()),
    }
}

fn format_of(path: &Path) -> Result<ImageFormat, WriteError> {
    written(path).ok_or_else(|| WriteError::UnknownExtension { path: path.into() })
}

fn check_head(path: &Path, head: &Head, format: ImageFormat) -> Result<(), WriteError> {
    let (path, (width, height)) = (path.to_path_buf(), head.size);
    match format {
        _ if width == 0 || height == 0 => Err(WriteError::Empty { path, width, height }),
        ImageFormat::Jpeg if head.alpha => Err(WriteError::NoAlpha { path, format: "JPEG" }),
        ImageFormat::Pnm if head.alpha => Err(WriteError::NoAlpha { path, format: "PPM" }),
        _ => Ok(()),
    }
}

/// Writes an image file row by row, so that its pixels are never in memory together: `rows` pushes them, from the top. PNG,
/// TIFF and PPM are written as the rows come; the others need all levels, a byte for each value, before the first byte of the
/// file. `name` says the format, as for [`write_photo`], and stands in the messages.
///
/// # Errors
/// As [`write_photo`], when there are not as many rows as `head` says, and what `rows` returns. What was written to `out`
/// is then no picture.
pub fn write_rows<E: From<WriteError>>(
    name: impl AsRef<Path>,
    head: &Head,
    out: &mut dyn Write,
    rows: impl FnOnce(&mut RowWriter<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let path = name.as_ref();
    let format = format_of(path)?;
    check_head(path, head, format)?;
    let layout = Layout::of(path, head, format)?;
    let refused = |reason: String| WriteError::Encoder { path: path.into(), reason };
    match format {
        ImageFormat::Png => {
            let failed = |error: ::png::EncodingError| WriteError::from_png(path, error);
            let mut file = layout.png(head, out).map_err(failed)?;
            let mut stream = file.stream_writer_with_size(CHUNK).map_err(failed)?;
            RowWriter::fed(path, &layout, &mut stream, rows)?;
            stream.finish().map_err(failed)?;
            file.finish().map_err(failed)?;
        }
        ImageFormat::Tiff => {
            let icc = layout.profile(head);
            let mut out = BufWriter::new(out);
            let start = TiffHead {
                head,
                icc: icc.as_deref(),
                sixteen: layout.sixteen,
                big_endian: layout.big_endian,
            };
            let start = start.bytes().ok_or_else(|| refused("it would be larger than 4 GB".into()))?;
            out.write_all(&start).map_err(|error| WriteError::io(path, error))?;
            RowWriter::fed(path, &layout, &mut out, rows)?;
            out.flush().map_err(|error| WriteError::io(path, error))?;
        }
        ImageFormat::Pnm => {
            let mut out = BufWriter::new(out);
            let (kind, white) = (if layout.grey { 5 } else { 6 }, if layout.sixteen { 65_535 } else { 255 });
            write!(out, "P{kind}\n{} {}\n{white}\n", layout.width, layout.height)
                .map_err(|error| WriteError::io(path, error))?;
            RowWriter::fed(path, &layout, &mut out, rows)?;
            out.flush().map_err(|error| WriteError::io(path, error))?;
        }
        _ => {
            let mut levels = Vec::new();
            RowWriter::fed(path, &layout, &mut levels, rows)?;
            let bytes = layout.whole(format, head, &levels).map_err(refused)?;
            out.write_all(&bytes).map_err(|error| WriteError::io(path, error))?;
        }
    }
    Ok(())
}

/// How levels lie in a file.
struct Layout {
    width: u32,
    height: u32,
    grey: bool,
    alpha: bool,
    sixteen: bool,
    /// The order of the bytes of 16 bits.
    big_endian: bool,
}

impl Layout {
    fn of(path: &Path, head: &Head, format: ImageFormat) -> Result<Self, WriteError> {
        let side = |side: usize| {
            u32::try_from(side)
                .map_err(|_| WriteError::Encoder { path: path.into(), reason: "a side is too long".into() })
        };
        Ok(Self {
            width: side(head.size.0)?,
            height: side(head.size.1)?,
            // BMP has no grey with alpha: it is stored as colour.
            grey: head.grey && !(head.alpha && format == ImageFormat::Bmp),
            alpha: head.alpha,
            sixteen: head.depth == Depth::Sixteen
                && matches!(format, ImageFormat::Png | ImageFormat::Tiff | ImageFormat::Pnm),
            big_endian: format != ImageFormat::Tiff || super::tiff_metadata::big_endian(&head.metadata),
        })
    }

    /// The profile of these channels: the photo's own, or what a PNG's chunks say, where the format has none.
    fn profile(&self, head: &Head) -> Option<Vec<u8>> {
        let own = head.icc.clone().filter(|profile| describes(profile, self.grey));
        match as_profile(&head.metadata.colour, self.grey, own.is_some()) {
            Colours::Profile(profile) => Some(profile),
            Colours::Plain | Colours::Lost(_) => own,
        }
    }

    fn png<'a>(
        &self,
        head: &Head,
        out: &'a mut dyn Write,
    ) -> Result<::png::Writer<&'a mut dyn Write>, ::png::EncodingError> {
        let mut info = ::png::Info::with_size(self.width, self.height);
        info.color_type = match (self.grey, self.alpha) {
            (true, false) => ::png::ColorType::Grayscale,
            (true, true) => ::png::ColorType::GrayscaleAlpha,
            (false, false) => ::png::ColorType::Rgb,
            (false, true) => ::png::ColorType::Rgba,
        };
        info.bit_depth = if self.sixteen { ::png::BitDepth::Sixteen } else { ::png::BitDepth::Eight };
        info.icc_profile = head.icc.clone().filter(|profile| describes(profile, self.grey)).map(Into::into);
        let mut encoder = ::png::Encoder::with_info(out, info)?;
        encoder.set_compression(::png::Compression::Fast);
        encoder.set_filter(::png::Filter::Adaptive);
        let mut file = encoder.write_header()?;
        png::write_metadata(&head.metadata, &mut file)?;
        Ok(file)
    }

    /// A file of a format that needs all levels, of 8 bits, at once.
    fn whole(&self, format: ImageFormat, head: &Head, levels: &[u8]) -> Result<Vec<u8>, String> {
        let mut file = Vec::new();
        let color = match (self.grey, self.alpha) {
            (true, false) => ExtendedColorType::L8,
            (true, true) => ExtendedColorType::La8,
            (false, false) => ExtendedColorType::Rgb8,
            (false, true) => ExtendedColorType::Rgba8,
        };
        match format {
            ImageFormat::Jpeg => {
                let mut encoder = jpeg::JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY);
                if let Some(icc) = self.profile(head) {
                    encoder.set_icc_profile(icc).map_err(|error| error.to_string())?;
                }
                encoder
                    .write_image(levels, self.width, self.height, color)
                    .map_err(|error| error.to_string())?;
                jpeg_segments::insert(&head.metadata, &mut file);
            }
            ImageFormat::WebP => {
                use image_webp::ColorType as C;
                let color = match color {
                    ExtendedColorType::L8 => C::L8,
                    ExtendedColorType::La8 => C::La8,
                    ExtendedColorType::Rgb8 => C::Rgb8,
                    _ => C::Rgba8,
                };
                // It asks for sides that it can hold, by a panic.
                if self.width.max(self.height) > 16_384 {
                    return Err("a side is longer than 16384 pixels".into());
                }
                let mut encoder = image_webp::WebPEncoder::new(&mut file);
                let metadata = &head.metadata;
                if let Some(icc) = self.profile(head) {
                    encoder.set_icc_profile(icc);
                }
                if let Some(exif) = metadata
                    .exif
                    .clone()
                    .or_else(|| metadata.density.map(|density| exif::of_density(&density)))
                {
                    encoder.set_exif_metadata(exif);
                }
                if let Some(xmp) = &metadata.xmp {
                    encoder.set_xmp_metadata(xmp.clone());
                }
                encoder.encode(levels, self.width, self.height, color).map_err(|error| error.to_string())?;
            }
            _ => {
                let encoder = bmp::BmpEncoder::new(&mut file);
                encoder
                    .write_image(levels, self.width, self.height, color)
                    .map_err(|error| error.to_string())?;
                if let (Some(density), Some(place)) = (head.metadata.any_density(), file.get_mut(38..46)) {
                    let [x, y] = density.metre.map(|pixels| (pixels.round() as i32).to_le_bytes());
                    place.copy_from_slice(&[x, y].concat());
                }
            }
        }
        Ok(file)
    }
}

/// Where rows of pixels go: see [`write_rows`].
pub struct RowWriter<'a> {
    path: &'a Path,
    layout: &'a Layout,
    out: &'a mut dyn Write,
    line: Vec<u8>,
    done: usize,
}

impl RowWriter<'_> {
    fn fed<E: From<WriteError>>(
        path: &Path,
        layout: &Layout,
        out: &mut dyn Write,
        rows: impl FnOnce(&mut RowWriter<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut writer = RowWriter { path, layout, out, line: Vec::new(), done: 0 };
        rows(&mut writer)?;
        match writer.done == layout.height as usize {
            true => Ok(()),
            false => {
                let reason = format!("{} of {} rows came", writer.done, layout.height);
                Err(WriteError::Encoder { path: path.into(), reason }.into())
            }
        }
    }

    /// The next row: three values a pixel, and the opacity of each where the file has any.
    ///
    /// # Errors
    /// When a value is NaN or infinite, the row has another width or is one too many, or the system refuses.
    pub fn push(&mut self, colours: &[f32], alpha: &[f32]) -> Result<(), WriteError> {
        let Layout { width, height, grey, alpha: has_alpha, sixteen, big_endian } = *self.layout;
        let width = width as usize;
        let (y, opacities) = (self.done, if has_alpha { width } else { 0 });
        if colours.len() != 3 * width || alpha.len() != opacities || y >= height as usize {
            let reason = format!("row {y} does not fit a picture of {width}×{height} pixels");
            return Err(WriteError::Encoder { path: self.path.into(), reason });
        }
        let infinite = |values: &[f32]| values.iter().position(|value| !value.is_finite());
        if let Some((x, value)) = infinite(colours)
            .map(|at| (at / 3, colours[at]))
            .or_else(|| infinite(alpha).map(|at| (at, alpha[at])))
        {
            return Err(WriteError::NotFinite { path: self.path.into(), x, y, value });
        }
        self.line.clear();
        let line = &mut self.line;
        let mut level = |value: f32| {
            let value = value.clamp(0.0, 1.0);
            match (sixteen, (value * 65_535.0).round() as u16) {
                (true, level) if big_endian => line.extend(level.to_be_bytes()),
                (true, level) => line.extend(level.to_le_bytes()),
                (false, _) => line.push((value * 255.0).round() as u8),
            }
        };
        for (at, pixel) in colours.chunks_exact(3).enumerate() {
            match grey {
                // A network may have tinted it: its luma, full range.
                true => level(0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]),
                false => pixel.iter().for_each(|value| level(*value)),
            }
            if let Some(opacity) = alpha.get(at) {
                level(*opacity);
            }
        }
        self.out.write_all(&self.line).map_err(|error| WriteError::io(self.path, error))?;
        self.done += 1;
        Ok(())
    }

    /// All rows of a photo.
    fn push_all(&mut self, photo: &Photo) -> Result<(), WriteError> {
        let width = photo.pixels.width();
        let alpha =
            |y: usize| photo.alpha.as_ref().map_or(&[][..], |alpha| &alpha[y * width..(y + 1) * width]);
        let rows = photo.pixels.data().chunks_exact((3 * width).max(1)).enumerate();
        rows.into_iter().try_for_each(|(y, colours)| self.push(colours, alpha(y)))
    }
}

impl WriteError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: PathBuf::from(path), source }
    }

    fn from_png(path: &Path, error: ::png::EncodingError) -> Self {
        match error {
            ::png::EncodingError::IoError(source) => Self::io(path, source),
            error => Self::Encoder { path: path.into(), reason: error.to_string() },
        }
    }
}
