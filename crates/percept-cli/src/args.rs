//! Flags and their help, as they are typed.

use std::path::PathBuf;

use clap::{Args as Flags, Parser, Subcommand, ValueEnum};
use percept_conv::Device;
use percept_nn::network::NetworkConfig;

use crate::commands::study::{STUDY, StudyArgs};
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
  percept demo --quick                       train, compare and look, in minutes
  percept init sr -o sr.toml                 a commented config to start from
  percept train sr.toml                      train; Ctrl-C saves, --resume goes on
  percept score --ref gt --test results --metric psnr-y,lpips-alex
  percept apply runs/sr photo.jpg -o out     run a trained network on pictures

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
    /// Train one network with three losses on bundled photos and compare what comes out
    #[command(after_help = DEMO)]
    Demo(DemoArgs),
    /// Train a network as a config says
    #[command(after_help = TRAIN)]
    Train(TrainArgs),
    /// Write a commented config to start from
    #[command(after_help = INIT)]
    Init(InitArgs),
    /// Print the JSON Schema of configs
    #[command(after_help = SCHEMA)]
    Schema,
    /// Run a trained network on pictures
    #[command(after_help = APPLY)]
    Apply(ApplyArgs),
    /// Score pictures against their references
    #[command(after_help = SCORE)]
    Score(ScoreArgs),
    /// Compare runs on one self-contained HTML page
    #[command(after_help = REPORT)]
    Report(ReportArgs),
    /// Ask people, blind, which results look better
    #[command(after_help = STUDY)]
    Study(StudyArgs),
    /// List, verify or import the weights that percept knows
    #[command(after_help = WEIGHTS)]
    Weights(WeightsArgs),
}

const DEMO: &str = "\
Examples:
  percept demo                      about five minutes on two cores
  percept demo --quick --open       a few minutes, coarser; opens the page
  percept demo --out my-demo        again with the same folder: goes on where it was

Everything it needs is in the binary. It trains a small 4x super-resolution network with L1, then goes on from \
there three ways (l1, feature, disentangled) with the same data in the same order, restores photos that no \
training saw, and prints the path of the report.";

/// `percept demo`.
#[derive(Debug, Flags)]
pub struct DemoArgs {
    /// Fewer steps: minutes instead of a coffee break
    #[arg(long)]
    pub quick: bool,
    /// Folder for photos, runs and report; one that exists is continued
    #[arg(long, value_name = "DIR", default_value = "percept-demo")]
    pub out: PathBuf,
    /// Open the report when it is done
    #[arg(long)]
    pub open: bool,
    /// Steps of every run, for a try that shows how things go and no more
    #[arg(long, value_name = "N", conflicts_with = "quick", value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: Option<u64>,
}

const TRAIN: &str = "\
Examples:
  percept train sr.toml
  percept train sr.toml --out runs/second
  percept train sr.toml --resume    goes on from the newest checkpoint, bit for bit

Ctrl-C finishes the step, saves and says how to resume. A run is a folder: config as used, log.jsonl, TensorBoard \
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

const APPLY: &str = "\
Examples:
  percept apply runs/sr photo.jpg -o out
  percept apply model.safetensors photo.jpg -o large.png
  percept apply model.safetensors holiday/ more.png -o out --tile 256
  percept apply RRDB_ESRGAN_x4.pth old.png -o out --network rrdbnet --scale 4

Alpha, 16 bits and the colour profile are kept; what is large is cut into overlapping tiles. Results have the names \
and formats of their inputs, or are PNG where that format cannot hold them. A file that cannot be read is named and \
left out, the others are done, and the exit code is 1. Ctrl-C finishes the picture and says which are left.";

/// `percept apply`.
#[derive(Debug, Flags)]
pub struct ApplyArgs {
    /// A model file, or a run's folder
    pub model: PathBuf,
    /// Pictures, or folders of pictures
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for the results, under the names of the inputs; for one picture a file
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Side of a tile in pixels of the input; 0 for one piece [default: what 1 GiB of memory allows]
    #[arg(long, value_name = "PIXELS")]
    pub tile: Option<usize>,
    /// Pixels around a tile that the network sees too [default: as far as it sees, at most 64]
    #[arg(long, value_name = "PIXELS")]
    pub overlap: Option<usize>,
    /// For public weights, which do not say it: the architecture; its size is read off the file
    #[arg(long, value_enum, value_name = "NAME")]
    pub network: Option<PublicNetwork>,
    /// How many times such a network enlarges
    #[arg(long, value_name = "N", requires = "network", default_value_t = 1)]
    pub scale: usize,
    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
}

/// Architectures that public weights are for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PublicNetwork {
    /// SRResNet without batch normalisation, as BasicSR's
    Srresnet,
    /// EDSR of BasicSR
    Edsr,
    /// RRDBNet of ESRGAN
    Rrdbnet,
    /// NAFNet
    Nafnet,
}

impl PublicNetwork {
    /// Its configuration.
    pub fn config(self) -> NetworkConfig {
        match self {
            Self::Srresnet => NetworkConfig::SrResNet(Default::default()),
            Self::Edsr => NetworkConfig::Edsr(Default::default()),
            Self::Rrdbnet => NetworkConfig::RrdbNet(Default::default()),
            Self::Nafnet => NetworkConfig::NafNet(Default::default()),
        }
    }
}

const SCORE: &str = "\
Examples:
  percept score --ref gt --test results
  percept score --ref gt --test results --metric psnr-y,ssim-y,lpips-vgg --crop 4
  percept score --ref photo.png --test restored.png
  percept score --ref gt --test results --json > scores.json
  percept score --ref gt --test results -o scores.csv

Scores: psnr-y, psnr-rgb, ssim-y, ssim-rgb, ms-ssim-y, ms-ssim-rgb, lpips-alex, lpips-vgg, dists.

Files are matched by name, whatever the extension; where all results have one common ending \
(img_x4 for img), it is passed over. A picture that cannot be scored is named, the others are \
scored, and the exit code is 1.

Every number has a protocol, in table, JSON and CSV: without it, it means nothing elsewhere. The \
PSNR of equal pictures is infinite: `inf` in table and CSV, and in JSON, which has no infinity, \
1.7976931348623157e308, the largest number there is.";

/// `percept score`.
#[derive(Debug, Flags)]
pub struct ScoreArgs {
    /// Folder of references, or one picture
    #[arg(long = "ref", value_name = "DIR")]
    pub reference: PathBuf,
    /// Folder of pictures to judge, or one picture
    #[arg(long, value_name = "DIR")]
    pub test: PathBuf,
    /// Scores, separated by commas
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "psnr-y,ssim-y,lpips-alex,dists"
    )]
    pub metric: Vec<String>,
    /// Border pixels that PSNR, SSIM and MS-SSIM leave out; LPIPS and DISTS look at whole pictures
    #[arg(long, value_name = "PIXELS", default_value_t = 0)]
    pub crop: usize,
    /// JSON instead of a table
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// CSV instead of a table
    #[arg(long)]
    pub csv: bool,
    /// Write here instead of stdout, in place of what is there; .json and .csv need no other flag
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

const REPORT: &str = "\
Examples:
  percept report runs/l1 runs/feature runs/disentangled
  percept report runs/* -o compare.html --open";

/// `percept report`.
#[derive(Debug, Flags)]
pub struct ReportArgs {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// The page [default: report.html in the run, or here when there are several]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Scores, separated by commas
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "psnr-y,ssim-y,lpips-alex,dists"
    )]
    pub metric: Vec<String>,
    /// Open it when it is done
    #[arg(long)]
    pub open: bool,
}

const WEIGHTS: &str = "\
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
