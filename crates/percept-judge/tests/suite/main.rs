//! All tests of this crate that use it from outside: one program, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod agree;
mod agree_sets;
mod agree_tables;
mod chance;
mod report;
mod report_marks;
mod stats;
