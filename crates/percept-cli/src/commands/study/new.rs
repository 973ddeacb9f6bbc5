//! `percept study new`: folders of results become a study.

use percept_judge::study::{Material, Settings};

use super::{failure, some};
use crate::args::NewArgs;
use crate::failure::Failure;
use crate::output::print;
use crate::screen::say;

/// Runs the command.
pub fn run(args: NewArgs) -> Result<(), Failure> {
    let NewArgs { study, reference, methods, input, design, title, seed, trials, repeats, checks, ties } =
        args;
    let settings = Settings { trials, repeats, checks, ties, ..Settings::new(&title, design, seed) };
    let names = methods.len();
    let made = Material { reference, methods, input }.make(&study, &settings).map_err(failure)?;
    made.notes.iter().for_each(|note| say(note));
    say(&format!(
        "{} by {}, {} to every participant; next: percept study serve {}",
        some(made.photos, "photo"),
        some(names, "method"),
        some(made.trials, "question"),
        study.display()
    ));
    print(&study.display().to_string())
}
