//! `percept train`: one run, from its config to its model.

use std::path::Path;

use percept_train::{Config, Outcome};

use crate::args::{Global, TrainArgs};
use crate::failure::Failure;
use crate::output::print;
use crate::{interrupt, training};

/// Runs the command.
pub fn run(global: &Global, args: &TrainArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let trainer = match (args.config.is_dir(), args.resume) {
        (true, true) => training::go_on(global, &args.config)?,
        (true, false) => {
            let folder = args.config.display();
            return Err(Failure::call(format!(
                "{folder}: is a folder; add --resume to go on with the run in it"
            )));
        }
        (false, resume) => {
            let mut config = Config::load(&args.config).map_err(Failure::call)?;
            if let Some(out) = &args.out {
                config.path.run = Some(out.clone());
            }
            training::trainer(global, config, resume)?
        }
    };
    let stop = interrupt::listen("finishing this step and saving")?;
    let (run, name) = (trainer.config().run_dir(), trainer.config().name.clone());
    match training::train(trainer, &name, stop)? {
        Outcome::Finished => print(&run.display().to_string()),
        Outcome::Stopped { iter } => Err(stopped(&run, iter)),
    }
}

fn stopped(run: &Path, iter: u64) -> Failure {
    let run = run.display();
    Failure::work(format!(
        "stopped after step {iter}, everything is saved; go on with `percept train {run} --resume`"
    ))
}
