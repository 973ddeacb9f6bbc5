//! The tags of a TIFF that say what its numbers are, and which kinds are read.

use std::io::{self, Read, Seek, SeekFrom};

// Tags (TIFF 6.0; DNG).
const SUBFILE_TYPE: u16 = 254;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const PLANAR: u16 = 284;
const PREDICTOR: u16 = 317;
const TILE_WIDTH: u16 = 322;
const INK_SET: u16 = 332;
const DNG_VERSION: u16 = 50_706;

/// What the numbers of a pixel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    /// Grey.
    Grey {
        /// Whether larger is darker.
        white_is_zero: bool,
    },
    /// Red, green and blue.
    Rgb,
    /// A place in a table of colours.
    Palette,
    /// Four inks.
    Cmyk,
    /// Luma and two differences.
    YCbCr {
        /// Whether they were compressed as JPEG, which has spread the differences over all pixels already.
        jpeg: bool,
    },
}

/// The list of tags of a file's first picture.
pub(super) struct Directory {
    entries: Vec<Entry>,
    big_endian: bool,
}

/// A tag whose first value stands in the list itself.
struct Entry {
    tag: u16,
    /// Where the value is in the file, and how many bytes it takes.
    at: usize,
    size: usize,
    value: u64,
}

impl Directory {
    /// `None` where there is no such list.
    pub(super) fn first(file: &mut (impl Read + Seek)) -> Option<Self> {
        let mut start = [0; 2];
        file.rewind().and_then(|()| file.read_exact(&mut start)).ok()?;
        let big_endian = start == *b"MM";
        let mut number = |at: usize, size: usize| -> Option<u64> {
            let mut bytes = [0; 8];
            let bytes = &mut bytes[..size];
            file.seek(SeekFrom::Start(at as u64)).and_then(|_| file.read_exact(bytes)).ok()?;
            let join = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
            Some(if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
        };
        // BigTIFF has wider places, counts and entries.
        let wide = number(2, 2)? == 43;
        let (start, count_size, length, room) =
            if wide { (number(8, 8)?, 8, 20, 8) } else { (number(4, 4)?, 2, 12, 4) };
        let start = usize::try_from(start).ok()?;
        let count = number(start, count_size)?;
        let mut entries = Vec::new();
        for index in 0..usize::try_from(count).ok()?.min(usize::from(u16::MAX)) {
            let at = start.checked_add(count_size)?.checked_add(index * length)?;
            let Some(tag) = number(at, 2) else { break };
            let size = match number(at + 2, 2) {
                Some(1 | 2 | 6 | 7) => 1,
                Some(3 | 8) => 2,
                Some(4 | 9 | 13) => 4,
                Some(16) => 8,
                _ => continue,
            };
            let at = at + length - room;
            if let (true, Some(value)) = (size <= room, number(at, size)) {
                entries.push(Entry { tag: tag as u16, at, size, value });
            }
        }
        Some(Self { entries, big_endian })
    }

    fn value(&self, tag: u16) -> Option<u64> {
        self.entries.iter().find(|entry| entry.tag == tag).map(|entry| entry.value)
    }

    /// Whether strips of rows have all samples of their pixels.
    pub(super) fn has_rows(&self) -> bool {
        self.value(TILE_WIDTH).is_none() && self.value(PLANAR).is_none_or(|kind| kind == 1) && !self.jpeg()
    }

    /// Whether the pixels are compressed as JPEG.
    pub(super) fn jpeg(&self) -> bool {
        self.value(COMPRESSION) == Some(7)
    }

    /// What the numbers are; or what the file is, where its kind is not read.
    pub(super) fn colours(&self) -> Result<Colours, String> {
        let refused = |what: &str| Err(what.to_string());
        let photometric = self.value(PHOTOMETRIC);
        if self.value(DNG_VERSION).is_some() || matches!(photometric, Some(32_803 | 34_892)) {
            return refused("a camera's RAW photo");
        }
        if self.value(SUBFILE_TYPE).is_some_and(|kind| kind & 1 == 1) {
            return refused("a TIFF that begins with a small preview, as cameras' RAW photos do,");
        }
        let compression = self.value(COMPRESSION).unwrap_or(1);
        if let Some(name) = unread_compression(compression) {
            return Err(format!("a TIFF compressed by {name}"));
        }
        if self.value(FILL_ORDER) == Some(2) {
            return refused("a TIFF whose bits are in reverse order");
        }
        Ok(match photometric {
            Some(white @ (0 | 1)) => Colours::Grey { white_is_zero: white == 0 },
            Some(2) => Colours::Rgb,
            Some(3) => Colours::Palette,
            Some(4) => return refused("a TIFF that holds only a mask"),
            Some(5) if self.value(INK_SET).is_some_and(|set| set != 1) => {
                return refused("a TIFF of other inks than CMYK");
            }
            Some(5) if self.jpeg() => return refused("a TIFF of CMYK compressed as JPEG"),
            Some(5) => Colours::Cmyk,
            Some(6) => Colours::YCbCr { jpeg: self.jpeg() },
            Some(8..=10) => return refused("a TIFF of L*a*b* colours"),
            Some(32_844 | 32_845) => return refused("a TIFF of logarithmic light (LogLuv)"),
            Some(other) => return Err(format!("a TIFF of unknown colours (kind {other})")),
            None => return refused("a TIFF that does not say what its colours are"),
        })
    }

    /// The file, as one of grey pixels of however many samples; and without the predictor where there is no compression
    /// that has one, which readers must ignore then.
    pub(super) fn as_plain_grey<R: Read + Seek>(&self, file: R) -> Patched<R> {
        let predicts = matches!(self.value(COMPRESSION), Some(5 | 8 | 32_946));
        let changed = |entry: &&Entry| entry.tag == PHOTOMETRIC || entry.tag == PREDICTOR && !predicts;
        let one = |entry: &Entry| {
            let mut bytes = vec![0; entry.size];
            let lowest = if self.big_endian { entry.size - 1 } else { 0 };
            bytes[lowest] = 1;
            (entry.at, bytes)
        };
        Patched { file, patches: self.entries.iter().filter(changed).map(one).collect() }
    }
}

/// The name of a compression that is not read.
fn unread_compression(compression: u64) -> Option<String> {
    let name = match compression {
        1 | 4 | 5 | 7 | 8 | 32_773 | 32_946 => return None,
        2 | 3 => "fax (CCITT Group 3)",
        6 => "JPEG in the old way",
        34_661 => "JBIG",
        34_712 => "JPEG 2000",
        34_887 => "LERC",
        34_925 => "LZMA",
        50_000 => "Zstandard",
        50_001 => "WebP",
        50_002 | 52_546 => "JPEG XL",
        other => return Some(format!("an unknown method ({other})")),
    };
    Some(name.to_string())
}

/// A file, some bytes of which read otherwise.
pub(super) struct Patched<R> {
    file: R,
    patches: Vec<(usize, Vec<u8>)>,
}

impl<R: Read + Seek> Read for Patched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.file.stream_position()? as usize;
        let count = self.file.read(into)?;
        for (at, bytes) in &self.patches {
            for (place, byte) in (*at..).zip(bytes) {
                if (from..from + count).contains(&place) {
                    into[place - from] = *byte;
                }
            }
        }
        Ok(count)
    }
}

impl<R: Seek> Seek for Patched<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
