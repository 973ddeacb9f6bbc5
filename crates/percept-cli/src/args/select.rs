//! Flags of `select`.

use std::path::PathBuf;

use clap::{Args as Flags, ValueEnum};

pub(super) const SELECT: &str = "\
Examples:
  percept select --data photos -o selection.safetensors
  percept score --ref gt --test results --metric selected:selection.safetensors
  percept select --data photos --backbone vgg16 -o start.safetensors

Learns which channels of a network answer to distortions whatever a photo shows: from photos alone, without labels \
and with no network to train. The file is a metric (`selected:FILE`), and a training can start from it \
(`selection.start = { file = \"FILE\" }`). A quarter of the photos is held out to say what was learned.";

/// A network whose channels are selected.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SelectBackbone {
    /// Taps relu1, relu2, relu3, relu4, relu5
    Alexnet,
    /// Taps relu1_2, relu2_2, relu3_3
    Vgg16,
    /// Taps relu1_2, relu2_2, relu3_4
    Vgg19,
}

/// A distance of feature maps.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SelectDistance {
    /// Their mean squared difference, which the feature loss descends
    Squared,
    /// How unlike their patterns are
    Structure,
    /// Their mean squared difference with the features of every position at unit length, as LPIPS has them
    Unit,
}

/// A kind of distortion.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SelectKind {
    /// Gaussian blur
    Blur,
    /// Gaussian noise
    Noise,
    /// JPEG compression
    Jpeg,
    /// Shrinking, and enlarging again
    Shrink,
    /// All values up or down
    Brightness,
    /// More or less of it
    Contrast,
    /// Fewer levels
    Quantisation,
    /// Coloured noise of coarse grain
    CoarseNoise,
}

/// `percept select`.
#[derive(Debug, Flags)]
pub struct SelectArgs {
    /// Folder of photos
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// The network; to start a training, the one of its loss
    #[arg(long, value_enum, default_value = "alexnet")]
    pub backbone: SelectBackbone,
    /// Its taps, instead of those that the network is listed with
    #[arg(long, value_name = "TAP,…", value_delimiter = ',')]
    pub taps: Vec<String>,
    /// How far apart feature maps are
    #[arg(long, value_enum, default_value = "squared")]
    pub distance: SelectDistance,
    /// The kinds of distortion to learn from, instead of all
    #[arg(long, value_enum, value_name = "KIND,…", value_delimiter = ',')]
    pub kinds: Vec<SelectKind>,
    /// At most so many photos, spaced evenly over the folder
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(2..))]
    pub photos: u32,
    /// Side of the middle of each photo that is used, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 256, value_parser = clap::value_parser!(u32).range(32..=4096))]
    pub side: u32,
    /// Steps of the contrast; after none all channels count alike
    #[arg(long, value_name = "N", default_value_t = 600)]
    pub steps: u32,
    /// Seed of noise and of the order of steps
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// For machines
    #[arg(long)]
    pub json: bool,
}
