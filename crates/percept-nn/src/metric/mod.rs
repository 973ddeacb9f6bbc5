//! Scores that look through a frozen network, and the table of all scores by name.
//!
//! A score is of one pair of images (or one image), and carries its protocol; what it computes on tensors is in
//! [`crate::distance`] and [`crate::disentangle`].

mod a_dists;
mod by_photos;
mod dists;
mod frechet;
mod lpips;
mod ms_swd;
mod named;
mod score;
mod selected;

pub use by_photos::{ChannelDistance, SelectedByPhotos, SelectedTap, SelectionFile, channel_structure};
pub use frechet::{FrechetVgg, frechet_distance};
pub use named::{METRICS, MadeMetric, NamedMetric};
pub use selected::Selected;
