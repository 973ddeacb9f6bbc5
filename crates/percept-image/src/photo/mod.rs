//! Image files: what is kept of one, reading, writing, and finding them in a folder.

mod bleed;
mod error;
mod exif;
mod folder;
mod foreign;
mod format;
mod gif;
mod head;
mod ifd;
mod jpeg;
mod jpeg_segments;
mod metadata;
mod png;
mod png_colour;
mod read;
mod rows;
mod tiff;
mod tiff_directory;
mod tiff_layout;
mod tiff_metadata;
mod tiff_rows;
mod tiff_write;
mod webp;
mod write;
mod xmp;

pub use error::{ReadError, WriteError};
pub use folder::{LeftOut, Listing, Reason, list_folder, list_photos, list_tree, photo_name};
pub use format::{Capacity, EXTENSIONS};
pub use head::Head;
pub use metadata::{Chunk, Density, Metadata};
pub use read::{
    MAX_BYTES, MAX_PIXELS, MAX_SIDE, decode_photo, photo_size, read_photo, read_srgb, upright_size,
};
pub use rows::RowReader;
pub use write::{JPEG_QUALITY, RowWriter, encode_photo, write_photo, write_rows};

use crate::{Image, Srgb};

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
    /// What else the file says of the photo.
    pub metadata: Metadata,
}

impl Photo {
    /// An opaque 8-bit colour photo without a profile.
    pub fn new(pixels: Image<Srgb>) -> Self {
        Self {
            pixels,
            alpha: None,
            depth: Depth::Eight,
            grey: false,
            icc: None,
            metadata: Metadata::default(),
        }
    }

    /// Other pixels of the same size, everything else kept.
    ///
    /// For a result of another size set the fields: `alpha` must then be resized too.
    #[must_use]
    pub fn with_pixels(self, pixels: Image<Srgb>) -> Self {
        Self { pixels, ..self }
    }
}
