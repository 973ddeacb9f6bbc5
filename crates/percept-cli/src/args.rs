//! Flags and their help, as they are typed.

use std::path::PathBuf;

use clap::{Args as Flags, Parser, Subcommand};

/// Train, judge and apply image transformation networks by what people see.
#[derive(Debug, Parser)]
#[command(name = "percept", version, about, arg_required_else_help = true, after_help = TOP)]
pub struct Args {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const TOP: &str = "\
Examples:
  percept weights list              which weights are here

Exit codes: 0 fine, 1 the work failed, 2 the call was wrong.
`percept COMMAND --help` has examples of every command.";

/// Options of every command.
#[derive(Debug, Flags)]
pub struct Global {
    /// Folder of weight files, looked at before the bundled ones
    #[arg(long, global = true, value_name = "DIR")]
    pub weights: Option<PathBuf>,
    /// Device to compute on, among those compiled in
    #[arg(long, global = true, value_name = "NAME", default_value = "cpu")]
    pub device: String,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List, verify or import the weights that percept knows
    #[command(after_help = WEIGHTS)]
    Weights(WeightsArgs),
}

const WEIGHTS: &str = "\
Examples:
  percept weights list
  percept weights verify
  percept weights import ~/Downloads/vgg19-dcbb9e9d.pth

Imported files go to the folder of --weights, or to percept/weights in your data folder. A file is accepted by
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
