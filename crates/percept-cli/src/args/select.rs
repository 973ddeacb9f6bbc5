//! Flags of `select`.

use std::path::PathBuf;

use clap::Args as Flags;
use percept_nn::backbone::BackboneKind;
use percept_nn::metric::ChannelDistance;
use percept_train::select::Distortion;

use super::one_of;

pub(super) const SELECT: &str = "\
Examples:
  percept select --data photos -o selection.safetensors
  percept score --ref gt --test results --metric selected:selection.safetensors
  percept select --data photos --backbone vgg16 -o start.safetensors

Learns which channels of a network answer to distortions whatever a photo shows: from photos alone, without labels \
and with no network to train. The file is a metric (`selected:FILE`), and a training can start from it \
(`selection.start = { file = \"FILE\" }`). A quarter of the photos is held out to say what was learned.";

/// `percept select`.
#[derive(Debug, Flags)]
pub struct SelectArgs {
    /// Folder of photos
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// File to write
    #[arg(short, long = "out", visible_alias = "output", value_name = "FILE")]
    pub out: PathBuf,
    /// The network; to start a training, the one of its loss
    #[arg(
        long,
        default_value = "alexnet",
        value_parser = one_of(BackboneKind::ALL, |kind| kind.name(), |kind| format!("Taps {}", kind.usual_taps().join(", ")))
    )]
    pub backbone: BackboneKind,
    /// Its taps, instead of those that the network is listed with
    #[arg(long, value_name = "TAP,…", value_delimiter = ',')]
    pub taps: Vec<String>,
    /// How far apart feature maps are
    #[arg(
        long,
        default_value = "squared",
        value_parser = one_of(ChannelDistance::ALL, |distance| distance.name(), |distance| distance.about().to_string())
    )]
    pub distance: ChannelDistance,
    /// The kinds of distortion to learn from, instead of all
    #[arg(
        long,
        value_name = "KIND,…",
        value_delimiter = ',',
        value_parser = one_of(Distortion::ALL, |kind| kind.name(), |kind| kind.about().to_string())
    )]
    pub kinds: Vec<Distortion>,
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
    /// Replace a file that exists
    #[arg(long)]
    pub force: bool,
    /// For machines
    #[arg(long)]
    pub json: bool,
}
