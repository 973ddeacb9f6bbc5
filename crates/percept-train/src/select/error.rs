//! Why no selection was learned.

use std::path::PathBuf;

use percept_image::ReadError;
use percept_nn::backbone::BackboneError;
use percept_nn::disentangle::StartError;

use crate::data::DataError;

/// Why no selection was learned.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// A contrast across contents needs two of them.
    #[error(
        "{}: {found} photo{} found, and fewer than two of at least {side}×{side} pixels that can be read; choose another \
         folder or a smaller --side", path.display(), if *found == 1 { "" } else { "s" }
    )]
    TooFew {
        /// The folder.
        path: PathBuf,
        /// Photos that were looked at.
        found: usize,
        /// The side that they need.
        side: usize,
    },
    /// Nothing to contrast.
    #[error("no kind of distortion; a selection is learned from one or more")]
    NoKind,
    /// The caller said no.
    #[error("stopped after {done} of {all} photos; nothing was written")]
    Stopped {
        /// Photos that were done.
        done: usize,
        /// All of them.
        all: usize,
    },
    /// The folder cannot be listed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A distortion.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// The weights that the selection starts from.
    #[error(transparent)]
    Start(#[from] StartError),
}
