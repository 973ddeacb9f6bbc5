//! Photos that a text file names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use percept_image::{Photo, ReadError, photo_name, read_photo};

use super::folder::{file_bytes, file_size};
use super::{Item, PhotoSource, Side, missing};
use crate::data::{DataError, Skipped};

/// The photos that a list names, in its order. A line is a path below the root, `NAME`, after which BasicSR's lists have a
/// size in brackets and more; or two of them, `GT, LQ`, as Real-ESRGAN's lists of pairs.
pub(super) struct ListSource {
    items: Vec<Item>,
    left_out: Vec<Skipped>,
}

impl ListSource {
    /// One side of a list.
    pub fn open(root: &Path, list: &Path, side: Side) -> Result<Self, DataError> {
        if !root.is_dir() {
            return Err(ReadError::NotFound { path: root.to_path_buf() }.into());
        }
        let text = std::fs::read_to_string(list)
            .map_err(|source| DataError::List { path: list.to_path_buf(), problem: source.to_string() })?;
        let (mut items, mut left_out, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (line, number) in text.lines().zip(1..) {
            let Some((gt, lq)) = names(line) else { continue };
            if !seen.insert(gt.to_string()) {
                let reason =
                    format!("it stands in the list twice, again in line {number}; remove one of them");
                left_out.push(Skipped { path: list.join(gt), reason });
                continue;
            }
            let file = if side == Side::Lq { lq.unwrap_or(gt) } else { gt };
            items.push(Item { path: root.join(file), file: file.to_string(), name: pairing(gt) });
        }
        match items.is_empty() {
            false => Ok(Self { items, left_out }),
            true => {
                Err(DataError::List { path: list.to_path_buf(), problem: "it names no photo".to_string() })
            }
        }
    }
}

impl PhotoSource for ListSource {
    fn items(&self) -> &[Item] {
        &self.items
    }

    fn left_out(&self) -> &[Skipped] {
        &self.left_out
    }

    fn read(&self, at: usize) -> Result<Photo, ReadError> {
        read_photo(&self.items.get(at).ok_or_else(|| missing(at))?.path)
    }

    fn size(&self, at: usize) -> Option<(usize, usize)> {
        file_size(&self.items.get(at)?.path)
    }

    fn bytes(&self, at: usize) -> u64 {
        self.items.get(at).map_or(0, |item| file_bytes(&item.path))
    }
}

/// The one or two names of a line; `None` where it is empty.
pub(super) fn names(line: &str) -> Option<(&str, Option<&str>)> {
    let line = line.trim();
    let line = match line.rsplit_once(" (") {
        // Not `a (1).png`: of a size all sides are there.
        Some((name, size)) if size.split([',', ')']).next().is_some_and(is_side) && size.contains(',') => {
            name.trim_end()
        }
        _ => line,
    };
    match line.split_once(", ") {
        _ if line.is_empty() => None,
        Some((gt, lq)) => Some((gt.trim(), Some(lq.trim()))),
        None => Some((line, None)),
    }
}

/// Whether it is a number of pixels.
fn is_side(text: &str) -> bool {
    text.parse::<usize>().is_ok()
}

/// A path without its extension, as pairs are found by it.
pub(super) fn pairing(file: &str) -> String {
    let path = PathBuf::from(file);
    path.with_file_name(photo_name(&path)).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_lists_are_understood() {
        assert_eq!(names("0001_s001.png (480,480,3)"), Some(("0001_s001.png", None)));
        assert_eq!(names("town/a b (1).png (120,125,3) 1"), Some(("town/a b (1).png", None)));
        assert_eq!(names(" a (1).png \r"), Some(("a (1).png", None)));
        assert_eq!(names("gt/a.png, lq/a.jpg"), Some(("gt/a.png", Some("lq/a.jpg"))));
        assert_eq!(names("  "), None);
        assert_eq!(pairing("town/a.b.png"), "town/a.b");
    }
}
