//! Flags of `apply`.

use std::path::PathBuf;

use clap::Args as Flags;
use percept_conv::Precision;

use super::{ModelArgs, ResultArgs, VideoArgs, precision};

pub(super) const APPLY: &str = "\
Examples:
  percept apply holiday.jpg                               four times larger, beside it: holiday-x4.jpg
  percept apply photo-x4 holiday.jpg --denoise-strength 0.5 --outscale 2
  percept apply runs/sr photo.jpg -o out
  percept apply model.safetensors photo.jpg -o large.png
  percept apply model.safetensors holiday/ more.png -o out --tile 256
  percept apply RRDB_ESRGAN_x4.pth old.png -o out
  percept apply runs/sr photo.jpg -o - | display
  percept apply runs/sr photos --recursive -o out --outscale 3 --format webp
  percept apply runs/sr photo.jpg -o large.jpg --tta --strip
  ffmpeg -i in.mp4 -f yuv4mpegpipe -strict -1 - | percept apply runs/sr --y4m | ffmpeg -i - out.mp4

Alpha, 16 bits, the colour profile, EXIF (upright, without its thumbnail), XMP and DPI are kept; what the format of the \
result has no place for is named. Results have the names and formats of their inputs, or are PNG where that format \
cannot hold them. What is large is cut into overlapping tiles; PNG, TIFF and PPM are read and \
written row by row, so that a picture of any size needs little memory. A file that cannot be read, or whose result \
would be too large, is named and left out, the others are done, and the exit code is 1. Ctrl-C finishes the picture and \
says which are left.";

/// `percept apply`.
#[derive(Debug, Flags)]
#[command(override_usage = "percept apply [OPTIONS] [MODEL] INPUT...")]
pub struct ApplyArgs {
    /// A name of `percept models`, a model file, or a run's folder; left out, photo-x4
    pub model: PathBuf,
    /// Pictures, or folders of pictures
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for the results, under the names of the inputs; for one picture a file, or - for stdout [default: beside
    /// each picture as NAME-x4.EXT, and for a folder a folder of its own, FOLDER-x4]
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// What becomes of each picture.
    #[command(flatten)]
    pub results: ResultArgs,
    /// Video instead of pictures.
    #[command(flatten)]
    pub video: VideoArgs,
    /// Side of a tile in pixels of the input; 0 for one piece [default: what 1 GiB of memory allows]
    #[arg(long, value_name = "PIXELS")]
    pub tile: Option<usize>,
    /// Pixels around a tile that the network sees too [default: as far as it sees, at most 64]
    #[arg(long, value_name = "PIXELS")]
    pub overlap: Option<usize>,
    /// What products are made of
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = precision())]
    pub precision: Precision,
    /// What is said of the model.
    #[command(flatten)]
    pub asked: ModelArgs,
    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
}
