//! Flags of what scores results: `score`, `metrics`, `report`.

use std::path::PathBuf;

use clap::Args as Flags;
use percept_judge::Preset;

use super::one_of;

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
  percept score --ref gt --test results --preset ntire2025

Scores: NAMES. `percept metrics` says what each of them is, and which need no reference. selected:RUN is the distance \
in the channels that a training selected (RUN is the run's folder), selected:FILE in those of a file of `percept \
select`; vgg-fd one distance between all results and all references, whatever their names and sizes.

Files are matched by name, whatever the extension; where all results have one common ending \
(img_x4 for img), it is passed over. A picture that cannot be scored is named, and so is a \
score that a picture does not allow; all others are taken, and the exit code is 1.

Maps are PNG files NAME.SCORE.png: dark blue is no difference, light yellow the most; the colours mean the same in \
all maps of a score.

A call that was stopped goes on where it was, and the same pictures are not scored twice: scores are kept by the content of \
the pictures, in the user's data folder, unless --no-cache is there.

Every number has a protocol, in table, JSON and CSV: without it, it means nothing elsewhere. The \
PSNR of equal pictures is infinite: `inf` in table and CSV, and in JSON, which has no infinity, \
1.7976931348623157e308, the largest number there is.";

/// What stands below the flags of `score`, with the names of the scores that there are.
pub(super) fn score_help() -> String {
    SCORE.replace("NAMES", &percept_judge::Panel::names().join(", "))
}

/// `percept score`.
#[derive(Debug, Flags)]
pub struct ScoreArgs {
    /// Folder of references, or one picture; scores that compare with nothing need none
    #[arg(long = "ref", value_name = "DIR")]
    pub reference: Option<PathBuf>,
    /// Folder of pictures to judge, or one picture
    #[arg(long, value_name = "DIR")]
    pub test: PathBuf,
    /// Scores, separated by commas; NAME@SIDE shrinks pictures to a shorter side of so many pixels first
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "psnr-y,ssim-y,lpips-alex,dists"
    )]
    pub metric: Vec<String>,
    /// The scores of a formula, and its value; what of it is not here is named
    #[arg(long, value_name = "NAME", conflicts_with = "metric", value_parser = one_of(Preset::ALL, |preset| preset.name, |preset| preset.about.to_string()))]
    pub preset: Option<Preset>,
    /// Border pixels to leave out; networks look at whole pictures all the same
    #[arg(long, value_name = "PIXELS", default_value_t = 0)]
    pub crop: usize,
    /// Draw where the pictures differ, into this folder: ssim-*, gmsd, lpips-*, vgg
    #[arg(long, value_name = "DIR")]
    pub maps: Option<PathBuf>,
    /// Compute every score, also those that an earlier call kept, and keep none
    #[arg(long)]
    pub no_cache: bool,
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

pub(super) const METRICS: &str = "\
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

pub(super) const REPORT: &str = "\
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
