//! `percept experiment`: many trainings that one file describes, and what they show.

use percept_image::list_photos;
use percept_judge::Panel;
use percept_judge::experiment::{Evidence, ExperimentError, Plan};
use percept_run::config::PlannedRun;
use percept_run::{Experiment, Standing};
use percept_train::{Outcome, Resume, Trainer};

use crate::args::{ExperimentArgs, Global};
use crate::failure::Failure;
use crate::output::{print, table};
use crate::progress::Progress;
use crate::screen::say;
use crate::{bundle, interrupt, training};

/// Runs the command.
pub fn run(global: &Global, args: &ExperimentArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let experiment = Experiment::load(&args.file).map_err(Failure::call)?;
    let plan = experiment.plan(&args.out);
    if args.list {
        return print(&list(&plan));
    }
    let stop = interrupt::listen("finishing this step and saving")?;
    let stopped = || {
        let out = args.out.display();
        Failure::work(format!("stopped, everything is saved; the same command goes on (in {out})"))
    };
    if !args.judge_only {
        check(global, &experiment, &plan)?;
    }
    for (at, run) in plan.iter().enumerate().filter(|_| !args.judge_only) {
        if Standing::of(&run.config) == Standing::Finished {
            continue;
        }
        if interrupt::asked(stop) {
            return Err(stopped());
        }
        let label = format!("{}/{} {}", at + 1, plan.len(), name(run));
        let trainer = training::trainer(global, run.config.clone(), Some(Resume::default()))?;
        if let Outcome::Stopped { .. } = training::train(trainer, &label, stop)? {
            return Err(stopped());
        }
    }
    judge(global, args, experiment, stop)
}

/// Scores, tables, page and picture of all runs that are finished.
fn judge(
    global: &Global,
    args: &ExperimentArgs,
    experiment: Experiment,
    stop: &std::sync::atomic::AtomicBool,
) -> Result<(), Failure> {
    let (device, store) = (global.device()?, bundle::store(global.weights.as_deref())?);
    let command = format!("percept experiment {} --out {}", args.file.display(), args.out.display());
    let plan = Plan { experiment, command, out: args.out.clone() };
    let mut progress: Option<Progress> = None;
    let evidence = Evidence::judge(plan, &store, &device, &mut |done, all| {
        progress.get_or_insert_with(|| Progress::new("judge", all, 0)).set(done, "");
        !interrupt::asked(stop)
    });
    progress.into_iter().for_each(Progress::finish);
    let evidence = evidence.map_err(|error| match error {
        ExperimentError::NoPhotos { .. } | ExperimentError::Panel(_) | ExperimentError::Read(_) => {
            Failure::call(error)
        }
        error => Failure::work(error),
    })?;
    for skipped in &evidence.skipped {
        say(&format!("warning: {skipped}"));
    }
    if !evidence.unfinished.is_empty() {
        say(&format!("warning: not trained to the end, and left out: {}", evidence.unfinished.join(", ")));
    }
    print(&args.out.join("README.md").display().to_string())
}

/// `seed-0 across`.
fn name(run: &PlannedRun) -> String {
    format!("seed-{} {}", run.seed, run.config.name)
}

/// What is wrong with any of the runs is found before the first step of the first one.
fn check(global: &Global, experiment: &Experiment, plan: &[PlannedRun]) -> Result<(), Failure> {
    let store = bundle::store(global.weights.as_deref())?;
    Panel::of_photos(&experiment.metrics, 0, &store, &global.device()?).map_err(Failure::call)?;
    for folder in &experiment.test {
        if list_photos(folder).map_err(Failure::call)?.is_empty() {
            return Err(Failure::call(format!(
                "{}: no photo in this folder of `test`; name another",
                folder.display()
            )));
        }
    }
    let first = plan.first().map(|run| run.seed);
    for run in plan {
        if Standing::of(&run.config) != Standing::New {
            training::unchanged(&run.config.run_dir(), &run.config, None)?;
        }
        // Seeds change nothing that could be wrong.
        if Some(run.seed) != first {
            continue;
        }
        let wrong = |error: String| Failure::call(format!("{}: {error}", run.config.name));
        let mut config = run.config.clone();
        if let Some(device) = &global.device {
            config.device.clone_from(device);
        }
        Trainer::check(&config, &store).map_err(|error| wrong(error.to_string()))?;
        let folder = &config.datasets.train.dataroot_gt;
        if list_photos(folder).map_err(|error| wrong(error.to_string()))?.is_empty() {
            return Err(wrong(format!("{}: no photo in this folder; name another", folder.display())));
        }
    }
    Ok(())
}

/// A row for every run.
fn list(plan: &[PlannedRun]) -> String {
    let row = |run: &PlannedRun| {
        let standing = match Standing::of(&run.config) {
            Standing::New => "to do".to_string(),
            Standing::Begun(iter) => format!("step {iter}"),
            Standing::Finished => "done".to_string(),
        };
        vec![name(run), standing, run.config.train.total_iter.to_string()]
    };
    table(&["run", "state", "steps"], &plan.iter().map(row).collect::<Vec<_>>(), 2)
}
