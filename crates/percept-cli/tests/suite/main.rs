//! All tests of this crate that use it from outside: one program, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod agree;
mod apply;
mod common;
mod compare;
mod data;
mod degrade;
mod demo;
mod experiment;
mod export;
mod info;
mod kills;
mod metrics;
mod models;
mod pages;
mod report;
mod score;
mod score_left_out;
mod select;
mod study;
mod study_page;
mod study_server;
#[cfg(feature = "mpi")]
mod team;
mod train;
mod web;
mod web_runs;
mod weights;
