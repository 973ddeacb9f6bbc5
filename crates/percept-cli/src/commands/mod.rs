//! One file for every command: settings in, calls to the crates below, results out.

pub mod weights;
