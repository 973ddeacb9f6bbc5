//! What can be wrong with an image file, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use super::format::READABLE;
use super::read::{MAX_PIXELS, MAX_SIDE};

/// Why an image file or folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing has this name.
    #[error("{}: no such file or folder; check the path", path.display())]
    NotFound {
        /// What was asked for.
        path: PathBuf,
    },
    /// The system refused: permissions, a folder where a file is needed, a broken disk.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// What was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A sound file, or one of a kind, that is not supported here.
    #[error("{}: {reason}; convert it to {READABLE}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What about it is not supported.
        reason: String,
    },
    /// The file ends too early.
    #[error("{}: the file is cut off ({reason}); copy or download it again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// How it shows.
        reason: String,
    },
    /// The file's content contradicts its format.
    #[error("{}: the file is damaged ({reason}); copy, download or export it again", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        reason: String,
    },
    /// The image is, or claims to be, larger than what is decoded.
    #[error(
        "{}: {reason}; the limits are {MAX_SIDE} pixels a side and {} million pixels: cut or shrink the image first",
        path.display(), MAX_PIXELS / 1_000_000
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large.
        reason: String,
    },
    /// The image has no pixels.
    #[error("{}: the image is {width}×{height} pixels, there is nothing in it; export it again", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// Stated width.
        width: u32,
        /// Stated height.
        height: u32,
    },
}

impl ReadError {
    /// The file or folder that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::NotFound { path }
            | Self::Io { path, .. }
            | Self::Unsupported { path, .. }
            | Self::Truncated { path, .. }
            | Self::Malformed { path, .. }
            | Self::TooLarge { path, .. }
            | Self::Empty { path, .. } => path,
        }
    }

    /// What cannot be read, with its article (`a HEIC picture`).
    pub(super) fn foreign(path: &Path, what: &str) -> Self {
        Self::Unsupported { path: path.into(), reason: format!("{what} cannot be read") }
    }

    pub(crate) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            _ => Self::Io { path, source },
        }
    }

    /// A decoder's complaint about bytes that were read without trouble.
    pub(super) fn from_decoder(path: &Path, error: image::ImageError) -> Self {
        use image::ImageError as E;
        let (path, reason) = (path.to_path_buf(), error.to_string());
        match error {
            E::Unsupported(_) => Self::Unsupported { path, reason },
            E::Limits(_) => Self::TooLarge { path, reason },
            E::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => Self::Truncated { path, reason },
            _ => Self::Malformed { path, reason },
        }
    }
}

/// Why an image file could not be written. The file that had the name before, if any, is untouched.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The extension names no format that is written.
    #[error("{}: the name must end in .png, .jpg, .webp, .tif, .bmp or .ppm", path.display())]
    UnknownExtension {
        /// The file.
        path: PathBuf,
    },
    /// The format has no place for transparency.
    #[error("{}: {format} keeps no transparency and the photo has some; write .png, .webp or .tif", path.display())]
    NoAlpha {
        /// The file.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
    },
    /// A value is NaN or infinite.
    #[error("{}: the value at pixel ({x}, {y}) is {value}, not a colour; the computation that made it failed", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Column of the first such pixel.
        x: usize,
        /// Row of the first such pixel.
        y: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// The transparency does not fit the pixels.
    #[error("{}: {alpha} alpha values for {pixels} pixels; resize the alpha with the image", path.display())]
    AlphaMismatch {
        /// The file.
        path: PathBuf,
        /// Length of the alpha buffer.
        alpha: usize,
        /// Pixels of the image.
        pixels: usize,
    },
    /// There are no pixels to write.
    #[error("{}: an image of {width}×{height} pixels cannot be written", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// Width.
        width: usize,
        /// Height.
        height: usize,
    },
    /// The format's encoder refused, for example because a side is too long for it.
    #[error("{}: cannot be stored in this format: {reason}; try .png or .tif", path.display())]
    Encoder {
        /// The file.
        path: PathBuf,
        /// What the encoder said.
        reason: String,
    },
    /// The system refused: a missing folder, permissions, a full disk.
    #[error("{}: cannot be written: {source}; check that the folder exists, may be written to and has space", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
