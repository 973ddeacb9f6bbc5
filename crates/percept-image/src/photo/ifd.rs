//! Lists of tags (image file directories) as TIFF and EXIF have them: found in bytes, and written.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

/// The list of EXIF's own tags, that of the place, and that of interoperability, which is inside the first one.
pub(super) const EXIF: u16 = 0x8769;
/// See [`EXIF`].
pub(super) const GPS: u16 = 0x8825;
/// See [`EXIF`].
pub(super) const INTEROP: u16 = 0xa005;

/// Bytes of all values of a list together; no notes are longer.
const MOST: usize = 64 << 20;

/// Bytes that begin as a TIFF does, in which lists are found.
pub(super) struct Block<'a, B: Bytes + ?Sized = [u8]> {
    pub bytes: &'a B,
    pub big_endian: bool,
}

/// Bytes in memory or in a file.
pub(super) trait Bytes {
    fn length(&self) -> usize;

    /// Copies into `into` from this place on; `false` where they end before.
    fn copy_at(&self, at: usize, into: &mut [u8]) -> bool;
}

impl Bytes for [u8] {
    fn length(&self) -> usize {
        self.len()
    }

    fn copy_at(&self, at: usize, into: &mut [u8]) -> bool {
        let found = at.checked_add(into.len()).and_then(|end| self.get(at..end));
        found.map(|found| into.copy_from_slice(found)).is_some()
    }
}

/// A file whose bytes are looked up.
pub(super) struct FileBytes {
    file: RefCell<BufReader<File>>,
    length: usize,
}

impl FileBytes {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        Ok(Self { file: RefCell::new(BufReader::new(file)), length })
    }
}

impl Bytes for FileBytes {
    fn length(&self) -> usize {
        self.length
    }

    fn copy_at(&self, at: usize, into: &mut [u8]) -> bool {
        let mut file = self.file.borrow_mut();
        let found = file.seek(SeekFrom::Start(at as u64)).and_then(|_| file.read_exact(into));
        found.is_ok()
    }
}

/// A list of tags.
pub(super) struct Directory {
    /// Where it begins.
    pub at: usize,
    pub entries: Vec<Entry>,
    /// Where the next list is; 0 for none.
    pub next: usize,
}

/// A tag of a list.
#[derive(Clone)]
pub(super) struct Entry {
    /// Where its 12 bytes are.
    pub at: usize,
    pub tag: u16,
    /// Which numbers it holds, as TIFF 6.0 counts the kinds.
    pub kind: u16,
    pub count: u32,
    /// Where its values are; `None` where that is outside.
    pub values: Option<Range<usize>>,
}

impl<'a> Block<'a> {
    /// Of bytes in memory.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        Self::new(bytes)
    }
}

impl<'a, B: Bytes + ?Sized> Block<'a, B> {
    /// `None` where the bytes begin otherwise. BigTIFF is none.
    pub(super) fn new(bytes: &'a B) -> Option<Self> {
        let mut mark = [0; 4];
        if !bytes.copy_at(0, &mut mark) {
            return None;
        }
        match &mark {
            b"II*\0" => Some(Self { bytes, big_endian: false }),
            b"MM\0*" => Some(Self { bytes, big_endian: true }),
            _ => None,
        }
    }

    fn chunk<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let mut chunk = [0; N];
        self.bytes.copy_at(at, &mut chunk).then_some(chunk)
    }

    pub(super) fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.chunk(at)?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub(super) fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.chunk(at)?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// The first list.
    pub(super) fn first(&self) -> Option<Directory> {
        self.directory(self.u32(4)? as usize)
    }

    /// The list at this place; `None` where it does not lie within the bytes, or is empty.
    pub(super) fn directory(&self, at: usize) -> Option<Directory> {
        let count = usize::from(self.u16(at)?);
        let end = at.checked_add(2 + 12 * count)?;
        if count == 0 || end > self.bytes.length() {
            return None;
        }
        let entries = (0..count).map(|index| self.entry(at + 2 + 12 * index)).collect::<Option<_>>()?;
        // Some writers leave the last four bytes away.
        Some(Directory { at, entries, next: self.u32(end).unwrap_or(0) as usize })
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.u32(at + 4)?);
        let length = size(kind).and_then(|size| size.checked_mul(count as usize));
        let values = length.and_then(|length| {
            let from = if length <= 4 { at + 8 } else { self.u32(at + 8)? as usize };
            let to = from.checked_add(length)?;
            (to <= self.bytes.length()).then_some(from..to)
        });
        Some(Entry { at, tag, kind, count, values })
    }

    /// The first number of an entry that holds whole ones.
    pub(super) fn number(&self, entry: &Entry) -> Option<u32> {
        let at = entry.values.clone()?.start;
        match entry.kind {
            1 => self.chunk(at).map(|[byte]| u32::from(byte)),
            3 => self.u16(at).map(u32::from),
            4 | 13 => self.u32(at),
            _ => None,
        }
    }

    /// The first fraction of an entry that holds some.
    pub(super) fn fraction(&self, entry: &Entry) -> Option<f64> {
        let at = entry.values.clone()?.start;
        match entry.kind {
            5 => {
                let (over, under) = (self.u32(at)?, self.u32(at + 4)?);
                (under != 0).then(|| f64::from(over) / f64::from(under))
            }
            _ => self.number(entry).map(f64::from),
        }
    }

    /// The list that an entry of the list `from` leads to.
    pub(super) fn below(&self, from: &Directory, tag: u16) -> Option<Directory> {
        let entry = from.entry(tag)?;
        self.directory(self.number(entry)? as usize)
    }

    /// The fields of a list, and of those below it. What leads outside is left out, and so is what is more than the bytes
    /// can hold without overlap.
    pub(super) fn fields(&self, directory: &Directory) -> Vec<Field> {
        self.fields_within(directory, 2, &mut { self.bytes.length().min(MOST) })
    }

    /// With lists `deeper` levels below, so that no circle of them is followed, and so many bytes of values.
    fn fields_within(&self, directory: &Directory, deeper: u32, room: &mut usize) -> Vec<Field> {
        let mut fields = Vec::new();
        for entry in &directory.entries {
            let content = if matches!(entry.tag, EXIF | GPS | INTEROP) {
                let first = directory.entry(entry.tag).is_some_and(|first| first.at == entry.at);
                match self.below(directory, entry.tag).filter(|_| first && deeper > 0) {
                    Some(below) => Content::List(self.fields_within(&below, deeper - 1, room)),
                    None => continue,
                }
            } else {
                let Some(range) = entry.values.clone() else { continue };
                let Some(left) = room.checked_sub(range.len()) else { break };
                *room = left;
                let mut values = vec![0; range.len()];
                if !self.bytes.copy_at(range.start, &mut values) {
                    continue;
                }
                Content::Values(values)
            };
            fields.push(Field { tag: entry.tag, kind: entry.kind, count: entry.count, content });
        }
        fields
    }
}

impl Directory {
    pub(super) fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}

/// Bytes a number of this kind takes; `None` for kinds that there are not.
fn size(kind: u16) -> Option<usize> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => return None,
    })
}

/// A tag with what it holds.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub tag: u16,
    pub kind: u16,
    pub count: u32,
    pub content: Content,
}

/// What a tag holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Numbers or letters, in the order of bytes of the whole.
    Values(Vec<u8>),
    /// Another list.
    List(Vec<Field>),
}

impl Field {
    /// Of 16-bit numbers.
    pub(super) fn shorts(tag: u16, numbers: &[u16], big_endian: bool) -> Self {
        let bytes = |number: &u16| if big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        Self {
            tag,
            kind: 3,
            count: numbers.len() as u32,
            content: Content::Values(numbers.iter().flat_map(bytes).collect()),
        }
    }

    /// Of 32-bit numbers.
    pub(super) fn longs(tag: u16, kind: u16, numbers: &[u32], big_endian: bool) -> Self {
        let bytes = |number: &u32| if big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        let count = if kind == 5 { numbers.len() / 2 } else { numbers.len() } as u32;
        Self { tag, kind, count, content: Content::Values(numbers.iter().flat_map(bytes).collect()) }
    }

    /// Of bytes that mean nothing here.
    pub(super) fn bytes(tag: u16, kind: u16, bytes: Vec<u8>) -> Self {
        Self { tag, kind, count: bytes.len() as u32, content: Content::Values(bytes) }
    }
}

/// A list of these fields, sorted as it must be, with all that belongs to it behind. It stands `at` this place, which is even.
pub(super) fn write(mut fields: Vec<Field>, at: usize, big_endian: bool) -> Vec<u8> {
    fields.sort_by_key(|field| field.tag);
    let short = |number: u16| if big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
    let long = |number: usize| {
        let number = number as u32;
        if big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    };
    let length = 2 + 12 * fields.len() + 4;
    let (mut list, mut behind) = (short(fields.len() as u16).to_vec(), Vec::new());
    for Field { tag, kind, count, content } in fields {
        list.extend(short(tag));
        list.extend(short(kind));
        list.extend(long(count as usize));
        let here = at + length + behind.len();
        match content {
            Content::Values(mut values) if values.len() <= 4 => {
                values.resize(4, 0);
                list.extend(values);
            }
            Content::Values(values) => {
                list.extend(long(here));
                behind.extend(values);
            }
            Content::List(fields) => {
                list.extend(long(here));
                behind.extend(write(fields, here, big_endian));
            }
        }
        behind.resize(behind.len().next_multiple_of(2), 0);
    }
    list.extend([0; 4]);
    list.extend(behind);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found_again() {
        for big_endian in [false, true] {
            let deep = vec![Field::bytes(2, 2, b"R98\0".to_vec())];
            let list = |tag, fields| Field { tag, kind: 4, count: 1, content: Content::List(fields) };
            let exif = vec![
                Field::bytes(0x927c, 7, vec![5; 33]),
                list(INTEROP, deep),
                Field::longs(0x829a, 5, &[1, 50], big_endian),
            ];
            let fields = vec![
                list(EXIF, exif),
                Field::bytes(0x10f, 2, b"Maker\0".to_vec()),
                Field::shorts(0x112, &[6], big_endian),
            ];
            let mut bytes = if big_endian { b"MM\0*\0\0\0\x08" } else { b"II*\0\x08\0\0\0" }.to_vec();
            bytes.extend(write(fields, 8, big_endian));
            let block = Block::of(&bytes).unwrap();
            let first = block.first().unwrap();
            assert_eq!(block.number(first.entry(0x112).unwrap()), Some(6));
            let below = block.below(&first, EXIF).unwrap();
            assert_eq!(block.fraction(below.entry(0x829a).unwrap()), Some(0.02));
            assert_eq!(block.below(&below, INTEROP).unwrap().entries.len(), 1);
            // The same bytes from what was found.
            let again = write(block.fields(&first), 8, big_endian);
            assert_eq!(&bytes[8..], again);
        }
    }

    #[test]
    fn lists_that_lead_in_a_circle_end() {
        // Every list leads to the first one, many times.
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        bytes.extend(2000_u16.to_le_bytes());
        for tag in [EXIF, GPS, INTEROP, 7].into_iter().cycle().take(2000) {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(if tag == 7 { [7, 0, 0, 80, 0, 0] } else { [4, 0, 1, 0, 0, 0] });
            bytes.extend(8_u32.to_le_bytes());
        }
        let block = Block::of(&bytes).unwrap();
        assert!(write(block.fields(&block.first().unwrap()), 8, false).len() < 3 * bytes.len());
    }
}
