//! Where photos come from: one kind a file.

mod folder;
mod list;
mod lmdb;

use std::path::PathBuf;

use percept_image::{LMDB_DATA, Photo, ReadError};
use percept_run::config::RootConfig;

use super::{DataError, Skipped};
use folder::FolderSource;
use list::ListSource;
use lmdb::LmdbSource;

/// Photos by number, wherever they lie.
pub trait PhotoSource: Send + Sync {
    /// All of them, in their order.
    fn items(&self) -> &[Item];

    /// What a user may have taken for one of them.
    fn left_out(&self) -> &[Skipped];

    /// Decodes one.
    ///
    /// # Errors
    /// When there is none of that number, or it cannot be read.
    fn read(&self, at: usize) -> Result<Photo, ReadError>;

    /// Width and height of one by what stands before its pixels; `None` where that does not say it.
    fn size(&self, at: usize) -> Option<(usize, usize)>;

    /// Bytes of one as it is stored; 0 where that cannot be told.
    fn bytes(&self, at: usize) -> u64;
}

/// A photo of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What messages call it: its file, or its key below the database's folder.
    pub path: PathBuf,
    /// Its path below the root, `/` between the folders.
    pub file: String,
    /// The name by which its counterpart is found: `file` without its extension, or what a list says.
    pub name: String,
}

/// The two sides of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Good photos, the targets.
    Gt,
    /// Their degraded counterparts.
    Lq,
}

/// The photos of one side of a root: of an LMDB where its folder holds one, of a list where one is named, else of the folder.
/// `None` where the root has no such side.
///
/// # Errors
/// When the folder or the list cannot be read, or there are no photos in it.
pub fn open_source(root: &RootConfig, side: Side) -> Result<Option<Box<dyn PhotoSource>>, DataError> {
    let Some(folder) = (match side {
        Side::Gt => Some(root.dataroot_gt.as_path()),
        Side::Lq => root.dataroot_lq.as_deref(),
    }) else {
        return Ok(None);
    };
    let source: Box<dyn PhotoSource> = match (&root.meta_info_file, folder.join(LMDB_DATA).is_file()) {
        (Some(list), true) => {
            return Err(DataError::ListOfLmdb { list: list.clone(), folder: folder.to_path_buf() });
        }
        (None, true) => Box::new(LmdbSource::open(folder)?),
        (Some(list), false) => Box::new(ListSource::open(folder, list, side)?),
        (None, false) => Box::new(FolderSource::open(folder, root.recursive)?),
    };
    match source.items().is_empty() {
        false => Ok(Some(source)),
        true => Err(DataError::Empty { path: folder.to_path_buf() }),
    }
}

/// There is no item of that number.
fn missing(at: usize) -> ReadError {
    ReadError::NotFound { path: PathBuf::from(format!("photo {at}")) }
}
