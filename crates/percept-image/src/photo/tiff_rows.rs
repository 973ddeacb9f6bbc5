//! The rows of a TIFF, strip by strip.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::Path;

use image::metadata::Orientation;
use tiff::decoder::{ChunkType, Decoder, DecodingResult};
use tiff::tags::Tag;

use super::ifd::FileBytes;
use super::read::describes;
use super::tiff::{fault, limits};
use super::tiff_directory::{Directory, Patched};
use super::tiff_layout::Layout;
use super::{Depth, Head, ReadError, tiff_metadata};

/// Bytes of a strip that is still read as one: files with longer ones are read whole.
const STRIP: u64 = 64 << 20;

/// Strips of rows of a file, one after the other.
pub(super) struct TiffRows {
    decoder: Decoder<Patched<BufReader<File>>>,
    layout: Layout,
    size: (usize, usize),
    strip: u32,
    /// Levels of the strip, most significant byte first, and how far they have been given.
    levels: Vec<u8>,
    at: usize,
}

impl TiffRows {
    /// `None` where the file cannot be read so, whether it is sound or not.
    pub(super) fn open(path: &Path, file: File) -> Option<(Head, Self)> {
        let metadata = tiff_metadata::metadata(&FileBytes::new(File::open(path).ok()?).ok()?);
        let mut file = BufReader::new(file);
        let directory = Directory::first(&mut file)?;
        let colours = directory.colours().ok().filter(|_| directory.has_rows())?;
        file.rewind().ok()?;
        let mut decoder = Decoder::new(directory.as_plain_grey(file)).ok()?.with_limits(limits(STRIP));
        let (width, height) = decoder.dimensions().ok()?;
        let size = (width as usize, height as usize);
        let layout = Layout::read(path, &mut decoder, colours, size).ok()?;
        let rows = decoder.chunk_dimensions().1;
        let upright =
            match decoder.get_tag_u32(Tag::Orientation).ok().and_then(|mark| u8::try_from(mark).ok()) {
                None => true,
                Some(mark) => {
                    Orientation::from_exif(mark).is_none_or(|mark| mark == Orientation::NoTransforms)
                }
            };
        let bytes = u64::from(width) * u64::from(rows) * 2 * layout.channels() as u64;
        let channels = layout.channels();
        if !upright
            || channels.is_multiple_of(2)
            || bytes > STRIP
            || decoder.get_chunk_type() != ChunkType::Strip
        {
            return None;
        }
        let grey = channels == 1;
        let depth = if layout.is_deep() { Depth::Sixteen } else { Depth::Eight };
        let icc = decoder.get_tag_u8_vec(Tag::IccProfile).ok().filter(|icc| describes(icc, grey));
        let head = Head { size, alpha: false, depth, grey, icc, metadata };
        Some((head, Self { decoder, layout, size, strip: 0, levels: Vec::new(), at: 0 }))
    }

    pub(super) fn rewind(&mut self) {
        (self.strip, self.at) = (0, 0);
        self.levels.clear();
    }

    /// The levels of the next row.
    pub(super) fn next(&mut self, path: &Path) -> Result<&[u8], ReadError> {
        let missing = || ReadError::Truncated { path: path.into(), reason: "rows are missing".into() };
        let line = self.size.0 * self.layout.channels() * if self.layout.is_deep() { 2 } else { 1 };
        if self.at >= self.levels.len() {
            let rows = self.decoder.chunk_data_dimensions(self.strip).1 as usize;
            let layout = self.layout.of_rows(rows);
            self.levels = match self.decoder.read_chunk(self.strip).map_err(|error| fault(path, error))? {
                DecodingResult::U8(samples) => layout.levels8(samples),
                DecodingResult::U16(samples) => {
                    layout.levels16(samples).into_iter().flat_map(u16::to_be_bytes).collect()
                }
                _ => return Err(missing()),
            };
            (self.strip, self.at) = (self.strip + 1, 0);
        }
        let row = self.levels.get(self.at..self.at + line).ok_or_else(missing)?;
        self.at += line;
        Ok(row)
    }
}
