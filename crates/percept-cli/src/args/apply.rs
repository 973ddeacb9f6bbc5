//! Flags of `apply`.

use std::path::PathBuf;

use clap::Args as Flags;

use super::ModelArgs;

pub(super) const APPLY: &str = "\
Examples:
  percept apply runs/sr photo.jpg -o out
  percept apply model.safetensors photo.jpg -o large.png
  percept apply model.safetensors holiday/ more.png -o out --tile 256
  percept apply RRDB_ESRGAN_x4.pth old.png -o out
  percept apply runs/sr photo.jpg -o - | display

Alpha, 16 bits and the colour profile are kept; what is large is cut into overlapping tiles. Results have the names \
and formats of their inputs, or are PNG where that format cannot hold them. A file that cannot be read, or whose result \
would be too large, is named and left out, the others are done, and the exit code is 1. Ctrl-C finishes the picture and \
says which are left.";

/// `percept apply`.
#[derive(Debug, Flags)]
pub struct ApplyArgs {
    /// A model file, or a run's folder
    pub model: PathBuf,
    /// Pictures, or folders of pictures
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for the results, under the names of the inputs; for one picture a file, or - for stdout
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Side of a tile in pixels of the input; 0 for one piece [default: what 1 GiB of memory allows]
    #[arg(long, value_name = "PIXELS")]
    pub tile: Option<usize>,
    /// Pixels around a tile that the network sees too [default: as far as it sees, at most 64]
    #[arg(long, value_name = "PIXELS")]
    pub overlap: Option<usize>,
    /// What is said of the model.
    #[command(flatten)]
    pub asked: ModelArgs,
    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
}
