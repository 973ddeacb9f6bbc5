//! What can be wrong with the runs of a report.

use std::io;
use std::path::PathBuf;

use percept_run::RunError;

use crate::PanelError;
use crate::page::none_judged;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No run at all.
    #[error("no run is named; name the folder of at least one")]
    NoRuns,
    /// The folder holds no run, or its configuration is broken.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A file or folder of a run cannot be read.
    #[error("{}: {source}; check that it may be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The run has restored no validation photos.
    #[error(
        "{}: no restored photos (val/iter_*/*.png); train until the first validation, with photos in \
         `datasets.val` and `val.save_img = true`, or leave this run out",
        path.display()
    )]
    NoPhotos {
        /// The run's folder.
        path: PathBuf,
    },
    /// No photo was restored by all runs.
    #[error("no photo was restored by all of {}; validate the runs on the same photos", runs.join(", "))]
    NothingInCommon {
        /// Names of the runs.
        runs: Vec<String>,
    },
    /// Two runs mean different pictures by one name.
    #[error(
        "the target of the photo `{photo}` is one picture in {first} and another in {second}; compare runs that \
         were validated on the same photos"
    )]
    TargetsDiffer {
        /// The photo.
        photo: String,
        /// Name of one run.
        first: String,
        /// Name of the other.
        second: String,
    },
    /// Every photo that all runs have is broken.
    #[error("{}: {problem}", none_judged(*photos, "photo"))]
    NothingSound {
        /// How many there are.
        photos: usize,
        /// What is wrong with the last one.
        problem: String,
    },
    /// A score that does not exist, or its weights.
    #[error(transparent)]
    Panel(#[from] PanelError),
    /// The page could not be written.
    #[error("{}: cannot be written: {source}; choose another place", path.display())]
    Write {
        /// The page.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
