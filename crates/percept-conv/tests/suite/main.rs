//! All tests of this crate that use it from outside: one program, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod blocks;
mod common;
mod device;
mod gradients;
mod layers;
mod stage;
mod together;
mod training;
mod windows;
