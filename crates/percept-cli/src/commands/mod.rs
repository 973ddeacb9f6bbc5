//! One file for every command: settings in, calls to the crates below, results out.

pub mod agree;
pub mod apply;
pub mod compare;
pub mod data;
pub mod degrade;
pub mod demo;
mod distribution;
pub mod experiment;
pub mod export;
pub mod info;
pub mod init;
pub mod interpolate;
pub mod metrics;
pub mod models;
pub mod report;
pub mod score;
pub mod select;
pub mod study;
pub mod train;
pub mod web;
pub mod weights;
