//! All tests of this crate that use it from outside: one program, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod adversarial;
mod backbone;
mod by_photos;
mod closed;
mod common;
mod contextual;
mod device;
mod even;
mod export;
mod foreign_names;
mod golden_networks;
mod gradients;
mod losses;
mod metric;
mod model;
mod ncnn;
mod network;
mod precision;
mod projection;
mod seeded;
mod selection;
mod sizes;
mod style;
mod tiling;
mod weight_files;
mod weight_modules;
