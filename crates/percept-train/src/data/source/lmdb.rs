//! Photos in an LMDB, as BasicSR writes them.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::Path;

use percept_image::{LMDB_DATA, Lmdb, Photo, ReadError, decode_photo, upright_size};

use super::list::{names, pairing};
use super::{Item, PhotoSource, missing};
use crate::data::{DataError, Skipped};

/// The list that lies beside the data.
const LIST: &str = "meta_info.txt";

/// The photos of an LMDB: `data.mdb` has their files' bytes by their names without extension, `meta_info.txt` the names, their
/// order and their sizes.
pub(super) struct LmdbSource {
    lmdb: Lmdb,
    items: Vec<Item>,
    /// Of each, what data.mdb calls it.
    keys: Vec<String>,
    left_out: Vec<Skipped>,
}

impl LmdbSource {
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let (lmdb, list) = (Lmdb::open(folder.join(LMDB_DATA))?, folder.join(LIST));
        let text = std::fs::read_to_string(&list).map_err(|source| DataError::List {
            path: list.clone(),
            problem: format!(
                "an LMDB of photos has this list beside its data.mdb, and it cannot be read: {source}"
            ),
        })?;
        let (mut items, mut keys) = (Vec::new(), Vec::new());
        let (mut left_out, mut seen) = (Vec::new(), BTreeSet::new());
        for (file, _) in text.lines().filter_map(names) {
            let key = file.rsplit_once('.').map_or(file, |(key, _)| key);
            let path = folder.join(file);
            let reason = match lmdb.value_length(key.as_bytes()) {
                None => "the list names it and data.mdb does not have it; make the LMDB again",
                Some(_) if !seen.insert(key) => "it stands in the list twice; remove one of them",
                Some(_) => {
                    items.push(Item { path, file: file.to_string(), name: pairing(file) });
                    keys.push(key.to_string());
                    continue;
                }
            };
            left_out.push(Skipped { path, reason: reason.to_string() });
        }
        match (items.is_empty(), left_out.first()) {
            (true, Some(first)) => Err(DataError::NoneUsable {
                path: folder.to_path_buf(),
                count: left_out.len(),
                first: first.clone(),
            }),
            _ => Ok(Self { lmdb, items, keys, left_out }),
        }
    }

    /// The bytes of a photo's file.
    fn stored(&self, at: usize) -> Result<(&Item, Vec<u8>), ReadError> {
        let (item, key) = self.items.get(at).zip(self.keys.get(at)).ok_or_else(|| missing(at))?;
        let stored = self.lmdb.get(key.as_bytes())?;
        Ok((item, stored.ok_or_else(|| ReadError::NotFound { path: item.path.clone() })?))
    }
}

impl PhotoSource for LmdbSource {
    fn items(&self) -> &[Item] {
        &self.items
    }

    fn left_out(&self) -> &[Skipped] {
        &self.left_out
    }

    fn read(&self, at: usize) -> Result<Photo, ReadError> {
        let (item, stored) = self.stored(at)?;
        decode_photo(&item.path, &stored)
    }

    fn size(&self, at: usize) -> Option<(usize, usize)> {
        upright_size(Cursor::new(self.stored(at).ok()?.1))
    }

    fn bytes(&self, at: usize) -> u64 {
        self.keys.get(at).and_then(|key| self.lmdb.value_length(key.as_bytes())).unwrap_or(0)
    }
}
