//! Photos in a folder.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use percept_image::{
    LeftOut, Listing, Photo, ReadError, Reason, list_folder, list_tree, photo_name, read_photo, upright_size,
};

use super::{Item, PhotoSource, missing};
use crate::data::Skipped;

/// The photos in a folder, in the order of their names.
pub(super) struct FolderSource {
    items: Vec<Item>,
    left_out: Vec<Skipped>,
}

impl FolderSource {
    pub fn open(folder: &Path, recursive: bool) -> Result<Self, ReadError> {
        let Listing { photos, left_out } = if recursive { list_tree(folder) } else { list_folder(folder) }?;
        let item = |path: std::path::PathBuf| {
            let below = path.strip_prefix(folder).unwrap_or(&path);
            let (file, name) = (slashed(below), slashed(&below.with_file_name(photo_name(below))));
            Item { file, name, path }
        };
        Ok(Self {
            items: photos.into_iter().map(item).collect(),
            left_out: left_out.into_iter().map(skipped).collect(),
        })
    }
}

impl PhotoSource for FolderSource {
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

fn skipped(left: LeftOut) -> Skipped {
    match left.reason {
        Reason::Folder => Skipped {
            path: left.path,
            reason: "a folder inside the folder is not entered; set `recursive` if it holds photos, too"
                .to_string(),
        },
        _ => left.into(),
    }
}

/// Width and height that a file says before its pixels.
pub(super) fn file_size(path: &Path) -> Option<(usize, usize)> {
    upright_size(BufReader::new(File::open(path).ok()?))
}

/// Bytes of a file.
pub(super) fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

/// A path with `/` between its folders, on every system.
fn slashed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
