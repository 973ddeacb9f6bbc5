//! One file for every command: settings in, calls to the crates below, results out.

pub mod apply;
pub mod demo;
pub mod init;
pub mod report;
pub mod score;
pub mod study;
pub mod train;
pub mod weights;
