//! What can be wrong with folders of photos.

use std::fmt;
use std::path::PathBuf;

use percept_image::{LeftOut, ReadError};
use percept_run::RecipeError;

/// A photo that is left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it and what to do, without the file's name.
    pub reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl Skipped {
    /// A photo that could not be read.
    pub(crate) fn unreadable(error: &ReadError) -> Self {
        let (path, whole) = (error.path().to_path_buf(), error.to_string());
        let reason = whole.strip_prefix(&format!("{}: ", path.display())).map(str::to_string);
        Self { reason: reason.unwrap_or(whole), path }
    }
}

/// What is in a folder of photos and is none that can be read.
impl From<LeftOut> for Skipped {
    fn from(left: LeftOut) -> Self {
        Self { path: left.path, reason: left.reason.to_string() }
    }
}

/// Why there is nothing to train on or validate with.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A folder cannot be listed, or a photo that was sound at the start cannot be read any more.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A folder holds no photos at all.
    #[error(
        "{}: the folder holds no photos; put PNG, JPEG, WebP, TIFF, BMP or PPM files into it, or set `recursive` if they \
         lie in folders inside it",
        path.display()
    )]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A list of photos cannot be used.
    #[error("{}: {problem}; a list of photos has the path of one in every line", path.display())]
    List {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A list is named for an LMDB, which has its own.
    #[error(
        "{}: this is an LMDB, which has a list of its own; leave out meta_info_file = {:?}",
        folder.display(), list.display()
    )]
    ListOfLmdb {
        /// The list.
        list: PathBuf,
        /// The LMDB.
        folder: PathBuf,
    },
    /// A folder holds photos, but none of them can be used.
    #[error(
        "{}: none of the {} photos can be used, the first is {first}; repair them or choose another folder",
        path.display(), count
    )]
    NoneUsable {
        /// The folder.
        path: PathBuf,
        /// Photos that were left out.
        count: usize,
        /// The first one, and why.
        first: Skipped,
    },
    /// A photo has another size than it had at the start.
    #[error("{}: the photo was replaced by one of another size; stop, and start the run anew", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A photo is smaller than a crop.
    #[error(
        "{name}: {}×{} pixels are too few, {side}×{side} are needed; use a larger photo or a smaller \
         datasets.train.gt_size", size.0, size.1
    )]
    TooSmall {
        /// The photo.
        name: String,
        /// Its width and height.
        size: (usize, usize),
        /// Side of a crop.
        side: usize,
    },
    /// Inputs cannot be made from targets.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The threads that prepare batches are gone.
    #[error("the thread that prepares batches ended; this is a defect of percept, please report it")]
    ThreadEnded,
    /// The system gives no more threads.
    #[error("no thread for preparing batches: {0}; close other programs or raise the limit of processes")]
    NoThread(Box<dyn std::error::Error + Send + Sync>),
}
