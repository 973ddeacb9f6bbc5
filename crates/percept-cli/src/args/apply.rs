//! Flags of `apply`.

use std::path::PathBuf;

use clap::{Args as Flags, ValueEnum};
use percept_nn::network::NetworkConfig;

pub(super) const APPLY: &str = "\
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
    /// The compact network of Real-ESRGAN
    Compact,
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
            Self::Compact => NetworkConfig::Compact(Default::default()),
            Self::Nafnet => NetworkConfig::NafNet(Default::default()),
        }
    }
}
