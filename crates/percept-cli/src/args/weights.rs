//! Flags of `weights`.

use std::path::PathBuf;

use clap::{Args as Flags, Subcommand};

pub(super) const WEIGHTS: &str = "\
Examples:
  percept weights list
  percept weights verify
  percept weights import ~/Downloads/vgg19-dcbb9e9d.pth

Imported files go to the folder of --weights, or to percept/weights in your data folder. A file is accepted by \
its sha256; pickles are parsed, never executed.";

/// `percept weights`.
#[derive(Debug, Flags)]
pub struct WeightsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub action: WeightsAction,
}

/// The parts of `percept weights`.
#[derive(Debug, Subcommand)]
pub enum WeightsAction {
    /// Name, licence and place of all known weights
    List {
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Check the sha256 of all weights that are here
    Verify,
    /// Copy a known file to where percept finds it
    Import {
        /// A .safetensors or .pth file
        file: PathBuf,
    },
}
