//! Flags of `compare`.

use std::path::PathBuf;

use clap::{Args as Flags, ValueEnum};

pub(super) const COMPARE: &str = "\
Examples:
  percept compare runs/disentangled runs/feature --data photos
  percept compare runs/disentangled runs/feature --over seeds --data photos
  percept compare 'runs/a-seed*' 'runs/b-seed*' --over seeds --gt photos --lq photos-lq --json

Both restore the same photos; scores are compared photo by photo, RUN_A less RUN_B. With --over seeds, RUN_A and \
RUN_B are folders whose subfolders are runs, or patterns in quotes: runs of the same seed belong together, and the \
intervals are over photos and seeds.

The verdict counts metrics whose p-value stays below 0.05 after Holm's correction. A metric that looks through the \
same kind of network as a loss of either run is marked and does not count. `effect` is Cohen's paired d_z.

--data degrades the photos as the runs were trained, the same way for every run. A photo that cannot be restored is \
named and left out, and the exit code is 1.";

/// `percept compare`.
#[derive(Debug, Flags)]
pub struct CompareArgs {
    /// What is judged: a run's folder or model file; with --over seeds a folder or pattern of runs
    #[arg(value_name = "RUN_A")]
    pub a: PathBuf,
    /// What it is judged against
    #[arg(value_name = "RUN_B")]
    pub b: PathBuf,
    /// Take the runs in RUN_A and RUN_B as one training each, with several seeds
    #[arg(long, value_enum, value_name = "WHAT")]
    pub over: Option<Over>,
    /// Folder of good photos, to be degraded as in training
    #[arg(long, value_name = "DIR", required_unless_present_all = ["gt", "lq"], conflicts_with_all = ["gt", "lq"])]
    pub data: Option<PathBuf>,
    /// Folder of good photos, with --lq
    #[arg(long, value_name = "DIR", requires = "lq")]
    pub gt: Option<PathBuf>,
    /// Folder of their degraded counterparts, matched by name
    #[arg(long, value_name = "DIR", requires = "gt")]
    pub lq: Option<PathBuf>,
    /// Scores, separated by commas [default: those outside of the VGG family]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub metric: Vec<String>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// What differs between the runs of one training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Over {
    /// The seed
    Seeds,
}
