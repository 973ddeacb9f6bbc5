//! Learned distances between images, which losses descend and scores report.
//!
//! They look through a frozen trunk of [`crate::backbone`], take images `[N, H, W, 3]` in sRGB `[0, 1]`, give one distance
//! an image (`[N]`, 0 for equal images), and have finite gradients everywhere, equal images included.

mod dists;
pub(crate) mod lpips;
mod strips;

pub use dists::Dists;
pub use lpips::Lpips;
