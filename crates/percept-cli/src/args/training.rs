//! Flags of what trains: `demo`, `train`, `init`, `schema`.

use std::path::PathBuf;

use clap::Args as Flags;
use percept_run::config::Preset;

use super::one_of;

pub(super) const DEMO: &str = "\
Examples:
  percept demo                      about eight minutes on two cores
  percept demo --quick --open       two minutes, coarser; opens the page
  percept demo --out my-demo        again with the same folder: goes on where it was
  percept demo --photo mine.jpg     a photo of yours on the page too; also when all else is done

Everything it needs is in the binary. A small 4x super-resolution network that was trained on pixels for weeks goes on \
three ways with the same data in the same order: l1, perceptual (contextual and adversarial losses) and disentangled \
(the same with a selection of features). Then photos that no training saw are restored, and the path of the report is printed.";

/// `percept demo`.
#[derive(Debug, Flags)]
pub struct DemoArgs {
    /// Fewer steps: minutes instead of a coffee break
    #[arg(long)]
    pub quick: bool,
    /// Folder for photos, runs and report; one that exists is continued
    #[arg(long, value_name = "DIR", default_value = "percept-demo")]
    pub out: PathBuf,
    /// A photo of yours that is shrunk, restored and shown with the others; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub photo: Vec<PathBuf>,
    /// Open the report when it is done
    #[arg(long)]
    pub open: bool,
    /// Steps of every run, for a try that shows how things go and no more
    #[arg(long, value_name = "N", conflicts_with = "quick", value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: Option<u64>,
}

pub(super) const TRAIN: &str = "\
Examples:
  percept train sr.toml
  percept train sr.toml --out runs/second
  percept train sr.toml --resume    goes on from the newest checkpoint, bit for bit
  percept train runs/sr --resume --total-iter 20000    a longer training of a run that is finished

Ctrl-C finishes the step, saves and says how to resume. A run is a folder: config as used, log.jsonl, TensorBoard \
events, checkpoints, model.safetensors.";

/// `percept train`.
#[derive(Debug, Flags)]
pub struct TrainArgs {
    /// The config, TOML
    pub config: PathBuf,
    /// Go on from the newest checkpoint of the run's folder
    #[arg(long)]
    pub resume: bool,
    /// With --resume: so many steps in all, more or fewer than the run began with; its schedule counts for them
    #[arg(long, value_name = "N", requires = "resume", value_parser = clap::value_parser!(u64).range(1..))]
    pub total_iter: Option<u64>,
    /// With --resume: go on though photos were added, removed or replaced
    #[arg(long, requires = "resume")]
    pub other_photos: bool,
    /// The run's folder [default: runs/ and the config's name]
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
}

pub(super) const INIT: &str = "\
Examples:
  percept init sr                   to the terminal
  percept init sr-gan -o gan.toml   against a discriminator, with a selection
  percept init denoise -o dn.toml   to a file";

/// `percept init`.
#[derive(Debug, Flags)]
pub struct InitArgs {
    /// What the network is for
    #[arg(value_parser = one_of(&Preset::ALL, |preset| preset.name(), |preset| preset.about().to_string()))]
    pub preset: Preset,
    /// Write here instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long, requires = "output")]
    pub force: bool,
}

pub(super) const SCHEMA: &str = "\
Examples:
  percept schema > percept.schema.json
  percept schema --markdown > docs/config.md";

/// `percept schema`.
#[derive(Debug, Flags)]
pub struct SchemaArgs {
    /// As a page for people
    #[arg(long)]
    pub markdown: bool,
}
