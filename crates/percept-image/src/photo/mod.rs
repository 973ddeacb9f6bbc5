//! Image files: what is kept of one, reading, writing, and finding them in a folder.

mod error;
mod jpeg_end;
mod read;
mod write;

use std::path::{Path, PathBuf};

pub use error::{ReadError, WriteError};
pub use read::{MAX_PIXELS, MAX_SIDE, decode_photo, read_photo, read_srgb};
pub use write::{JPEG_QUALITY, write_atomic, write_photo};

use crate::{Image, Srgb};

/// File name extensions that are read and written, in lower case.
pub const EXTENSIONS: [&str; 11] =
    ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "ppm", "pgm", "pnm", "pbm"];

/// Bits that a file stores for each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 256 levels.
    Eight,
    /// 65 536 levels.
    Sixteen,
}

/// An image file's content: the pixels, and all that must survive a round trip through a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Photo {
    /// Colour of every pixel, upright (a camera's orientation mark has been applied). Grey files show the
    /// same value in all three channels.
    pub pixels: Image<Srgb>,
    /// Opacity in `[0, 1]`, one value a pixel, rows from the top; `None` when the file has none.
    pub alpha: Option<Vec<f32>>,
    /// Bits a value of the file.
    pub depth: Depth,
    /// Whether the file stores one channel of grey, not three of colour.
    pub grey: bool,
    /// The ICC colour profile, byte for byte; it fits `grey`.
    pub icc: Option<Vec<u8>>,
}

impl Photo {
    /// An opaque 8-bit colour photo without a profile.
    pub fn new(pixels: Image<Srgb>) -> Self {
        Self { pixels, alpha: None, depth: Depth::Eight, grey: false, icc: None }
    }

    /// Other pixels of the same size, everything else kept.
    ///
    /// For a result of another size set the fields: `alpha` must then be resized too.
    #[must_use]
    pub fn with_pixels(self, pixels: Image<Srgb>) -> Self {
        Self { pixels, ..self }
    }
}

/// The image files directly inside a folder, sorted by name: known extensions in any case, hidden files left
/// out, subfolders not entered.
///
/// # Errors
/// When the folder is missing, is no folder or cannot be listed.
pub fn list_photos(dir: impl AsRef<Path>) -> Result<Vec<PathBuf>, ReadError> {
    let dir = dir.as_ref();
    let failed = |source| ReadError::from_io(dir, source);
    let mut photos = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && extension(&path).is_some_and(|e| EXTENSIONS.contains(&e.as_str())) && path.is_file() {
            photos.push(path);
        }
    }
    photos.sort();
    Ok(photos)
}

/// The extension in lower case.
fn extension(path: &Path) -> Option<String> {
    path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase)
}
