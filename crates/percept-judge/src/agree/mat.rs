//! MATLAB's files, as far as data sets use them: version 5 (and 7, which compresses it), little-endian, with real
//! numbers, text and cells. MathWorks, "MAT-file format", 2019.

use std::collections::BTreeMap;
use std::path::Path;

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit};

use super::AgreeError;

/// As much as all variables may be unpacked: LIVE's have some kilobytes, and a file of that size can claim more than any
/// memory holds.
const LIMIT: usize = 16 << 20;
/// Cells inside of cells.
const DEEPEST: usize = 4;
const HEADER: usize = 128;

const COMPRESSED: u32 = 15;
const MATRIX: u32 = 14;
const CELL: u8 = 1;
const CHAR: u8 = 4;
/// Classes of numbers: double, single, then integers of 8 to 64 bits.
const NUMBERS: std::ops::RangeInclusive<u8> = 6..=15;

/// A variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Numbers(Vec<f64>),
    Text(String),
    Cells(Vec<Value>),
    /// A structure or an object: nothing that a table of opinions has.
    Other,
}

/// The variables of the file by name.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Value>, AgreeError> {
    let bytes = std::fs::read(path).map_err(|source| AgreeError::from_io(path, source))?;
    variables(&bytes).map_err(|problem| AgreeError::File { path: path.to_path_buf(), problem })
}

fn variables(bytes: &[u8]) -> Result<BTreeMap<String, Value>, String> {
    let cut = || "the MATLAB file is cut off or damaged; copy it again".to_string();
    let other = || "this is no MATLAB file of version 5 or 7; save it with `save -v7`".to_string();
    if bytes.starts_with(b"\x89HDF") || bytes.get(..19) == Some(b"MATLAB 7.3 MAT-file") {
        return Err(other());
    }
    let (header, mut rest) = bytes.split_at_checked(HEADER).ok_or_else(cut)?;
    if header.get(124..) != Some(&[0, 1, b'I', b'M']) {
        return Err(other());
    }
    let large =
        || format!("its variables unpack to more than {} MB, which no table of opinions has", LIMIT >> 20);
    let (mut found, mut left) = (BTreeMap::new(), LIMIT);
    while !rest.is_empty() {
        let element = element(&mut rest).ok_or_else(cut)?;
        let (name, value) = match element {
            (COMPRESSED, packed) => {
                let unpacked =
                    decompress_to_vec_zlib_with_limit(packed, left).map_err(|error| match error.status {
                        TINFLStatus::HasMoreOutput => large(),
                        _ => cut(),
                    })?;
                left -= unpacked.len();
                match self::element(&mut unpacked.as_slice()).ok_or_else(cut)? {
                    (MATRIX, data) => matrix(data, 0),
                    _ => None,
                }
            }
            (MATRIX, data) => matrix(data, 0),
            _ => continue,
        }
        .ok_or_else(cut)?;
        found.insert(name, value);
    }
    Ok(found)
}

/// Takes the next element: its type and its data.
fn element<'a>(rest: &mut &'a [u8]) -> Option<(u32, &'a [u8])> {
    let (tag, after) = rest.split_first_chunk::<4>()?;
    let tag = u32::from_le_bytes(*tag);
    // Up to four bytes of data may stand in the tag itself.
    if tag >> 16 != 0 {
        let (data, after) = after.split_at_checked(4)?;
        *rest = after;
        return Some((tag & 0xffff, data.get(..(tag >> 16) as usize)?));
    }
    let (length, after) = after.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (data, after) = after.split_at_checked(length)?;
    // Everything but compressed data is filled up to eight bytes; at the very end of the file that may be missing.
    let fill = if tag == COMPRESSED { 0 } else { length.next_multiple_of(8) - length };
    *rest = after.get(fill..).unwrap_or_default();
    Some((tag, data))
}

/// Name and value of a matrix element.
fn matrix(mut data: &[u8], depth: usize) -> Option<(String, Value)> {
    if data.is_empty() {
        return Some((String::new(), Value::Numbers(Vec::new())));
    }
    let class = *element(&mut data)?.1.first()?;
    let _dimensions = element(&mut data)?;
    let name = String::from_utf8_lossy(element(&mut data)?.1).into_owned();
    let value = match class {
        CELL if depth < DEEPEST => {
            let mut cells = Vec::new();
            while !data.is_empty() {
                let (MATRIX, cell) = element(&mut data)? else { return None };
                cells.push(matrix(cell, depth + 1)?.1);
            }
            Value::Cells(cells)
        }
        CHAR => {
            let (kind, letters) = element(&mut data)?;
            Value::Text(text(kind, letters)?)
        }
        class if NUMBERS.contains(&class) => {
            let (kind, values) = element(&mut data)?;
            Value::Numbers(numbers(kind, values)?)
        }
        _ => Value::Other,
    };
    Some((name, value))
}

/// Letters of one byte (types 1, 2 and UTF-8, 16) or two (4 and UTF-16, 17).
fn text(kind: u32, data: &[u8]) -> Option<String> {
    match kind {
        1 | 2 | 16 => Some(String::from_utf8_lossy(data).into_owned()),
        4 | 17 => {
            let units: Vec<u16> =
                data.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
            Some(String::from_utf16_lossy(&units))
        }
        _ => None,
    }
}

/// Numbers of any type that MATLAB may have chosen to store them in.
fn numbers(kind: u32, data: &[u8]) -> Option<Vec<f64>> {
    macro_rules! read {
        ($type:ty) => {{
            let (values, rest) = data.as_chunks::<{ size_of::<$type>() }>();
            rest.is_empty().then(|| values.iter().map(|v| <$type>::from_le_bytes(*v) as f64).collect())
        }};
    }
    match kind {
        1 => read!(i8),
        2 => read!(u8),
        3 => read!(i16),
        4 => read!(u16),
        5 => read!(i32),
        6 => read!(u32),
        7 => read!(f32),
        9 => read!(f64),
        12 => read!(i64),
        13 => read!(u64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by scipy; `make_layouts.py` stands beside them.
    const PLAIN: &[u8] = include_bytes!("../../tests/fixtures/plain.mat");
    const PACKED: &[u8] = include_bytes!("../../tests/fixtures/packed.mat");

    #[test]
    fn numbers_text_and_cells_are_scipy_s() {
        for bytes in [PLAIN, PACKED] {
            let found = variables(bytes).unwrap();
            assert_eq!(found["dmos"], Value::Numbers(vec![0.0, 41.5, 12.25]));
            assert_eq!(found["orgs"], Value::Numbers(vec![1.0, 0.0, 0.0]));
            assert_eq!(found["text"], Value::Text("größer".to_string()));
            let names = ["a.bmp", "bikes.bmp", "building2.bmp"];
            let names = names.map(|name| Value::Text(name.to_string())).to_vec();
            assert_eq!(found["refnames_all"], Value::Cells(names));
            assert_eq!(found["thing"], Value::Other);
        }
    }

    /// An element of some kind, filled up.
    fn part(kind: u32, data: &[u8]) -> Vec<u8> {
        let mut all = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
        all.extend(data);
        all.resize(all.len().next_multiple_of(8), 0);
        all
    }

    #[test]
    fn kilobytes_that_unpack_to_any_size_are_refused() {
        let numbers = vec![0; LIMIT / 8 * 5];
        let sizes = [1u32.to_le_bytes(), (numbers.len() as u32).to_le_bytes()].concat();
        // Of 8 bits each, and so they are stored.
        let array =
            [part(6, &[9, 0, 0, 0, 0, 0, 0, 0]), part(5, &sizes), part(1, b"dmos"), part(2, &numbers)];
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&part(MATRIX, &array.concat()), 6);
        let mut bytes = PLAIN[..HEADER].to_vec();
        bytes.extend([COMPRESSED.to_le_bytes(), (packed.len() as u32).to_le_bytes()].concat());
        bytes.extend(&packed);
        let Ok(Value::Numbers(read)) = variables(&bytes).map(|mut all| all.remove("dmos").unwrap()) else {
            panic!("one variable is small enough");
        };
        assert_eq!(read.len(), numbers.len());
        // One is small enough, two are not.
        bytes.extend_from_within(HEADER..);
        assert!(bytes.len() < 64 << 10);
        assert!(variables(&bytes).unwrap_err().contains("16 MB"));
    }

    /// Whatever is missing or wrong, it is said and not a crash.
    #[test]
    fn damaged_files_are_refused() {
        for bytes in [PLAIN, PACKED] {
            let whole = variables(bytes).unwrap();
            for end in 0..bytes.len() {
                assert!(
                    variables(&bytes[..end]).map_or(true, |part| part.len() < whole.len() || part == whole)
                );
            }
            for at in 0..bytes.len() {
                let mut bent = bytes.to_vec();
                bent[at] ^= 0xff;
                let _ = variables(&bent);
            }
        }
        assert!(variables(b"MATLAB 7.3 MAT-file, Platform").unwrap_err().contains("save -v7"));
        assert!(variables(&[0; 200]).unwrap_err().contains("no MATLAB file"));
        assert!(variables(&[]).unwrap_err().contains("cut off"));
    }
}
