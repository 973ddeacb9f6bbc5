//! The percept command: train, judge and apply image transformation networks by what people see.

mod args;
mod commands;
mod failure;
mod interrupt;
mod kept;
mod model;
mod opener;
mod output;
mod progress;
mod screen;
mod training;

use std::process::ExitCode;

use args::{Args, Command};
use percept_bundle as bundle;
use percept_judge::parallel;

fn main() -> ExitCode {
    let Args { global, command } = Args::read();
    let done = match command {
        Command::Agree(args) => commands::agree::run(&global, &args),
        Command::Apply(args) => commands::apply::run(&global, args),
        Command::Compare(args) => commands::compare::run(&global, &args),
        Command::Data(args) => commands::data::run(&args),
        Command::Degrade(args) => commands::degrade::run(&args),
        Command::Demo(args) => commands::demo::run(&global, &args),
        Command::Experiment(args) => commands::experiment::run(&global, &args),
        Command::Train(args) => commands::train::run(&global, &args),
        Command::Info(args) => commands::info::run(&global, &args),
        Command::Models(args) => commands::models::run(&global, &args),
        Command::Interpolate(args) => commands::interpolate::run(&global, &args),
        Command::Export(args) => commands::export::run(&global, &args),
        Command::Init(args) => commands::init::run(&args),
        Command::Schema(args) => commands::init::schema(&args),
        Command::Score(args) => commands::score::run(&global, &args),
        Command::Metrics(args) => commands::metrics::run(&global, &args),
        Command::Report(args) => commands::report::run(&global, &args),
        Command::Select(args) => commands::select::run(&global, &args),
        Command::Study(args) => commands::study::run(args),
        Command::Web(args) => commands::web::run(&global, args),
        Command::Weights(args) => commands::weights::run(&global, args),
    };
    match done {
        Ok(()) => output::ended(),
        Err(failure) => failure.report(),
    }
}
