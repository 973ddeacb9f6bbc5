//! One photo to restore.

use percept_image::{Image, Srgb};
use percept_run::Lq;

/// One photo to restore.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// File name without its extension.
    pub name: String,
    /// The target.
    pub gt: Image<Srgb>,
    /// The network's input.
    pub lq: Lq,
    /// The input as a picture of the target's size: what a network that learned nothing would show.
    pub distorted: Image<Srgb>,
}
