//! Networks: frozen ones that see, trained ones that restore, and what lies between the two.
//!
//! # A tour
//!
//! A [`backbone`] is a frozen classification network, cut at its taps. [`disentangle`] is the paper and only the paper: a
//! selection of the dimensions of its features, learned online by a triplet, and the losses in the selected space.
//! [`distance`] has what compares values, and LPIPS and DISTS on tensors. A [`loss`] is what a training descends, by the name
//! that it has in a configuration, [`adversarial`] what a game against a discriminator adds; a [`metric`] is a score of two
//! pictures, by the name that it has in a call.
//!
//! A [`network`] is what is trained: one file an architecture, which says all that is known of it, and one line of a table.
//! A [`model`] is a network with its card, which restores whole photos in tiles; [`apply`] does it from file to file. [`weights`] reads and writes weight files
//! and knows the bundled ones.
//!
//! Tensors are channels-last, `[N, H, W, C]`, and images are sRGB in `[0, 1]`.

pub mod adversarial;
pub mod apply;
pub mod backbone;
pub mod disentangle;
pub mod distance;
pub mod loss;
pub mod metric;
pub mod model;
mod nearest;
pub mod network;
mod onnx;
mod ranges;
pub mod weights;

pub use nearest::nearest;
