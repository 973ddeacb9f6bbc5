//! Flags of `experiment`.

use std::path::PathBuf;

use clap::Args as Flags;

pub(super) const EXPERIMENT: &str = "\
Examples:
  percept experiment sr.toml --out runs/sr          trains every variant with every seed
  percept experiment sr.toml --out runs/sr --list   what there is to do, and what is done
  percept experiment sr.toml --out runs/sr --judge-only
  percept experiment sr.toml --out runs/sr --judge-only --pictures ask

The file: name, title, seeds, reference, ours, test (folders), metrics, test_crop and crop (pixels, may be left out); [base], a \
training config; [start], what is merged over it for a common start of each seed, if there is one; [variant.NAME], what is merged \
over it for each variant; [knobs], if you like, a config with lists of variants for values, in the order of the key's own: a figure \
of what each key changes. docs/evidence/knobs.toml in the repository has all of it.

Ctrl-C finishes the step and saves; the same command goes on. Runs lie in DIR/seed-S/VARIANT and are ordinary runs. \
One that is finished is not trained again. Then all of them restore the photos of `test`: DIR/README.md has the \
scores, their differences with intervals over photos and seeds, what was selected and details to look at; \
DIR/results.json the same for machines.";

/// `percept experiment`.
#[derive(Debug, Flags)]
pub struct ExperimentArgs {
    /// The experiment, TOML
    pub file: PathBuf,
    /// Folder of the runs; one that exists is continued
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Print the runs with their steps, and what is done; train nothing
    #[arg(long)]
    pub list: bool,
    /// Train nothing; judge the variants of which all runs are finished
    #[arg(long, conflicts_with = "list")]
    pub judge_only: bool,
    /// Write whole pictures there too: gt, lq and methods/VARIANT, of the first seed; `percept study new` takes them
    #[arg(long, value_name = "DIR", conflicts_with = "list")]
    pub pictures: Option<PathBuf>,
}
