//! `percept study`: people choose, blind, and their choices become a scale.

mod analyse;
mod csv;
mod new;
mod serve;

use percept_judge::study::StudyError;

use crate::args::{StudyAction, StudyArgs};
use crate::failure::Failure;

/// Runs the command.
pub fn run(args: StudyArgs) -> Result<(), Failure> {
    match args.action {
        StudyAction::New(args) => new::run(args),
        StudyAction::Serve(args) => serve::run(args),
        StudyAction::Analyse(args) => analyse::run(&args),
    }
}

/// What was asked for makes no sense, or the work did not succeed.
fn failure(error: StudyError) -> Failure {
    match error {
        StudyError::Name { .. }
        | StudyError::Twice { .. }
        | StudyError::TooFew { .. }
        | StudyError::Pair { .. }
        | StudyError::NothingCommon { .. }
        | StudyError::Exists { .. }
        | StudyError::NoStudy { .. }
        | StudyError::Choice { .. }
        | StudyError::Settings { .. }
        | StudyError::Version { .. } => Failure::call(error),
        _ => Failure::work(error),
    }
}

/// `1 photo`, `2 photos`.
fn some(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
