//! `percept apply`: a trained network on pictures, everything else about them kept.

mod job;
mod named;
mod plan;
mod video;

use std::path::{Path, PathBuf};

use percept_conv::Precision;
use percept_image::photo_size;
use percept_nn::apply::Treatment;
use percept_nn::model::{Ensemble, Model, Tiling};

use crate::args::{ApplyArgs, Global, MatrixName};
use crate::failure::Failure;
use crate::interrupt;
use crate::model::open;
use crate::output::is_stream;
use crate::progress::Progress;
use crate::screen::say;

use job::Job;
use plan::{Plan, plan};

/// How many names a message holds.
const NAMED: usize = 8;

/// Runs the command.
pub fn run(global: &Global, args: ApplyArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    if args.video.matrix.is_some() && !args.video.y4m {
        return Err(Failure::call("--matrix is for video; add --y4m, or leave it out"));
    }
    let args = &named::with_model(args)?;
    if args.video.y4m {
        let model = model(global, args)?;
        return video::run(&treatment(&model, args), args.video.matrix.map(MatrixName::matrix));
    }
    // What is wrong with the call shows before a model is read, unless names hold its scale.
    let early = args.output.as_ref().map(|_| plan(args, 1.0)).transpose()?;
    let model = model(global, args)?;
    let times = args.results.outscale;
    let Plan { jobs, left_out } =
        early.map_or_else(|| plan(args, times.unwrap_or(model.card().scale as f64)), Ok)?;
    all(&jobs, &left_out, &treatment(&model, args), args.force)
}

/// What the call asks for.
fn treatment<'a>(model: &'a Model, args: &ApplyArgs) -> Treatment<'a> {
    Treatment {
        model,
        tiling: Tiling { size: args.tile, overlap: args.overlap },
        ensemble: if args.results.tta { Ensemble::Eight } else { Ensemble::One },
        times: args.results.outscale,
        strip: args.results.strip,
    }
}

/// Does one picture after the other. One that fails stops no other.
fn all(jobs: &[Job], left_out: &[PathBuf], how: &Treatment<'_>, force: bool) -> Result<(), Failure> {
    let first =
        jobs.iter().filter_map(|job| job.output.parent()).find(|folder| !folder.as_os_str().is_empty());
    first.map_or(Ok(()), job::make)?;
    let stop = interrupt::listen("finishing this picture")?;
    let works: Vec<_> = jobs.iter().map(|job| work(&job.input)).collect();
    let mut progress = Progress::of_work("apply", works.iter().sum());
    let single = matches!((jobs, left_out), ([_], []));
    let mut failed: Vec<_> = left_out.iter().collect();
    let (mut done, mut before) = (0, 0);
    while done < jobs.len() && !interrupt::asked(stop) {
        let job = &jobs[done];
        let note = match single {
            true => job.input.display().to_string(),
            false => format!("{} of {}: {}", done + 1, jobs.len(), job.input.display()),
        };
        let step = |rows: usize, of: usize| {
            let share = works[done] as f64 * rows as f64 / of.max(1) as f64;
            progress.set(before + share as usize, &note);
        };
        match job.done(how, force, step) {
            Err(failure) if single => {
                progress.finish();
                return Err(failure);
            }
            Err(failure) => {
                say(&format!("left out: {}", failure.line()));
                failed.push(&job.input);
            }
            Ok(()) => {}
        }
        before += works[done];
        done += 1;
        progress.set(before, &note);
    }
    progress.finish();
    let open = jobs[done..].iter().map(|job| &job.input);
    match (failed.len(), left_out.len() + jobs.len()) {
        (0, _) if done == jobs.len() => Ok(()),
        (n, all) if n == all => Err(Failure::work(format!(
            "none of {all} pictures could be done ({}); the reasons are above",
            names(failed.into_iter())
        ))),
        (n, all) if done == jobs.len() => Err(Failure::work(format!(
            "{n} of {all} pictures could not be done ({}), the others are; the reasons are above, call again with those once they are mended",
            names(failed.into_iter())
        ))),
        (n, all) => Err(Failure::work(format!(
            "stopped: {} of {all} pictures are done, these are not: {}; call again with those",
            left_out.len() + done - n,
            names(failed.into_iter().chain(open))
        ))),
    }
}

/// How much work a picture is: its pixels, as far as its file says how many.
fn work(picture: &Path) -> usize {
    let stated = if is_stream(picture) { None } else { photo_size(picture) };
    stated.map_or(1_000_000, |(width, height)| (width as usize).saturating_mul(height as usize).max(1))
}

/// The pictures, as many as a message can hold.
fn names<'a>(pictures: impl Iterator<Item = &'a PathBuf>) -> String {
    let names: Vec<_> = pictures.map(|path| path.display().to_string()).collect();
    let more = names.len().saturating_sub(NAMED);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The model with products of `precision`, which is said where there are none.
fn in_precision(global: &Global, model: Model, precision: Precision) -> Result<Model, Failure> {
    let lacking = precision.lacking(&global.device()?);
    lacking.into_iter().for_each(|why| say(&format!("--precision: {why}")));
    match precision {
        Precision::F32 => Ok(model),
        _ => model.in_precision(precision).map_err(Failure::work),
    }
}

/// The model, which must be one for photos.
fn model(global: &Global, args: &ApplyArgs) -> Result<Model, Failure> {
    let opened = open(global, &args.model, &args.asked)?;
    opened.say_notes();
    match opened.model.card().image_channels() {
        3 => in_precision(global, opened.model, args.precision),
        _ => Err(Failure::call(format!(
            "{}: this network reads a camera's RAW, and `apply` takes photos; use a network for photos",
            opened.file.display()
        ))),
    }
}
