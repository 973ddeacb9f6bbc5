//! `percept train`: one run, from its config to its model.

use std::path::Path;

use percept_run::Config;
use percept_train::{Outcome, Resume, Team};

use crate::args::{Global, TrainArgs};
use crate::failure::Failure;
use crate::output::print;
use crate::{interrupt, training};

/// Runs the command.
pub fn run(global: &Global, args: &TrainArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let team = Team::join().map_err(Failure::work)?;
    let resume = Resume { total_iter: args.total_iter, other_photos: args.other_photos, device: None };
    let trainer = match (args.config.is_dir(), args.resume) {
        (true, true) => training::go_on(global, team, &args.config, resume)?,
        (true, false) => {
            let folder = args.config.display();
            return Err(Failure::call(format!(
                "{folder}: is a folder; add --resume to go on with the run in it"
            )));
        }
        (false, goes_on) => {
            let mut config = Config::load(&args.config).map_err(Failure::call)?;
            if let Some(out) = &args.out {
                config.path.run = Some(out.clone());
            }
            training::trainer(global, team, config, goes_on.then_some(resume))?
        }
    };
    let stop = interrupt::listen("finishing this step and saving")?;
    let (run, name) = (trainer.config().run_dir(), trainer.config().name.clone());
    match training::train(trainer, &name, stop)? {
        Outcome::Finished => print(&run.display().to_string()),
        Outcome::Stopped { iter } => Err(stopped(&run, iter)),
        Outcome::Helped => Ok(()),
    }
}

fn stopped(run: &Path, iter: u64) -> Failure {
    let run = run.display();
    Failure::work(format!(
        "stopped after step {iter}, everything is saved; go on with `percept train {run} --resume`"
    ))
}
