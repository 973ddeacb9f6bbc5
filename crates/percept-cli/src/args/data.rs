//! Flags of `data`: photos that are to be trained on.

use std::path::PathBuf;

use clap::{Args as Flags, Subcommand};

pub(super) const DATA: &str = "\
Examples:
  percept data check photos/train
  percept data check photos/train --lq photos/train-lq --scale 4
  percept data tile DIV2K -o tiles --size 480 --step 240";

const CHECK: &str = "\
Examples:
  percept data check photos/train
  percept data check DIV2K --recursive --min-side 256
  percept data check photos/train --lq photos/train-lq --scale 4 --json

Names what would spoil a training: files that cannot be read, photos that are too small, the same photo twice, nearly the same photo, \
pairs of other size, content or place, the blocks of a JPEG in targets, grey or transparent ones among those of colour. \
Nothing is changed.

Exit codes: 0 nothing found, 1 something found, 2 the call was wrong.";

const TILE: &str = "\
Examples:
  percept data tile DIV2K -o tiles --size 480 --step 240
  percept data tile DIV2K_HR --lq DIV2K_LR --scale 4 -o tiles --size 480 --step 240

Cuts large photos into squares that are read faster, NAME_s001.png and so on, row by row; those of pairs go to gt and lq \
inside the folder, with equal names. The same call goes on where one was ended.";

/// `percept data`.
#[derive(Debug, Flags)]
pub struct DataArgs {
    /// What to do
    #[command(subcommand)]
    pub action: DataAction,
}

/// What to do with photos.
#[derive(Debug, Subcommand)]
pub enum DataAction {
    /// Name what would spoil a training
    #[command(after_help = CHECK)]
    Check(CheckArgs),
    /// Cut large photos into small ones
    #[command(after_help = TILE)]
    Tile(TileArgs),
}

/// Where photos lie.
#[derive(Debug, Flags)]
pub struct RootArgs {
    /// Folder or LMDB of the photos, the targets
    #[arg(value_name = "DIR")]
    pub photos: PathBuf,
    /// Folder or LMDB of their degraded counterparts
    #[arg(long, value_name = "DIR")]
    pub lq: Option<PathBuf>,
    /// How many times larger a target is than its counterpart
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    pub scale: u16,
    /// Text file that names the photos, one in a line, as a config's meta_info_file
    #[arg(long, value_name = "FILE", conflicts_with = "recursive")]
    pub list: Option<PathBuf>,
    /// Enter the folders inside the folders, too
    #[arg(short, long)]
    pub recursive: bool,
}

/// `percept data check`.
#[derive(Debug, Flags)]
pub struct CheckArgs {
    /// The photos
    #[command(flatten)]
    pub root: RootArgs,
    /// Shortest side of a target in pixels: the gt_size of the training
    #[arg(long, value_name = "PIXELS", default_value_t = 96, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub min_side: u32,
    /// As JSON: the number of photos, and a list of problems
    #[arg(long)]
    pub json: bool,
}

/// `percept data tile`.
#[derive(Debug, Flags)]
pub struct TileArgs {
    /// The photos
    #[command(flatten)]
    pub root: RootArgs,
    /// Folder for the tiles
    #[arg(short, long = "out", visible_alias = "output", value_name = "DIR")]
    pub out: PathBuf,
    /// Side of a tile in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 480, value_parser = clap::value_parser!(u32).range(16..=65_535))]
    pub size: u32,
    /// Pixels from one tile to the next
    #[arg(long, value_name = "PIXELS", default_value_t = 240, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub step: u32,
    /// A strip at the right or below of no more than so many pixels is left out
    #[arg(long, value_name = "PIXELS", default_value_t = 0)]
    pub rest: u32,
}
