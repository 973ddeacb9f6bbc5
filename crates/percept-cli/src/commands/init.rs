//! `percept init` and `percept schema`: what a config may hold.

use percept_image::write_atomic;
use percept_run::{Config, Task};

use crate::args::InitArgs;
use crate::failure::Failure;
use crate::output::print;

/// Writes a commented config.
pub fn run(args: &InitArgs) -> Result<(), Failure> {
    let Some(task) = Task::from_name(&args.task) else {
        let known: Vec<_> = Task::ALL.iter().map(|task| task.name()).collect();
        return Err(Failure::call(format!("no task `{}`; the tasks are {}", args.task, known.join(", "))));
    };
    let text = Config::template(task).map_err(Failure::work)?;
    let Some(path) = &args.output else { return print(&text) };
    if path.exists() && !args.force {
        return Err(Failure::call(format!(
            "{}: exists already; pass --force to replace it, or another name as -o",
            path.display()
        )));
    }
    write_atomic(path, text.as_bytes()).map_err(|error| {
        Failure::work(format!("{}: cannot be written: {error}; choose another name as -o", path.display()))
    })?;
    print(&path.display().to_string())
}

/// Prints the JSON Schema.
pub fn schema() -> Result<(), Failure> {
    print(&format!("{:#}", Config::schema()))
}
