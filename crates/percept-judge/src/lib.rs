//! Scores with their protocols, how sure their differences are, and a page to look at.
//!
//! # A tour
//!
//! A [`Panel`] is a set of scores by name (`psnr-y`, `lpips-alex`, …). What it finds on a set of photos are
//! [`Scores`], which carry the protocol of every number. [`stats`] says how sure the difference between two
//! results is.

mod panel;
mod score;
pub mod stats;

pub use panel::{Panel, PanelError};
pub use score::{ImageScores, MetricInfo, Scores};
