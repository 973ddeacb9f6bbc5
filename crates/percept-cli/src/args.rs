//! Flags and their help, as they are typed.

use std::path::PathBuf;

use clap::{Args as Flags, Parser, Subcommand};
use percept_conv::Device;

use crate::failure::Failure;

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
  percept demo --quick                          train, compare and look, in minutes, nothing downloaded
  percept init sr -o sr.toml                    a commented config to start from
  percept train sr.toml                         train; Ctrl-C saves, --resume goes on
  percept score --ref gt --test results --metric psnr-y,lpips-alex
  percept apply runs/sr photo.jpg -o out        run a trained network on pictures

Exit codes: 0 fine, 1 the work failed, 2 the call was wrong.
`percept COMMAND --help` has examples of every command.";

/// Options of every command.
#[derive(Debug, Flags)]
pub struct Global {
    /// Folder of weight files, looked at before the bundled ones
    #[arg(long, global = true, value_name = "DIR")]
    pub weights: Option<PathBuf>,
    /// Device to compute on, among those compiled in [default: cpu, or what a config says]
    #[arg(long, global = true, value_name = "NAME")]
    pub device: Option<String>,
}

impl Global {
    /// The device to compute on.
    ///
    /// # Errors
    /// When the name is none of a device that was compiled in.
    pub fn device(&self) -> Result<Device, Failure> {
        percept_conv::device(self.device.as_deref().unwrap_or("cpu")).map_err(Failure::call)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a network as a config says
    #[command(after_help = TRAIN)]
    Train(TrainArgs),
    /// Write a commented config to start from
    #[command(after_help = INIT)]
    Init(InitArgs),
    /// Print the JSON Schema of configs
    #[command(after_help = SCHEMA)]
    Schema,
    /// List, verify or import the weights that percept knows
    #[command(after_help = WEIGHTS)]
    Weights(WeightsArgs),
}

const TRAIN: &str = "\
Examples:
  percept train sr.toml
  percept train sr.toml --out runs/second
  percept train sr.toml --resume    goes on from the newest checkpoint, bit for bit

Ctrl-C finishes the step, saves and says how to resume. A run is a folder: config as used, log.jsonl, TensorBoard
events, checkpoints, model.safetensors.";

/// `percept train`.
#[derive(Debug, Flags)]
pub struct TrainArgs {
    /// The config, TOML
    pub config: PathBuf,
    /// Go on from the newest checkpoint of the run's folder
    #[arg(long)]
    pub resume: bool,
    /// The run's folder [default: runs/ and the config's name]
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
}

const INIT: &str = "\
Examples:
  percept init sr                   to the terminal
  percept init denoise -o dn.toml   to a file

Tasks: sr, lowlight, denoise, deblur, jpeg, raw2rgb.";

/// `percept init`.
#[derive(Debug, Flags)]
pub struct InitArgs {
    /// What the network is for: sr, lowlight, denoise, deblur, jpeg or raw2rgb
    pub task: String,
    /// Write here instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long, requires = "output")]
    pub force: bool,
}

const SCHEMA: &str = "\
Examples:
  percept schema > percept.schema.json";

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
