//! One file for every command: settings in, calls to the crates below, results out.

pub mod init;
pub mod train;
pub mod weights;
