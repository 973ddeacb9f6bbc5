//! Flags of `agree`.

use std::path::PathBuf;

use clap::Args as Flags;
use percept_judge::agree::Layout;

use super::one_of;

pub(super) const AGREE: &str = "\
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
Columns of choices among several: reference, a, b, c and so on, best, and if you have it distortion. `best` has the letter of \
the chosen picture, or its name.
A table without the column reference is for scores that need none; others are refused by name.
Paths are relative to the table, or to --root.

Layouts: csv; tid2013 (mos_with_names.txt), kadid10k (dmos.csv), live (dmos.mat or dmos_realigned.mat, and \
refnames_all.mat), csiq (csiq.DMOS.xlsx, its table as CSV, or csiq_label.txt), pipal (Train_Label/*.txt), sriqa-bench \
(MOS/*.txt and images/Original), bapps (ref, p0, p1 and judge in every subset). They are told apart by their files.

SROCC and KROCC are positive where metric and people agree, whichever direction either scale has. PLCC and RMSE are \
taken after a logistic curve with 5 or 4 parameters. 2AFC is the share of choices in which both agree; of ratings \
the choices are all pairs of one reference. All have 95 % bootstrap intervals over references, for all rows and for \
every kind of distortion (all of it in JSON, CSV and the page). Of choices among several, `best` is the share in which a \
score finds the same picture best. Two scores are said to differ where that is more than chance after Holm's correction over \
all pairs of scores; JSON and page have every pair. A row whose picture cannot be scored is named and \
left out, and the exit code is 1.";

/// `percept agree`.
#[derive(Debug, Flags)]
pub struct AgreeArgs {
    /// A table of human opinions, or the folder of a data set
    #[arg(value_name = "TABLE")]
    pub table: PathBuf,
    /// Scores, separated by commas; NAME@SIDE shrinks pictures to a shorter side of so many pixels first
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    pub metric: Vec<String>,
    /// How the table is laid out [default: found out from files and columns]
    #[arg(long, value_name = "NAME", value_parser = one_of(&Layout::ALL, |layout| layout.name(), |layout| layout.about().to_string()))]
    pub layout: Option<Layout>,
    /// Folder of the pictures [default: where the layout has them]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Human scores of the CSV file fall with quality
    #[arg(long)]
    pub lower_is_better: bool,
    /// Parameters of the logistic curve: 5 (Sheikh et al. 2006) or 4 (VQEG 2003)
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(4..=5))]
    pub logistic: u8,
    /// Compute every score, also those that an earlier call kept, and keep none
    #[arg(long)]
    pub no_cache: bool,
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
