//! Flags and their help, as they are typed.

use std::path::PathBuf;

use clap::{Args as Flags, Parser, Subcommand, ValueEnum};
use percept_conv::Device;
use percept_judge::agree::Layout;
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
    /// Score pictures against their references, or by themselves
    #[command(after_help = SCORE)]
    Score(ScoreArgs),
    /// List the scores: direction, range, protocol, paper, cost
    #[command(after_help = METRICS)]
    Metrics(MetricsArgs),
    /// Measure how far scores agree with people
    #[command(after_help = AGREE)]
    Agree(AgreeArgs),
    /// Compare two runs, or two trainings with several seeds, and say what that shows
    #[command(after_help = COMPARE)]
    Compare(CompareArgs),
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
  percept score --test results --metric niqe,noise
  percept score --ref gt --test results --metric vgg,selected:runs/sr
  percept score --ref gt --test results --metric ssim-y,lpips-alex --maps maps

Scores: psnr-y, psnr-rgb, ssim-y, ssim-rgb, ms-ssim-y, ms-ssim-rgb, gmsd, ms-gmsd, fsim, fsimc, vsi, haarpsi, mdsi, dss, \
ciede2000, luminance-shift, saturation-shift, lpips-alex, lpips-vgg, dists, vgg; without references niqe, tv, noise. \
`percept metrics` says what each of them is. selected:RUN is the distance in the channels that a training selected \
(RUN is the run's folder); vgg-fd one distance between all results and all references, whatever their names and sizes.

Files are matched by name, whatever the extension; where all results have one common ending \
(img_x4 for img), it is passed over. A picture that cannot be scored is named, the others are \
scored, and the exit code is 1.

Maps are PNG files NAME.SCORE.png: dark blue is no difference, light yellow the most; the colours mean the same in \
all maps of a score.

Every number has a protocol, in table, JSON and CSV: without it, it means nothing elsewhere. The \
PSNR of equal pictures is infinite: `inf` in table and CSV, and in JSON, which has no infinity, \
1.7976931348623157e308, the largest number there is.";

/// `percept score`.
#[derive(Debug, Flags)]
pub struct ScoreArgs {
    /// Folder of references, or one picture; scores that compare with nothing need none
    #[arg(long = "ref", value_name = "DIR")]
    pub reference: Option<PathBuf>,
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
    /// Border pixels to leave out; networks look at whole pictures all the same
    #[arg(long, value_name = "PIXELS", default_value_t = 0)]
    pub crop: usize,
    /// Draw where the pictures differ, into this folder: ssim-*, gmsd, lpips-*, vgg
    #[arg(long, value_name = "DIR")]
    pub maps: Option<PathBuf>,
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

const METRICS: &str = "\
Examples:
  percept metrics
  percept metrics --json

Cost is the time of one core a megapixel: low is below 0.1 s, medium above, network is seconds. In JSON a range without \
an upper end has null there.";

/// `percept metrics`.
#[derive(Debug, Flags)]
pub struct MetricsArgs {
    /// For machines
    #[arg(long)]
    pub json: bool,
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

const AGREE: &str = "\
Examples:
  percept agree opinions.csv --metric psnr-y,ssim-y,lpips-alex -o agreement.html
  percept agree tid2013 --metric lpips-alex,dists --json > tid2013.json
  percept agree 2afc/val --layout bapps --metric lpips-vgg

TABLE is a CSV file with a header, or the folder of a data set as its authors ship it.

Columns of ratings: reference, distorted, score, and if you have them spread (the standard deviation of the single \
opinions) and distortion (its kind). Scores rise with quality; call the column dmos where they fall, or pass \
--lower-is-better.
Columns of choices: reference, a, b, votes, and if you have them voters and distortion. `votes` is the share of \
people who chose b, from 0 to 1, or with `voters` their number; votes_a and votes_b are understood too.
Paths are relative to the table, or to --root.

Layouts: csv; tid2013 (mos_with_names.txt), kadid10k (dmos.csv), live (dmos.mat or dmos_realigned.mat, and \
refnames_all.mat), csiq (csiq.DMOS.xlsx, its table as CSV, or csiq_label.txt), pipal (Train_Label/*.txt), bapps \
(ref, p0, p1 and judge in every subset). They are told apart by their files.

SROCC and KROCC are positive where metric and people agree, whichever direction either scale has. PLCC and RMSE are \
taken after a logistic curve with 5 or 4 parameters. 2AFC is the share of choices in which both agree; of ratings \
the choices are all pairs of one reference. All have 95 % bootstrap intervals over references, for all rows and for \
every kind of distortion (all of it in JSON, CSV and the page). A row whose picture cannot be scored is named and \
left out, and the exit code is 1.";

/// `percept agree`.
#[derive(Debug, Flags)]
pub struct AgreeArgs {
    /// A table of human opinions, or the folder of a data set
    #[arg(value_name = "TABLE")]
    pub table: PathBuf,
    /// Scores, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    pub metric: Vec<String>,
    /// How the table is laid out [default: found out from files and columns]
    #[arg(long, value_enum, value_name = "NAME")]
    pub layout: Option<OpinionLayout>,
    /// Folder of the pictures [default: where the layout has them]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Human scores of the CSV file fall with quality
    #[arg(long)]
    pub lower_is_better: bool,
    /// Parameters of the logistic curve: 5 (Sheikh et al. 2006) or 4 (VQEG 2003)
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(4..=5))]
    pub logistic: u8,
    /// JSON instead of a table
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// CSV instead of a table
    #[arg(long)]
    pub csv: bool,
    /// Write a page with plots here (.html), or what stdout would have (.json and .csv need no other flag)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Data sets of human opinions.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OpinionLayout {
    /// A CSV file with percept's columns
    Csv,
    /// TID2013
    Tid2013,
    /// KADID-10k
    Kadid10k,
    /// LIVE, release 2
    Live,
    /// CSIQ
    Csiq,
    /// PIPAL
    Pipal,
    /// BAPPS, 2AFC
    Bapps,
}

impl OpinionLayout {
    /// The layout.
    pub fn layout(self) -> Layout {
        match self {
            Self::Csv => Layout::Csv,
            Self::Tid2013 => Layout::Tid2013,
            Self::Kadid10k => Layout::Kadid10k,
            Self::Live => Layout::Live,
            Self::Csiq => Layout::Csiq,
            Self::Pipal => Layout::Pipal,
            Self::Bapps => Layout::Bapps,
        }
    }
}

const COMPARE: &str = "\
Examples:
  percept compare runs/disentangled runs/feature --data photos
  percept compare runs/disentangled runs/feature --over seeds --data photos
  percept compare 'runs/a-seed*' 'runs/b-seed*' --over seeds --gt photos --lq photos-lq --json

Both restore the same photos; scores are compared photo by photo, RUN_A less RUN_B. With --over seeds, RUN_A and \
RUN_B are folders whose subfolders are runs, or patterns in quotes: runs of the same seed belong together, and the \
intervals are over photos and seeds.

The verdict counts metrics whose p-value stays below 0.05 after Holm's correction. A metric that looks through the \
same kind of network as a loss of either run is marked and does not count. `effect` is Cohen's paired d_z.

--data degrades the photos as the runs were trained, the same way for every run. A photo that cannot be restored is \
named and left out, and the exit code is 1.";

/// `percept compare`.
#[derive(Debug, Flags)]
pub struct CompareArgs {
    /// What is judged: a run's folder or model file; with --over seeds a folder or pattern of runs
    #[arg(value_name = "RUN_A")]
    pub a: PathBuf,
    /// What it is judged against
    #[arg(value_name = "RUN_B")]
    pub b: PathBuf,
    /// Take the runs in RUN_A and RUN_B as one training each, with several seeds
    #[arg(long, value_enum, value_name = "WHAT")]
    pub over: Option<Over>,
    /// Folder of good photos, to be degraded as in training
    #[arg(long, value_name = "DIR", required_unless_present_all = ["gt", "lq"], conflicts_with_all = ["gt", "lq"])]
    pub data: Option<PathBuf>,
    /// Folder of good photos, with --lq
    #[arg(long, value_name = "DIR", requires = "lq")]
    pub gt: Option<PathBuf>,
    /// Folder of their degraded counterparts, matched by name
    #[arg(long, value_name = "DIR", requires = "gt")]
    pub lq: Option<PathBuf>,
    /// Scores, separated by commas [default: those outside of the VGG family]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub metric: Vec<String>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// What differs between the runs of one training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Over {
    /// The seed
    Seeds,
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
