//! Distances that losses descend and scores report.
//!
//! A [`Criterion`] compares value by value, a [`ChannelDistance`] the features of one tap. The learned ones look through a frozen trunk of [`crate::backbone`], take images `[N, H, W, 3]` in sRGB `[0, 1]`, give one distance
//! an image (`[N]`, 0 for equal images), and have finite gradients everywhere, equal images included.

pub(crate) mod bands;
mod channel;
mod criterion;
pub(crate) mod dists;
pub(crate) mod lpips;
mod moments;
mod strips;

pub use channel::ChannelDistance;
pub use criterion::{CharbonnierLoss, Criterion, HuberLoss, L1Loss, MseLoss};
pub use dists::Dists;
pub use lpips::Lpips;
