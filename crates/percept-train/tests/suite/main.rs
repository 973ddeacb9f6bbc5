//! All tests of this crate that use it from outside: one program, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod data;
mod game;
mod inputs;
mod keys;
mod losses;
mod mix;
mod optim;
mod resume;
mod select;
mod selection;
mod sources;
mod tensorboard;
mod trainer;
