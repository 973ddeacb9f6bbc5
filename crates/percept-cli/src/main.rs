//! The percept command: train, judge and apply image transformation networks by what people see.

mod args;
mod bundle;
mod commands;
mod failure;
mod interrupt;
mod output;
mod progress;
mod screen;
mod session;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

fn main() -> ExitCode {
    let Args { global, command } = Args::parse();
    let done = match command {
        Command::Train(args) => commands::train::run(&global, &args),
        Command::Init(args) => commands::init::run(&args),
        Command::Schema => commands::init::schema(),
        Command::Weights(args) => commands::weights::run(&global, args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
