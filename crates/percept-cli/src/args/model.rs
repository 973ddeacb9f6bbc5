//! What a call says of a model, and the flags of `info`.

use std::path::PathBuf;

use clap::{Args as Flags, Subcommand};
use percept_conv::Precision;
use percept_nn::network::{ActType, NETWORKS, NetworkKind};

use super::{one_of, precision};

/// What a call says of a model's file; without it, the file says it.
#[derive(Debug, Default, Flags)]
pub struct ModelArgs {
    /// The architecture, if the file's is not to be found out
    #[arg(long, value_name = "NAME", value_parser = one_of(NETWORKS, |kind| kind.name, |kind| kind.about.to_string()))]
    pub network: Option<NetworkKind>,
    /// How many times the network enlarges, if you want it checked
    #[arg(long, value_name = "N")]
    pub scale: Option<usize>,
    /// For EDSR: the share of residuals that it was trained with [default: 0.1 from 256 features on, else 1]
    #[arg(long, value_name = "SHARE")]
    pub res_scale: Option<f64>,
    /// For Compact without slopes: what follows its convolutions [default: relu]
    #[arg(long, value_name = "TYPE", value_parser = one_of(ActType::ALL, |kind| kind.name(), |kind| kind.about().to_string()))]
    pub act_type: Option<ActType>,
    /// For DRUNet: the deviation of the noise that is taken away, 0 to 50 of 255 [default: 15]
    #[arg(long, value_name = "LEVEL")]
    pub noise_level: Option<f64>,
    /// For FBCNN: the quality of the JPEG that is put right, 1 to 100 [default: the network estimates it]
    #[arg(long, value_name = "QUALITY")]
    pub quality: Option<f64>,
    /// For photo-x4, 0 to 1: how much noise is taken away [default: 1]
    #[arg(long, value_name = "SHARE")]
    pub denoise_strength: Option<f64>,
}

pub(super) const INFO: &str = "\
Examples:
  percept info RealESRGAN_x4plus.pth
  percept info runs/sr
  percept info photo-x4
  percept info model.safetensors --json

Reads .pth and .safetensors, of percept and of others. Architecture, scale and settings are told by the names and shapes \
of the weights; what they do not show is said under `assumed`. Pickles are parsed, never executed.";

pub(super) const MODELS: &str = "\
Examples:
  percept models
  percept apply photo-x4 holiday.jpg -o out
  percept info photo-x4
  percept models bench ~/sets";

/// `percept models`.
#[derive(Debug, Flags)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ModelsArgs {
    /// For machines
    #[arg(long)]
    pub json: bool,
    /// What to do instead of listing them.
    #[command(subcommand)]
    pub action: Option<ModelsAction>,
}

/// The parts of `percept models`.
#[derive(Debug, Subcommand)]
pub enum ModelsAction {
    /// Score models on the sets that papers are compared by, which you have
    #[command(after_help = BENCH)]
    Bench(BenchArgs),
    /// Measure how long photos take, and how much memory
    #[command(after_help = TIME)]
    Time(TimeArgs),
    /// Write a page with what every model makes of the bundled photos
    Gallery(GalleryArgs),
}

const BENCH: &str = "\
Examples:
  percept models bench ~/sets
  percept models bench ~/sets --model runs/mine --model classic-x4
  percept models bench ~/sets --json > scores.json

The folder holds folders of targets: Set5, Set14, BSD100, Urban100, Kodak24 (shrunk 4 times by MATLAB's bicubic), LIVE1 (JPEG \
of quality 10, 20, 40), CBSD68 (noise of 15, 25, 50), or folders of pairs (low and high, lq and gt). Inputs are made of \
them by the protocol that is printed; a set that is not known by name is used for all that the models undo. Numbers of \
papers stand beside ours where their protocol is the same.";

const TIME: &str = "\
Examples:
  percept models time
  percept models time --megapixels 12 --model photo-x4

Runs `percept apply` as its own process, from file to file. Measure on a quiet machine.";

/// `percept models bench`.
#[derive(Debug, Flags)]
pub struct BenchArgs {
    /// Folder of sets
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// A model to judge, may be given more than once [default: all that are inside]
    #[arg(long, value_name = "MODEL")]
    pub model: Vec<PathBuf>,
    /// For machines
    #[arg(long)]
    pub json: bool,
    /// Put the scores into this file too, in place of older ones of the same sets
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
}

/// `percept models time`.
#[derive(Debug, Flags)]
pub struct TimeArgs {
    /// A model to measure, may be given more than once [default: all that are inside]
    #[arg(long, value_name = "MODEL")]
    pub model: Vec<PathBuf>,
    /// Sizes of photos, in millions of pixels
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1.0, 12.0], value_parser = megapixels)]
    pub megapixels: Vec<f64>,
    /// How often each is measured; the shortest counts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,
    /// What products are made of
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = precision())]
    pub precision: Precision,
    /// Put the times into this file too, in place of older ones of the same photos
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
}

fn megapixels(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(megapixels) if (0.001..=150.0).contains(&megapixels) => Ok(megapixels),
        _ => Err("must be a number from 0.001 to 150".to_string()),
    }
}

/// `percept models gallery`.
#[derive(Debug, Flags)]
pub struct GalleryArgs {
    /// The page
    #[arg(short, long, value_name = "FILE", default_value = "models.html")]
    pub output: PathBuf,
    /// Open the page
    #[arg(long)]
    pub open: bool,
}

pub(super) const INTERPOLATE: &str = "\
Examples:
  percept interpolate runs/gan classic-x4-psnr --alpha 0.8 -o softer.safetensors

Both models have to be of the same network. 1 is the first, 0 the second; values beyond go past one of them.";

/// `percept interpolate`.
#[derive(Debug, Flags)]
pub struct InterpolateArgs {
    /// A model: a file, a run's folder, or a name of `percept models`
    #[arg(value_name = "A")]
    pub one: PathBuf,
    /// Another one of the same network
    #[arg(value_name = "B")]
    pub other: PathBuf,
    /// Share of A, -1 to 2
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub alpha: f64,
    /// The new model's file
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace a file that exists
    #[arg(long)]
    pub force: bool,
}

pub(super) const EXPORT: &str = "\
Examples:
  percept export photo-x4 -o photo-x4.onnx
  percept export RealESRGAN_x4plus.pth -o realesrgan.onnx --half
  percept export runs/sr -o sr.onnx

The file has one `input`, [batch, 3, height, width], RGB from 0 to 1 as 32-bit floats, and one `output` like it, as many \
times larger as the network enlarges. Batch, height and width are open, and any size is right. Operators are those of opset \
17. With --half weights take 16 bits; inputs, outputs and computations stay 32-bit floats.";

/// `percept export`.
#[derive(Debug, Flags)]
pub struct ExportArgs {
    /// A model file, a run's folder, or a name of `percept models`
    #[arg(value_name = "MODEL")]
    pub path: PathBuf,
    /// The ONNX file
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Weights in 16 bits: a file of half the size
    #[arg(long)]
    pub half: bool,
    /// Replace a file that exists
    #[arg(long)]
    pub force: bool,
    /// What is said of it.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// `percept info`.
#[derive(Debug, Flags)]
pub struct InfoArgs {
    /// A model file, a run's folder, or a name of `percept models`
    #[arg(value_name = "MODEL")]
    pub path: PathBuf,
    /// What is said of it.
    #[command(flatten)]
    pub model: ModelArgs,
    /// For machines
    #[arg(long)]
    pub json: bool,
}
