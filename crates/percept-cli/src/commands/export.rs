//! `percept export`: a model as a file for other tools.

use crate::args::{ExportArgs, Global};
use crate::failure::Failure;
use crate::model::open;
use crate::output::{deliver, refuse_existing, refuse_screen, writable};

/// What of a file's metadata goes with it: whose it is, and what may be done with it.
const KEPT: [&str; 6] = ["title", "licence", "license", "copyright", "author", "origin"];

/// Runs the command.
pub fn run(global: &Global, args: &ExportArgs) -> Result<(), Failure> {
    let ExportArgs { path, output, half, force, model } = args;
    refuse_screen(output, "an ONNX file")?;
    refuse_existing(output, *force)?;
    writable(output)?;
    let opened = open(global, path, model)?;
    opened.say_notes();
    let kept = |(key, _): &&(String, String)| KEPT.contains(&key.as_str());
    let about: Vec<_> = opened.metadata.iter().filter(kept).cloned().collect();
    deliver(output, &opened.model.to_onnx(*half, &about).map_err(Failure::work)?)
}
