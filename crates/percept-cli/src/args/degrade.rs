//! Flags of `degrade`.

use std::path::PathBuf;

use clap::Args as Flags;

pub(super) const DEGRADE: &str = "\
Examples:
  percept degrade sr.toml photo.jpg -o seen
  percept degrade sr.toml photos/val -o seen --samples 4

Cuts and degrades photos as a training by that config would, and writes every target and input as PNG and all of them on \
one page, index.html. The folders that the config names are not looked at.";

/// `percept degrade`.
#[derive(Debug, Flags)]
pub struct DegradeArgs {
    /// The config, TOML
    pub config: PathBuf,
    /// Photos, or folders of photos
    #[arg(required = true, value_name = "PHOTO")]
    pub photos: Vec<PathBuf>,
    /// Folder for the pictures and the page
    #[arg(short, long = "out", visible_alias = "output", value_name = "DIR")]
    pub out: PathBuf,
    /// Samples of each photo
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub samples: u32,
    /// Seed of crops and degradations [default: the config's]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
}
