//! Backbones, the disentangled selection, losses, networks and weight files.

pub mod backbone;
pub mod disentangle;
pub mod loss;
pub mod metric;
pub mod model;
pub mod network;
pub mod weights;
