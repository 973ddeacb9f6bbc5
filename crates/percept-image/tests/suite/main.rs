//! All tests of this crate that use it from outside: one program, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod array;
mod atomic;
mod bleed;
mod capacity;
mod degrade;
mod degrade_kinds;
mod files;
mod folder;
mod inspect;
mod lmdb;
mod metadata;
mod metrics;
mod panel;
mod pictures;
mod pipelines;
mod resize;
mod rows;
mod score;
mod shrunk;
mod symmetry;
