//! Flags and their help, as they are typed.

mod agree;
mod apply;
mod compare;
mod data;
mod degrade;
mod experiment;
mod model;
mod results;
mod score;
mod select;
mod study;
mod training;
mod web;
mod weights;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as Flags, Parser, Subcommand};
use percept_conv::{Device, Precision};
use percept_image::expand_home;

use crate::failure::Failure;

pub use agree::AgreeArgs;
pub use apply::ApplyArgs;
pub use compare::CompareArgs;
pub use data::{CheckArgs, DataAction, DataArgs, RootArgs, TileArgs};
pub use degrade::DegradeArgs;
pub use experiment::ExperimentArgs;
pub use model::{
    BenchArgs, ExportArgs, GalleryArgs, InfoArgs, InterpolateArgs, ModelArgs, ModelsAction, ModelsArgs,
    TimeArgs,
};
pub use results::{MatrixName, ResultArgs, ResultFormat, VideoArgs};
pub use score::{MetricsArgs, ReportArgs, ScoreArgs};
pub use select::SelectArgs;
pub use study::{AnalyseArgs, NewArgs, ServeArgs, StudyAction, StudyArgs};
pub use training::{DemoArgs, InitArgs, SchemaArgs, TrainArgs};
pub use web::WebArgs;
pub use weights::{WeightsAction, WeightsArgs};

use agree::AGREE;
use apply::APPLY;
use compare::COMPARE;
use data::DATA;
use degrade::DEGRADE;
use experiment::EXPERIMENT;
use model::{EXPORT, INFO, INTERPOLATE, MODELS};
use score::{METRICS, REPORT, score_help};
use select::SELECT;
use study::STUDY;
use training::{DEMO, INIT, SCHEMA, TRAIN};
use web::WEB;
use weights::WEIGHTS;

/// One of `all` by its name, with what help says of it.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(&T) -> &'static str,
    about: fn(&T) -> String,
) -> impl TypedValueParser<Value = T> {
    let values = all.iter().map(move |one| PossibleValue::new(name(one)).help(about(one)));
    PossibleValuesParser::new(values).try_map(move |given| {
        let found = all.iter().find(|one| name(one) == given).copied();
        found.ok_or_else(|| format!("there is no {given}"))
    })
}

/// A precision by its name.
fn precision() -> impl TypedValueParser<Value = Precision> {
    one_of(Precision::ALL, |precision| precision.name(), |precision| precision.about().to_string())
}

/// Train, judge and apply image transformation networks by what people see.
#[derive(Debug, Parser)]
#[command(name = "percept", version, about, arg_required_else_help = true, after_help = TOP)]
pub struct Args {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// Those of the call.
    pub fn read() -> Self {
        Self::parse_from(std::env::args_os().map(with_home))
    }
}

/// `~` is the user's folder, though it stood in quotes or behind a `=`, where shells leave it as it is.
fn with_home(argument: OsString) -> OsString {
    let split = argument.to_str().map(|text| text.split_once('=').unwrap_or(("", text)));
    match split {
        Some(("", text)) if text.starts_with('~') => expand_home(text).into(),
        Some((flag, text)) if text.starts_with('~') => {
            format!("{flag}={}", expand_home(text).display()).into()
        }
        _ => argument,
    }
}

const TOP: &str = "\
Examples:
  percept demo --quick                       train, compare and look, in minutes
  percept init sr -o sr.toml                 a commented config to start from
  percept train sr.toml                      train; Ctrl-C saves, --resume goes on
  percept score --ref gt --test results --metric psnr-y,lpips-alex
  percept apply runs/sr photo.jpg -o out     run a trained network on pictures

Exit codes: 0 fine, 1 the work failed, 2 the call was wrong.
`percept COMMAND --help` has examples of every command.";

/// Options of every command.
#[derive(Debug, Flags)]
pub struct Global {
    /// Folder of weight files, looked at before the bundled ones
    #[arg(long, global = true, value_name = "DIR")]
    pub weights: Option<PathBuf>,
    /// Device to compute on, among those compiled in [default: cpu, or what a config says]
    #[arg(long, global = true, value_name = "NAME")]
    pub device: Option<String>,
}

impl Global {
    /// The device to compute on.
    ///
    /// # Errors
    /// When the name is none of a device that was compiled in.
    pub fn device(&self) -> Result<Device, Failure> {
        percept_conv::device(self.device.as_deref().unwrap_or("cpu")).map_err(Failure::call)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train one network with three losses on bundled photos and compare what comes out
    #[command(after_help = DEMO)]
    Demo(DemoArgs),
    /// Train a network as a config says
    #[command(after_help = TRAIN)]
    Train(TrainArgs),
    /// Train many variants with many seeds as one file says
    #[command(after_help = EXPERIMENT)]
    Experiment(ExperimentArgs),
    /// Write a commented config to start from
    #[command(after_help = INIT)]
    Init(InitArgs),
    /// Check photos that are to be trained on, or cut them into tiles
    #[command(after_help = DATA)]
    Data(DataArgs),
    /// Show what a network will see: crops of photos, degraded as a config says
    #[command(after_help = DEGRADE)]
    Degrade(DegradeArgs),
    /// Print the JSON Schema of configs
    #[command(after_help = SCHEMA)]
    Schema(SchemaArgs),
    /// Run a trained network on pictures
    #[command(after_help = APPLY)]
    Apply(ApplyArgs),
    /// Say what a model file is: architecture, scale, settings, where it comes from
    #[command(after_help = INFO)]
    Info(InfoArgs),
    /// List the models that are part of percept
    #[command(after_help = MODELS)]
    Models(ModelsArgs),
    /// Make a model that lies between two
    #[command(after_help = INTERPOLATE)]
    Interpolate(InterpolateArgs),
    /// Write a model as an ONNX file, for other tools
    #[command(after_help = EXPORT)]
    Export(ExportArgs),
    /// Score pictures against their references, or by themselves
    #[command(after_help = score_help())]
    Score(ScoreArgs),
    /// List the scores: direction, range, protocol, paper, cost
    #[command(after_help = METRICS)]
    Metrics(MetricsArgs),
    /// Measure how far scores agree with people
    #[command(after_help = AGREE)]
    Agree(AgreeArgs),
    /// Learn from photos alone which channels of a network matter, as a metric or a start
    #[command(after_help = SELECT)]
    Select(SelectArgs),
    /// Compare two runs, or two trainings with several seeds, and say what that shows
    #[command(after_help = COMPARE)]
    Compare(CompareArgs),
    /// Compare runs on one self-contained HTML page
    #[command(after_help = REPORT)]
    Report(ReportArgs),
    /// Ask people, blind, which results look better
    #[command(after_help = STUDY)]
    Study(StudyArgs),
    /// Serve a page on this machine: drop photos, compare, download; watch trainings
    #[command(after_help = WEB)]
    Web(WebArgs),
    /// List, verify or import the weights that percept knows
    #[command(after_help = WEIGHTS)]
    Weights(WeightsArgs),
}
