//! Files of many kinds (`fixtures/make_pictures.py`): each is read as the pixels that it holds, or refused by its name.

use std::collections::BTreeMap;

use percept_image::{Depth, Photo, ReadError, decode_photo};

/// The files of the fixture, by name.
fn files() -> BTreeMap<String, Vec<u8>> {
    let packed = include_bytes!("../fixtures/pictures.tar.gz");
    // A gzip header of ten bytes, then deflated data, then eight bytes of sums.
    let tar = miniz_oxide::inflate::decompress_to_vec(&packed[10..packed.len() - 8]).unwrap();
    let text = |field: &[u8]| String::from_utf8(field.split(|b| *b == 0).next().unwrap().to_vec()).unwrap();
    let mut files = BTreeMap::new();
    let mut at = 0;
    while tar[at] != 0 {
        let (name, size) = (text(&tar[at..at + 100]), text(&tar[at + 124..at + 136]));
        let size = usize::from_str_radix(size.trim(), 8).unwrap();
        files.insert(name, tar[at + 512..at + 512 + size].to_vec());
        at += 512 + size.next_multiple_of(512);
    }
    files
}

/// What a portable arbitrary map says: width, height, channels, whether it has 16 bits, and levels of 255.
struct Right {
    size: (usize, usize),
    channels: usize,
    deep: bool,
    levels: Vec<f64>,
}

impl Right {
    fn read(map: &[u8]) -> Self {
        let end = map.windows(7).position(|line| line == b"ENDHDR\n").unwrap();
        let head = std::str::from_utf8(&map[..end]).unwrap();
        let number = |key: &str| -> usize {
            let line = head.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim().parse().unwrap()
        };
        let (body, deep) = (&map[end + 7..], number("MAXVAL") == 65_535);
        let levels = match deep {
            true => {
                body.chunks_exact(2).map(|v| f64::from(u16::from_be_bytes([v[0], v[1]])) / 257.0).collect()
            }
            false => body.iter().map(|v| f64::from(*v)).collect(),
        };
        Self { size: (number("WIDTH"), number("HEIGHT")), channels: number("DEPTH"), deep, levels }
    }

    /// What differs from the photo, if anything.
    fn differs(&self, photo: &Photo, tolerance: f64) -> Option<String> {
        let (grey, alpha) = (self.channels < 3, self.channels.is_multiple_of(2));
        let depth = if self.deep { Depth::Sixteen } else { Depth::Eight };
        let (got, right) =
            ((photo.pixels.size(), photo.alpha.is_some(), photo.depth), (self.size, alpha, depth));
        if got != right {
            return Some(format!("{got:?} is not {right:?}"));
        }
        let mut worst: f64 = 0.0;
        for (i, right) in self.levels.chunks_exact(self.channels).enumerate() {
            for c in 0..3 {
                let got = f64::from(photo.pixels.data()[3 * i + c]) * 255.0;
                worst = worst.max((got - right[if grey { 0 } else { c }]).abs());
            }
            if let Some(alpha) = &photo.alpha {
                worst = worst.max((f64::from(alpha[i]) * 255.0 - right[self.channels - 1]).abs());
            }
        }
        (worst > tolerance + 1e-3).then(|| format!("differs by {worst:.2} levels of 255"))
    }
}

fn verdict(files: &BTreeMap<String, Vec<u8>>, row: &[&str]) -> Result<(), String> {
    let [name, what, words, tolerance] = row else {
        return Err("a row of four columns is needed".to_string());
    };
    let got = decode_photo(name, &files[*name]);
    if *what == "right" {
        let photo = got.map_err(|error| format!("is not read: {error}"))?;
        let right = Right::read(&files[&format!("right/{words}.pam")]);
        return right.differs(&photo, tolerance.parse().unwrap()).map_or(Ok(()), Err);
    }
    let error = got.err().ok_or("is read and should be refused")?;
    let kind = match error {
        ReadError::Unsupported { .. } => "Unsupported",
        ReadError::Truncated { .. } => "Truncated",
        ReadError::Malformed { .. } => "Malformed",
        _ => "another",
    };
    let message = error.to_string();
    match kind == *what && message.contains(words) && message.starts_with(&format!("{name}: ")) {
        true => Ok(()),
        false => Err(format!("{kind} should be {what} with {words:?}: {message}")),
    }
}

#[test]
fn every_kind_of_file_is_read_right_or_refused_by_its_name() {
    let files = files();
    let table = std::str::from_utf8(&files["table.tsv"]).unwrap();
    let rows: Vec<Vec<_>> = table.lines().map(|line| line.split('\t').collect()).collect();
    assert!(rows.len() > 300, "{} rows", rows.len());
    let faults: Vec<String> = rows
        .iter()
        .filter_map(|row| verdict(&files, row).err().map(|fault| format!("{}: {fault}", row[0])))
        .collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), rows.len(), faults.join("\n"));
}

#[test]
fn no_cut_and_no_flipped_byte_of_any_kind_makes_the_reader_fall() {
    let files = files();
    for (name, bytes) in files.iter().filter(|(name, _)| !name.starts_with("right/")) {
        // Headers byte by byte, where everything is decided; the rest here and there.
        let places = |most: usize| (0..bytes.len().min(most)).chain((most..bytes.len()).step_by(23));
        for cut in places(24) {
            // What matters is that this returns.
            let _ = decode_photo(name, &bytes[..cut]);
        }
        for (at, flip) in places(64).flat_map(|at| [(at, 0x01), (at, 0xff)]) {
            let mut broken = bytes.clone();
            broken[at] ^= flip;
            let _ = decode_photo(name, &broken);
        }
    }
}
