//! Why an experiment cannot be judged.

use std::io;
use std::path::PathBuf;

use percept_image::{ReadError, WriteError};
use percept_nn::model::ModelError;
use percept_run::{RecipeError, RunError};

use crate::PanelError;

/// Why an experiment cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// Nothing can be compared without it.
    #[error("{}: the runs of the reference `{reference}` are not all finished; train them first", out.display())]
    Reference {
        /// The variant.
        reference: String,
        /// The folder of the experiment.
        out: PathBuf,
    },
    /// No photo can be judged.
    #[error("{}: no photo that can be judged ({problem}); name other folders in `test`", folder.display())]
    NoPhotos {
        /// The first folder.
        folder: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A photo cannot be restored.
    #[error("{photo}: {problem}")]
    Photo {
        /// Its name.
        photo: String,
        /// What is wrong.
        problem: String,
    },
    /// The caller said no.
    #[error("stopped after {done} of {all} runs were judged; the same command goes on")]
    Stopped {
        /// Runs that were judged.
        done: usize,
        /// All of them.
        all: usize,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The results are no JSON.
    #[error("the results cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A folder of photos.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The picture.
    #[error(transparent)]
    Picture(#[from] WriteError),
    /// The metrics.
    #[error(transparent)]
    Panel(#[from] PanelError),
    /// A model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The photos cannot be degraded as they were in the training.
    #[error("{}: {source}", path.display())]
    Recipe {
        /// A run.
        path: PathBuf,
        /// Why.
        source: RecipeError,
    },
    /// What a run wrote down cannot be read.
    #[error("{}: {source}; check that it may be read", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A run's folder.
    #[error(transparent)]
    Run(#[from] RunError),
}
