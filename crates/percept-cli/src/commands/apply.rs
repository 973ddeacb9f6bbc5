//! `percept apply`: a trained network on pictures, everything else about them kept.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use percept_image::resize::imresize;
use percept_image::{Depth, Image, Luma, Photo, list_photos, read_photo, write_photo};
use percept_nn::model::{Model, Tiling};

use crate::args::{ApplyArgs, Global};
use crate::failure::Failure;
use crate::interrupt;
use crate::output::print;
use crate::progress::Progress;
use crate::screen::say;

/// How many names a message holds.
const NAMED: usize = 8;

/// Runs the command.
pub fn run(global: &Global, args: &ApplyArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let jobs = jobs(args)?;
    let model = model(global, args)?;
    let folder =
        jobs.iter().filter_map(|job| job.output.parent()).find(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::work(format!(
                "{}: cannot be made: {error}; choose another folder as -o",
                folder.display()
            ))
        })?;
    }
    let stop = interrupt::listen("finishing this picture")?;
    let tiling = Tiling { size: args.tile, overlap: args.overlap };
    let mut progress = Progress::new("apply", jobs.len(), 0);
    let mut failed = Vec::new();
    let mut done = 0;
    while done < jobs.len() && !interrupt::asked(stop) {
        let job = &jobs[done];
        match job.done(&model, tiling, args.force) {
            Ok(output) => print(&output.display().to_string())?,
            Err(failure) => {
                say(&format!("left out: {}", failure.line()));
                failed.push(job);
            }
        }
        done += 1;
        progress.set(done, &job.input.display().to_string());
    }
    progress.finish();
    match (failed.len(), jobs.len()) {
        (0, all) if done == all => Ok(()),
        (n, all) if done == all => Err(Failure::work(format!(
            "{n} of {all} pictures could not be done ({}), the others are; the reasons are above, call again with those once they are mended",
            names(failed.into_iter())
        ))),
        (n, all) => Err(Failure::work(format!(
            "stopped: {} of {all} pictures are done, these are not: {}; call again with those",
            done - n,
            names(failed.into_iter().chain(&jobs[done..]))
        ))),
    }
}

/// Their inputs, as many as a message can hold.
fn names<'a>(jobs: impl Iterator<Item = &'a Job>) -> String {
    let names: Vec<_> = jobs.map(|job| job.input.display().to_string()).collect();
    let more = names.len().saturating_sub(NAMED);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The model, by its card or, where it has none, by what the call says.
fn model(global: &Global, args: &ApplyArgs) -> Result<Model, Failure> {
    let (file, device) = (model_file(&args.model)?, global.device()?);
    let model = match args.network {
        Some(network) => Model::import(&file, &network.config(), args.scale, &device),
        None => Model::load(&file, &device),
    };
    let model = model.map_err(Failure::work)?;
    match model.card().in_channels {
        3 => Ok(model),
        _ => Err(Failure::call(format!(
            "{}: this network reads a camera's RAW, and `apply` takes photos; use a network for photos",
            file.display()
        ))),
    }
}

/// The file itself, or the model of a run's folder.
fn model_file(path: &Path) -> Result<PathBuf, Failure> {
    let file = if path.is_dir() { path.join("model.safetensors") } else { path.to_path_buf() };
    if file.is_file() {
        return Ok(file);
    }
    Err(Failure::call(format!(
        "{}: no such model; give a model.safetensors or the folder of a run that has one",
        file.display()
    )))
}

/// A picture and where its result goes.
struct Job {
    input: PathBuf,
    output: PathBuf,
    /// Whether the call names the result's file, so that its format is the user's choice.
    named: bool,
}

/// Every picture with its result; refuses what would overwrite something.
fn jobs(args: &ApplyArgs) -> Result<Vec<Job>, Failure> {
    let out = &args.output;
    let inputs = inputs(args)?;
    // `-o result.png` is a file where one picture goes in, `-o results` a folder.
    let is_file = out.is_file() || (!out.is_dir() && writable(out).is_some());
    let named = is_file && matches!(&args.inputs[..], [input] if input.is_file());
    if is_file && !named {
        return Err(Failure::call(format!(
            "{}: is a file's name, and the results of {} pictures need a folder; name one as -o",
            out.display(),
            inputs.len()
        )));
    }
    let mut taken = HashSet::new();
    let mut jobs = Vec::new();
    for input in inputs {
        let output = match (named, writable(&input), input.file_name()) {
            (true, ..) => out.clone(),
            (_, Some(_), Some(name)) => out.join(name),
            (_, _, name) => out.join(name.unwrap_or_default()).with_extension("png"),
        };
        if !taken.insert(output.clone()) {
            return Err(Failure::call(format!(
                "two results would be called {}; run them one after the other with an -o of their own",
                output.display()
            )));
        }
        refuse_existing(&output, args.force)?;
        jobs.push(Job { input, output, named });
    }
    Ok(jobs)
}

/// The files that the call names, and those of its folders.
fn inputs(args: &ApplyArgs) -> Result<Vec<PathBuf>, Failure> {
    let mut inputs = Vec::new();
    for input in &args.inputs {
        if input.is_dir() {
            inputs.extend(list_photos(input).map_err(Failure::call)?);
        } else if input.exists() {
            inputs.push(input.clone());
        } else {
            return Err(Failure::call(format!(
                "{}: no such file or folder; check the path",
                input.display()
            )));
        }
    }
    match inputs.is_empty() {
        false => Ok(inputs),
        true => Err(Failure::call(
            "there are no pictures in what was given; name files or folders that hold some",
        )),
    }
}

fn refuse_existing(output: &Path, force: bool) -> Result<(), Failure> {
    if force || !output.exists() {
        return Ok(());
    }
    Err(Failure::call(format!(
        "{}: exists already; pass --force to replace it, or another name as -o",
        output.display()
    )))
}

/// What a format keeps of a photo beside 8-bit colours.
struct Format {
    alpha: bool,
    sixteen: bool,
    icc: bool,
}

/// The format that a file of this name is written in.
fn writable(path: &Path) -> Option<Format> {
    let (alpha, sixteen, icc) = match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "png" | "tif" | "tiff" => (true, true, true),
        "webp" => (true, false, true),
        "jpg" | "jpeg" => (false, false, true),
        "bmp" => (true, false, false),
        "ppm" | "pgm" | "pnm" => (false, true, false),
        _ => return None,
    };
    Some(Format { alpha, sixteen, icc })
}

impl Format {
    fn holds(&self, photo: &Photo) -> bool {
        (self.alpha || photo.alpha.is_none())
            && (self.sixteen || photo.depth == Depth::Eight)
            && (self.icc || photo.icc.is_none())
    }
}

impl Job {
    /// Does it, and says where the result is: in a PNG where the input's format cannot hold all of it.
    fn done(&self, model: &Model, tiling: Tiling, force: bool) -> Result<PathBuf, Failure> {
        let photo = read_photo(&self.input).map_err(Failure::work)?;
        let mut output = self.output.clone();
        if !self.named && !writable(&output).is_some_and(|format| format.holds(&photo)) {
            output.set_extension("png");
            refuse_existing(&output, force)?;
        }
        let photo = restored(model, tiling, photo)
            .map_err(|error| Failure::work(format!("{}: {}", self.input.display(), error.line())))?;
        write_photo(&output, &photo).map_err(Failure::work)?;
        Ok(output)
    }
}

/// The picture as the network makes it, with everything else that the file holds.
fn restored(model: &Model, tiling: Tiling, photo: Photo) -> Result<Photo, Failure> {
    let pixels = model.restore(&photo.bled(), tiling).map_err(Failure::work)?;
    let (from, to) = (photo.pixels.size(), pixels.size());
    let alpha = match photo.alpha {
        Some(alpha) if from != to => {
            let plane = Image::<Luma>::from_vec(from.0, from.1, alpha).map_err(Failure::work)?;
            Some(imresize(&plane, to.0, to.1).map(|v| v.clamp(0.0, 1.0)).into_vec())
        }
        alpha => alpha,
    };
    Ok(Photo { pixels, alpha, ..photo })
}
