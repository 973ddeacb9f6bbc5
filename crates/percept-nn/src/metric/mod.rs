//! Learned distances between images: scores to report, and losses to train with.
//!
//! Both look through a frozen trunk of [`crate::backbone`], take images `[N, H, W, 3]` in sRGB `[0, 1]`,
//! give one distance an image (`[N]`, 0 for equal images), and have finite gradients everywhere, equal
//! images included.

mod by_photos;
mod dists;
mod frechet;
mod lpips;
mod named;
mod score;
mod selected;
mod strips;

pub use by_photos::{ChannelDistance, SelectedByPhotos, SelectedTap, SelectionFile, channel_structure};
pub use dists::Dists;
pub use frechet::{FrechetVgg, frechet_distance};
pub use lpips::Lpips;
pub use named::{METRICS, MadeMetric, NamedMetric};
pub use selected::Selected;
