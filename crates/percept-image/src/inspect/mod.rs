//! What can be wrong with photos that are to be trained on.

mod blockiness;
mod displacement;
mod fingerprint;

pub use blockiness::blockiness;
pub use displacement::{Displacement, displacement};
pub use fingerprint::Fingerprint;

use crate::{Image, Srgb};

/// Luma (BT.601, full range) of sRGB-encoded values, from 0 to 1; rows from the top.
fn luma(image: &Image<Srgb>) -> Vec<f32> {
    let pixels = image.data().as_chunks().0;
    pixels.iter().map(|[r, g, b]: &[f32; 3]| 0.299 * r + 0.587 * g + 0.114 * b).collect()
}

/// Whether nothing in the picture has a colour.
pub fn is_grey(image: &Image<Srgb>) -> bool {
    // Files that were grey once and were compressed in colour since have rounding of two levels.
    let limit = 2.5 / 255.0;
    image
        .data()
        .as_chunks()
        .0
        .iter()
        .all(|[r, g, b]: &[f32; 3]| (r - g).abs() < limit && (g - b).abs() < limit)
}
