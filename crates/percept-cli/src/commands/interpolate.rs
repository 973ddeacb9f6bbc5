//! `percept interpolate`: a model between two.

use crate::args::{Global, InterpolateArgs, ModelArgs};
use crate::failure::Failure;
use crate::model::open;
use crate::output::print;

/// Runs the command.
pub fn run(global: &Global, args: &InterpolateArgs) -> Result<(), Failure> {
    if !(-1.0..=2.0).contains(&args.alpha) {
        return Err(Failure::call(format!("--alpha must be from -1 to 2; it is {}", args.alpha)));
    }
    if args.output.exists() && !args.force {
        return Err(Failure::call(format!(
            "{}: exists already; pass --force to replace it, or another name as -o",
            args.output.display()
        )));
    }
    let model = |path| open(global, path, &ModelArgs::default());
    let (one, other) = (model(&args.one)?, model(&args.other)?);
    let mixed = one.model.mixed(&other.model, args.alpha).map_err(Failure::call)?;
    mixed.save(&args.output).map_err(Failure::work)?;
    print(&args.output.display().to_string())
}
