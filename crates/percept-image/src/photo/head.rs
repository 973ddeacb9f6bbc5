//! What a file says before its pixels.

use super::{Depth, Metadata, Photo};

/// Everything about a photo but its pixels: what a file's rows are written after.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Width and height.
    pub size: (usize, usize),
    /// Whether every pixel has an opacity.
    pub alpha: bool,
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
    /// Everything but its pixels.
    pub fn head(&self) -> Head {
        Head {
            size: self.pixels.size(),
            alpha: self.alpha.is_some(),
            depth: self.depth,
            grey: self.grey,
            icc: self.icc.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

impl Head {
    /// Values of a pixel in a file that holds them all.
    pub fn channels(&self) -> usize {
        (if self.grey { 1 } else { 3 }) + usize::from(self.alpha)
    }
}
