//! `percept experiment`: many trainings that one file describes, and what they show.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use percept_image::list_photos;
use percept_judge::Panel;
use percept_judge::experiment::{Evidence, ExperimentError, Plan};
use percept_run::config::PlannedRun;
use percept_run::{Experiment, Standing};
use percept_train::data::{Side, open_source};
use percept_train::{Outcome, Trainer};

use crate::args::{ExperimentArgs, Global};
use crate::failure::Failure;
use crate::output::{print, table};
use crate::progress::Progress;
use crate::screen::say;
use crate::{bundle, interrupt, training};

/// Held by the process that judges.
const LOCK: &str = ".lock";

/// Runs the command.
pub fn run(global: &Global, args: &ExperimentArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let experiment = Experiment::load(&args.file).map_err(Failure::call)?;
    let plan = experiment.plan(&args.out);
    if args.list {
        return print(&list(&plan));
    }
    let stop = interrupt::listen("finishing this step and saving")?;
    if !args.judge_only {
        check(global, &experiment, &plan)?;
        train(global, &plan, stop)?;
        if interrupt::asked(stop) {
            let out = args.out.display();
            return Err(Failure::work(format!(
                "stopped, everything is saved; the same command goes on (in {out})"
            )));
        }
    }
    // The one that comes last finds all scores there.
    let _alone = locked(&args.out)?;
    judge(global, args, experiment, stop)
}

/// Trains all runs, and waits for those that other processes work on.
fn train(global: &Global, plan: &[PlannedRun], stop: &AtomicBool) -> Result<(), Failure> {
    let mut waited = None;
    loop {
        let Work { done, waits } = work(global, plan, stop)?;
        let Some(name) = waits.filter(|_| !interrupt::asked(stop)) else { return Ok(()) };
        if done == 0 {
            if waited.as_ref() != Some(&name) {
                say(&format!("{name}: another process works on it; waiting for it"));
                waited = Some(name);
            }
            std::thread::sleep(Duration::from_secs(2));
        }
    }
}

/// The folder, for this process alone; nothing where there is none.
fn locked(out: &Path) -> Result<Option<File>, Failure> {
    if !out.is_dir() {
        return Ok(None);
    }
    let path = out.join(LOCK);
    let lock = || {
        let file = File::options().create(true).append(true).open(&path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    };
    let failed = |error| Failure::work(format!("{}: cannot be locked: {error}", path.display()));
    lock().map(Some).map_err(failed)
}

/// What a walk through the plan came to.
struct Work {
    /// Runs that were trained.
    done: usize,
    /// One that another process works on, or whose start it does.
    waits: Option<String>,
}

/// Trains every run that is not finished and that no other process works on, one after the other. Several processes may work
/// on one plan: a run belongs to who locks its folder, and that lock ends with the process.
fn work(global: &Global, plan: &[PlannedRun], stop: &AtomicBool) -> Result<Work, Failure> {
    let mut work = Work { done: 0, waits: None };
    let unfinished = |run: &&PlannedRun| Standing::of(&run.config) != Standing::Finished;
    for (at, run) in plan.iter().enumerate() {
        if !unfinished(&run) || interrupt::asked(stop) {
            continue;
        }
        let start = plan.iter().find(|other| other.seed == run.seed && other.variant.is_none());
        let begins = run.variant.is_none() || start.is_none_or(|start| !unfinished(&start));
        let trainer = if begins { training::claimed(global, run.config.clone())? } else { None };
        let Some(trainer) = trainer else {
            work.waits.get_or_insert_with(|| name(run));
            continue;
        };
        if !unfinished(&run) {
            // It was finished while this process waited for its folder.
            continue;
        }
        let label = format!("{}/{} {}", at + 1, plan.len(), name(run));
        if let Outcome::Finished = training::train(trainer, &label, stop)? {
            work.done += 1;
        }
    }
    Ok(work)
}

/// Scores, tables, page and picture of all runs that are finished.
fn judge(
    global: &Global,
    args: &ExperimentArgs,
    experiment: Experiment,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let (device, store) = (global.device()?, bundle::store(global.weights.as_deref())?);
    let command = format!("percept experiment {} --out {}", args.file.display(), args.out.display());
    let plan = Plan { experiment, command, out: args.out.clone(), pictures: args.pictures.clone() };
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
        for root in config.datasets.train.all_roots() {
            open_source(&root, Side::Gt).map_err(|error| wrong(error.to_string()))?;
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
