//! What can go wrong between a picture and its result.

use percept_image::{ReadError, WriteError};

use crate::model::ModelError;

/// What went wrong on the way: of the network, whose messages do not name the picture, or of a file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The picture.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The result.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Whoever takes the rows wants no more of them.
    #[error("stopped")]
    Stopped,
}

/// Why a result is not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Its format has an end.
    #[error(
        "the result would have {width}×{height} pixels, more than {format} holds; take PNG as its format, or cut the picture into parts"
    )]
    Format {
        /// Width of the result.
        width: u64,
        /// Height of the result.
        height: u64,
        /// The format's name.
        format: &'static str,
    },
    /// This machine has an end.
    #[error(
        "the result would have {width}×{height} pixels and needs about {} of memory, and {} are free; take PNG as its format, or cut the \
         picture into parts",
        gigabytes(*need),
        gigabytes(*free)
    )]
    Memory {
        /// Width of the result.
        width: u64,
        /// Height of the result.
        height: u64,
        /// Bytes that it needs.
        need: u64,
        /// Bytes that are free.
        free: u64,
    },
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
