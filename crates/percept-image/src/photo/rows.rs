//! Image files to rows of pixels.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use image::ImageFormat;
use image::metadata::Orientation;

use super::read::{MAX_SIDE, describes};
use super::tiff_rows::TiffRows;
use super::{Depth, Head, Metadata, Photo, ReadError, format, png, read_photo};
use crate::{Image, Srgb};

/// Pictures of fewer pixels are read whole: that takes little memory, and what is wrong with a file is known at once.
const SMALL: u64 = 4_000_000;
/// Memory that a decoder may take for anything but rows.
const NOTES: usize = 64 << 20;

/// The rows of an image file, from the top, as often as one likes. Large PNG, TIFF and PPM files without opacity are read row by row
/// and may have any number of pixels; all others are read whole, as [`read_photo`] reads them.
pub struct RowReader {
    path: PathBuf,
    head: Head,
    source: Source,
}

enum Source {
    Png(Box<::png::Reader<BufReader<File>>>),
    Pnm { file: BufReader<File>, start: u64, line: Vec<u8> },
    Tiff(Box<TiffRows>),
    Whole { pixels: Image<Srgb>, alpha: Option<Vec<f32>>, at: usize },
}

impl RowReader {
    /// Begins to read a file.
    ///
    /// # Errors
    /// As [`read_photo`]. What is wrong behind the beginning of a file that is read row by row shows later.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        match streamed(path)? {
            Some((head, source)) => Ok(Self { path: path.into(), head, source }),
            None => Ok(Self::of(path, read_photo(path)?)),
        }
    }

    /// Of a photo in memory; `name` stands in messages.
    pub fn of(name: impl AsRef<Path>, photo: Photo) -> Self {
        let head = photo.head();
        let pixels = match photo.bled() {
            Cow::Owned(bled) => bled,
            Cow::Borrowed(_) => photo.pixels,
        };
        let source = Source::Whole { pixels, alpha: photo.alpha, at: 0 };
        Self { path: name.as_ref().into(), head, source }
    }

    /// Everything that the file says before its pixels.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Whether the picture is in memory.
    pub fn is_whole(&self) -> bool {
        matches!(self.source, Source::Whole { .. })
    }

    /// All opacities, where the file has any: rows from the top.
    pub fn take_alpha(&mut self) -> Option<Vec<f32>> {
        match &mut self.source {
            Source::Whole { alpha, .. } => alpha.take(),
            _ => None,
        }
    }

    /// Begins at the top again.
    ///
    /// # Errors
    /// When the file cannot be read once more.
    pub fn rewind(&mut self) -> Result<(), ReadError> {
        let failed = |source| ReadError::from_io(&self.path, source);
        match &mut self.source {
            Source::Whole { at, .. } => *at = 0,
            Source::Pnm { file, start, .. } => {
                file.seek(SeekFrom::Start(*start)).map_err(failed)?;
            }
            Source::Tiff(rows) => rows.rewind(),
            Source::Png(reader) => {
                let decoder = png_decoder(File::open(&self.path).map_err(failed)?);
                **reader = decoder.read_info().map_err(|error| png_fault(&self.path, error))?;
            }
        }
        Ok(())
    }

    /// The next row: three values a pixel, colours as [`Photo::bled`] has them.
    ///
    /// # Errors
    /// When the file is cut off, damaged or can no longer be read.
    pub fn read(&mut self, row: &mut [f32]) -> Result<(), ReadError> {
        let (path, grey) = (&self.path, self.head.grey);
        match &mut self.source {
            Source::Whole { pixels, at, .. } => {
                if let Some(source) = pixels.data().get(*at * row.len()..(*at + 1) * row.len()) {
                    row.copy_from_slice(source);
                }
                *at += 1;
            }
            Source::Tiff(rows) => spread(rows.next(path)?, grey, self.head.depth, row),
            Source::Pnm { file, line, .. } => {
                file.read_exact(line).map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => {
                        ReadError::Truncated { path: path.clone(), reason: "rows are missing".into() }
                    }
                    _ => ReadError::from_io(path, error),
                })?;
                spread(line, grey, self.head.depth, row);
            }
            Source::Png(reader) => {
                let missing =
                    || ReadError::Truncated { path: path.clone(), reason: "rows are missing".into() };
                let line = reader.next_row().map_err(|error| png_fault(path, error))?.ok_or_else(missing)?;
                spread(line.data(), grey, self.head.depth, row);
            }
        }
        Ok(())
    }
}

/// Levels of a row, most significant byte first, as values of three channels.
fn spread(levels: &[u8], grey: bool, depth: Depth, row: &mut [f32]) {
    let value = |at: usize| match depth {
        Depth::Eight => levels.get(at).map_or(0.0, |level| f32::from(*level) / 255.0),
        Depth::Sixteen => {
            let level = levels.get(2 * at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
            f32::from(u16::from_be_bytes(level)) / 65_535.0
        }
    };
    for (at, place) in row.iter_mut().enumerate() {
        *place = value(if grey { at / 3 } else { at });
    }
}

/// The head of a file that is read row by row, and its rows; `None` where it is read whole.
fn streamed(path: &Path) -> Result<Option<(Head, Source)>, ReadError> {
    let failed = |source| ReadError::from_io(path, source);
    let mut file = File::open(path).map_err(failed)?;
    // What is no ordinary file can be read only once.
    if !file.metadata().map_err(failed)?.is_file() {
        return Ok(None);
    }
    let mut start = Vec::new();
    file.by_ref().take(32).read_to_end(&mut start).map_err(failed)?;
    file.rewind().map_err(failed)?;
    let found = match format::by_content(&start) {
        Some(ImageFormat::Png) => png_rows(path, file)?,
        Some(ImageFormat::Tiff) => {
            TiffRows::open(path, file).map(|(head, rows)| (head, Source::Tiff(Box::new(rows))))
        }
        Some(ImageFormat::Pnm) => pnm_rows(file).map_err(failed)?,
        _ => None,
    };
    Ok(found.filter(|(head, _)| {
        let (width, height) = (head.size.0 as u64, head.size.1 as u64);
        width * height >= SMALL && width.max(height) <= u64::from(MAX_SIDE)
    }))
}

fn png_decoder(file: File) -> ::png::Decoder<BufReader<File>> {
    let limits = ::png::Limits { bytes: NOTES };
    let mut decoder = ::png::Decoder::new_with_limits(BufReader::new(file), limits);
    decoder.set_transformations(::png::Transformations::EXPAND);
    decoder
}

fn png_rows(path: &Path, mut file: File) -> Result<Option<(Head, Source)>, ReadError> {
    let failed = |source| ReadError::from_io(path, source);
    let again = file.try_clone().map_err(failed)?;
    let metadata = png::metadata(&mut BufReader::new(&mut file));
    file.rewind().map_err(failed)?;
    // What is wrong with the file will be said by those who read it whole.
    let Ok(reader) = png_decoder(again).read_info() else { return Ok(None) };
    let info = reader.info();
    let (color, bits) = reader.output_color_type();
    let upright = metadata_orientation(path).is_none_or(|mark| mark == Orientation::NoTransforms);
    let channels = match color {
        ::png::ColorType::Grayscale => 1,
        ::png::ColorType::Rgb => 3,
        _ => return Ok(None),
    };
    let depth = match bits {
        ::png::BitDepth::Eight => Depth::Eight,
        ::png::BitDepth::Sixteen => Depth::Sixteen,
        _ => return Ok(None),
    };
    if info.interlaced || !upright || info.animation_control.is_some() {
        return Ok(None);
    }
    let grey = channels == 1;
    let head = Head {
        size: (info.width as usize, info.height as usize),
        alpha: false,
        depth,
        grey,
        icc: info.icc_profile.as_ref().map(|icc| icc.to_vec()).filter(|icc| describes(icc, grey)),
        metadata,
    };
    Ok(Some((head, Source::Png(Box::new(reader)))))
}

/// The orientation that a PNG's EXIF has.
fn metadata_orientation(path: &Path) -> Option<Orientation> {
    use image::ImageDecoder;
    let mut decoder = image::ImageReader::open(path).ok()?.with_guessed_format().ok()?.into_decoder().ok()?;
    decoder.orientation().ok()
}

fn png_fault(path: &Path, error: ::png::DecodingError) -> ReadError {
    let (path, reason) = (path.to_path_buf(), error.to_string());
    match error {
        ::png::DecodingError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            ReadError::Truncated { path, reason }
        }
        ::png::DecodingError::IoError(source) => ReadError::Io { path, source },
        _ => ReadError::Malformed { path, reason },
    }
}

/// Of a binary grey or colour map whose levels fill 8 or 16 bits.
fn pnm_rows(file: File) -> io::Result<Option<(Head, Source)>> {
    let mut file = BufReader::new(file);
    let mut words = Vec::new();
    // Words and comments, then one white byte.
    while words.len() < 4 {
        match pnm_word(&mut file)? {
            Some(word) => words.push(word),
            None => return Ok(None),
        }
    }
    let number = |at: usize| words[at].parse::<usize>().ok().filter(|number| *number > 0);
    let (Some(width), Some(height)) = (number(1), number(2)) else { return Ok(None) };
    let (grey, depth) = match (words[0].as_str(), words[3].as_str()) {
        ("P5", "255") => (true, Depth::Eight),
        ("P5", "65535") => (true, Depth::Sixteen),
        ("P6", "255") => (false, Depth::Eight),
        ("P6", "65535") => (false, Depth::Sixteen),
        _ => return Ok(None),
    };
    if width.max(height) > MAX_SIDE as usize {
        return Ok(None);
    }
    let bytes = width * if grey { 1 } else { 3 } * if depth == Depth::Sixteen { 2 } else { 1 };
    let head =
        Head { size: (width, height), alpha: false, depth, grey, icc: None, metadata: Metadata::default() };
    let start = file.stream_position()?;
    Ok(Some((head, Source::Pnm { file, start, line: vec![0; bytes] })))
}

/// The next word, and one byte behind it; `None` where there is none of a sensible length.
fn pnm_word(file: &mut impl BufRead) -> io::Result<Option<String>> {
    let (mut word, mut comment) = (String::new(), false);
    for byte in file.bytes().take(4096) {
        match byte? {
            b'\n' | b'\r' if comment => comment = false,
            _ if comment => {}
            b'#' => comment = true,
            white if white.is_ascii_whitespace() && word.is_empty() => {}
            white if white.is_ascii_whitespace() => return Ok(Some(word)),
            byte => word.push(char::from(byte)),
        }
    }
    Ok(None)
}
