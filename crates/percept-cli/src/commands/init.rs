//! `percept init` and `percept schema`: what a config may hold.

use percept_image::write_atomic;
use percept_run::Config;

use crate::args::{InitArgs, SchemaArgs};
use crate::failure::Failure;
use crate::output::print;

/// Writes a commented config.
pub fn run(args: &InitArgs) -> Result<(), Failure> {
    let text = Config::template(args.preset).map_err(Failure::work)?;
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

/// Prints the JSON Schema, or the reference page.
pub fn schema(args: &SchemaArgs) -> Result<(), Failure> {
    print(&if args.markdown { Config::reference() } else { format!("{:#}", Config::schema()) })
}
