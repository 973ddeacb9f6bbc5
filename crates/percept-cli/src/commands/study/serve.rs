//! `percept study serve`: the page on which people answer.

use std::path::Path;

use percept_judge::study::{ServeError, Server, Study};

use super::failure;
use crate::args::ServeArgs;
use crate::failure::Failure;
use crate::interrupt;
use crate::opener::open;
use crate::output::print;
use crate::screen::say;

/// Runs the command.
pub fn run(args: ServeArgs) -> Result<(), Failure> {
    let study = Study::open(&args.study).map_err(failure)?;
    let server = Server::bind(study, args.listen, args.token).map_err(|error| match error {
        ServeError::Listen { .. } => Failure::call(error),
        _ => Failure::work(error),
    })?;
    let stop = interrupt::listen("ending; all answers are kept")?;
    if server.address().ip().is_unspecified() {
        say("participants put this machine's name or address in place of the one below");
    }
    print(&server.url())?;
    if args.open {
        open(Path::new(&server.url()));
    }
    let trouble = |error: &_| say(&format!("error: {error}"));
    server.run(move || interrupt::asked(stop), trouble).map_err(Failure::work)
}
