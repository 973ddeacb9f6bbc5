//! `percept apply`: a trained network on pictures, everything else about them kept.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use percept_image::resize::imresize;
use percept_image::{Image, Luma, Photo, list_photos, read_photo, write_photo};
use percept_nn::model::{Model, Tiling};

use crate::args::{ApplyArgs, Global};
use crate::failure::Failure;
use crate::interrupt;
use crate::output::print;
use crate::progress::Progress;
use crate::screen::say;

/// Runs the command.
pub fn run(global: &Global, args: &ApplyArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let jobs = jobs(args)?;
    let model = model(global, args)?;
    std::fs::create_dir_all(&args.output).map_err(|error| {
        Failure::work(format!("{}: cannot be made: {error}; choose another folder", args.output.display()))
    })?;
    let tiling = Tiling { size: args.tile, overlap: args.overlap };
    let stop = interrupt::listen("finishing this picture")?;
    let mut progress = Progress::new("apply", jobs.len(), 0);
    let mut failed = 0;
    for (done, (input, output)) in jobs.iter().enumerate() {
        if interrupt::asked(stop) {
            progress.finish();
            return Err(Failure::work(format!("stopped after {done} of {} pictures", jobs.len())));
        }
        match restored(&model, tiling, input)
            .and_then(|photo| write_photo(output, &photo).map_err(Failure::work))
        {
            Ok(()) => print(&output.display().to_string())?,
            Err(failure) => {
                failed += 1;
                say(&format!("left out: {}", failure.line()));
            }
        }
        progress.set(done + 1, "");
    }
    progress.finish();
    match failed {
        0 => Ok(()),
        n => Err(Failure::work(format!(
            "{n} of {} pictures could not be done; they are named above",
            jobs.len()
        ))),
    }
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
            "{}: this network reads a camera's RAW; `apply` takes photos, so use a network for photos",
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

/// Every input with its output; refuses what would overwrite something.
fn jobs(args: &ApplyArgs) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
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
    if inputs.is_empty() {
        return Err(Failure::call(
            "there are no pictures in what was given; name files or folders that hold some",
        ));
    }
    let mut taken = HashSet::new();
    let mut jobs = Vec::new();
    for input in inputs {
        let name = input.file_name().map(PathBuf::from).unwrap_or_default();
        let output = args.output.join(name);
        if !taken.insert(output.clone()) {
            return Err(Failure::call(format!(
                "two inputs are called {}; run them one after the other with an -o of their own",
                output.file_name().unwrap_or_default().display()
            )));
        }
        if output.exists() && !args.force {
            return Err(Failure::call(format!(
                "{}: exists already; pass --force to replace it, or another folder as -o",
                output.display()
            )));
        }
        jobs.push((input, output));
    }
    Ok(jobs)
}

/// The picture as the network makes it, with everything else that the file holds.
fn restored(model: &Model, tiling: Tiling, path: &Path) -> Result<Photo, Failure> {
    let photo = read_photo(path).map_err(Failure::work)?;
    let pixels = model
        .restore(&photo.pixels, tiling)
        .map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
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
