//! `percept apply`: a trained network on pictures, everything else about them kept.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use percept_image::resize::imresize;
use percept_image::{
    Capacity, Depth, Image, Luma, Photo, Reason, encode_photo, list_folder, photo_name, photo_size,
    read_photo, write_photo,
};
use percept_nn::model::{Model, Tiling};

use crate::args::{ApplyArgs, Global};
use crate::failure::Failure;
use crate::model::open;
use crate::output::{announce, counted, deliver, is_stream, name_left_out, refuse_existing, refuse_screen};
use crate::progress::Progress;
use crate::screen::say;
use crate::{interrupt, memory};

/// How many names a message holds.
const NAMED: usize = 8;

/// Runs the command.
pub fn run(global: &Global, args: &ApplyArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let Plan { jobs, left_out } = plan(args)?;
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
    if let ([job], []) = (&jobs[..], &left_out[..]) {
        return job.done(&model, tiling, args.force);
    }
    let mut progress = Progress::new("apply", jobs.len(), 0);
    let mut failed: Vec<_> = left_out.iter().collect();
    let mut done = 0;
    while done < jobs.len() && !interrupt::asked(stop) {
        let job = &jobs[done];
        if let Err(failure) = job.done(&model, tiling, args.force) {
            say(&format!("left out: {}", failure.line()));
            failed.push(&job.input);
        }
        done += 1;
        progress.set(done, &job.input.display().to_string());
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

/// The pictures, as many as a message can hold.
fn names<'a>(pictures: impl Iterator<Item = &'a PathBuf>) -> String {
    let names: Vec<_> = pictures.map(|path| path.display().to_string()).collect();
    let more = names.len().saturating_sub(NAMED);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The model, which must be one for photos.
fn model(global: &Global, args: &ApplyArgs) -> Result<Model, Failure> {
    let opened = open(global, &args.model, &args.asked)?;
    opened.say_notes();
    match opened.model.card().in_channels {
        3 => Ok(opened.model),
        _ => Err(Failure::call(format!(
            "{}: this network reads a camera's RAW, and `apply` takes photos; use a network for photos",
            opened.file.display()
        ))),
    }
}

/// What there is to do.
struct Plan {
    jobs: Vec<Job>,
    /// Pictures of the folders that cannot be read, all of them named.
    left_out: Vec<PathBuf>,
}

/// A picture and where its result goes.
struct Job {
    input: PathBuf,
    /// As the call or the input has it; a result that this format cannot hold becomes a PNG beside it.
    output: PathBuf,
    /// Whether the call names the result's file, so that its format is the user's choice.
    named: bool,
}

/// Every picture with its result; refuses what would overwrite something.
fn plan(args: &ApplyArgs) -> Result<Plan, Failure> {
    let out = &args.output;
    let (inputs, left_out) = inputs(args)?;
    // `-o result.png` is a file where one picture goes in, `-o results` a folder.
    let is_file = is_stream(out) || out.is_file() || (!out.is_dir() && Capacity::of(out).is_some());
    let named = is_file && matches!(&args.inputs[..], [input] if !input.is_dir());
    if is_file && !named {
        return Err(Failure::call(format!(
            "{}: is a file's name, and the results of {} need a folder; name one as -o",
            out.display(),
            counted(inputs.len(), "picture")
        )));
    }
    refuse_screen(out, "a picture")?;
    let job = |input: PathBuf| {
        let name = PathBuf::from(input.file_name().unwrap_or_default());
        let output = match (named, Capacity::of(&input)) {
            (true, _) => out.clone(),
            (false, Some(_)) => out.join(name),
            (false, None) => out.join(name.with_extension("png")),
        };
        Job { input, output, named }
    };
    let jobs: Vec<_> = inputs.into_iter().map(job).collect();
    refuse_clashes(&jobs, args.force)?;
    Ok(Plan { jobs, left_out })
}

/// Refuses results of one name, those that stand for an input, and those that would replace a file without `--force`: before
/// any work, and whatever their format turns out to be.
fn refuse_clashes(jobs: &[Job], force: bool) -> Result<(), Failure> {
    let mut alike: HashMap<String, usize> = HashMap::new();
    jobs.iter().for_each(|job| *alike.entry(key(&job.output.with_extension(""))).or_default() += 1);
    let inputs: HashMap<_, _> =
        jobs.iter().filter_map(|job| Some((job.input.canonicalize().ok()?, &job.input))).collect();
    let mut taken: HashMap<String, &Job> = HashMap::new();
    for job in jobs {
        let fallback = job.output.with_extension("png");
        let may_clash = alike.get(&key(&job.output.with_extension(""))).is_some_and(|count| *count > 1)
            || fallback.exists();
        // Only a look into the picture tells; one that cannot be read is named when its turn comes.
        let output = match !job.named && may_clash && job.output != fallback {
            true => read_photo(&job.input).map_or_else(|_| job.output.clone(), |photo| job.place(&photo)),
            false => job.output.clone(),
        };
        // Where links lead to, if anything is there.
        let place = output.canonicalize().unwrap_or_else(|_| output.clone());
        if let Some(input) = inputs.get(&place) {
            return Err(Failure::call(format!(
                "the result of {} would replace the picture {}; name another folder as -o",
                job.input.display(),
                input.display()
            )));
        }
        if let Some(first) = taken.insert(key(&place), job) {
            return Err(Failure::call(format!(
                "two results would be called {}: those of {} and {}; run them one after the other with an -o of their own",
                output.display(),
                first.input.display(),
                job.input.display()
            )));
        }
        refuse_existing(&output, force)?;
    }
    Ok(())
}

/// Names that are one on some file systems: letters with marks are composed, and case does not count.
fn key(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("{}.{ending}", photo_name(path)).to_lowercase();
    path.with_file_name(name).display().to_string()
}

/// The files that the call names, and those of its folders. What a folder holds beside photos is named; the pictures of it
/// are the second part.
fn inputs(args: &ApplyArgs) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
    let (mut inputs, mut left_out) = (Vec::new(), Vec::new());
    for input in &args.inputs {
        if input.is_dir() {
            let listing = list_folder(input).map_err(Failure::call)?;
            name_left_out(&listing);
            let pictures = listing.left_out.into_iter().filter(|left| left.reason != Reason::Folder);
            left_out.extend(pictures.map(|left| left.path));
            inputs.extend(listing.photos);
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
        false => Ok((inputs, left_out)),
        true => Err(Failure::call(
            "there are no pictures in what was given; name files or folders that hold some",
        )),
    }
}

impl Job {
    /// Does it, and says where the result is: in a PNG where the input's format cannot hold all of it.
    fn done(&self, model: &Model, tiling: Tiling, force: bool) -> Result<(), Failure> {
        let failed = |error: Failure| Failure::work(format!("{}: {}", self.input.display(), error.line()));
        self.fits(model, tiling, None).map_err(failed)?;
        let photo = read_photo(&self.input).map_err(Failure::work)?;
        self.fits(model, tiling, Some(&photo)).map_err(failed)?;
        let output = self.place(&photo);
        if output != self.output {
            refuse_existing(&output, force)?;
        }
        let photo = restored(model, tiling, photo).map_err(failed)?;
        if is_stream(&output) {
            let name = self.format_name(&photo);
            return deliver(&output, &encode_photo(name, &photo).map_err(Failure::work)?);
        }
        write_photo(&output, &photo).map_err(Failure::work)?;
        announce(&output)
    }

    /// Where the result of `photo` goes.
    fn place(&self, photo: &Photo) -> PathBuf {
        match self.named || Capacity::of(&self.output).is_some_and(|format| format.holds(photo)) {
            true => self.output.clone(),
            false => self.output.with_extension("png"),
        }
    }

    /// A name that says the format of the result: what is written into has none of its own.
    fn format_name(&self, photo: &Photo) -> PathBuf {
        let place = self.place(photo);
        if !is_stream(&place) || Capacity::of(&place).is_some() {
            return place;
        }
        match Capacity::of(&self.input).is_some_and(|format| format.holds(photo)) {
            true => self.input.clone(),
            false => self.input.with_extension("png"),
        }
    }

    /// Refuses a result that its format or this machine cannot hold, before the work: at first by the size that the file
    /// states, then by all that was read of it.
    fn fits(&self, model: &Model, tiling: Tiling, photo: Option<&Photo>) -> Result<(), Failure> {
        // What is no file can be read only once.
        let stated = || if is_stream(&self.input) { None } else { photo_size(&self.input) };
        let stated = || stated().map(|(width, height)| (width as usize, height as usize));
        let Some((width, height)) = photo.map_or_else(stated, |photo| Some(photo.pixels.size())) else {
            return Ok(());
        };
        let side = |side: usize| (side as u64).saturating_mul(model.card().scale as u64);
        let (wide, high) = (side(width), side(height));
        let bytes = match photo {
            Some(Photo { depth: Depth::Sixteen, .. }) => 2,
            _ => 1,
        };
        let channels = 3 + u64::from(photo.is_some_and(|photo| photo.alpha.is_some()));
        let (before, after) = ((width as u64).saturating_mul(height as u64), wide.saturating_mul(high));
        let values = after.saturating_mul(channels);
        if let Some(capacity) = photo.and_then(|photo| Capacity::of(self.format_name(photo)))
            && (wide.max(high) > capacity.side || values.saturating_mul(bytes) > capacity.bytes)
        {
            return Err(Failure::work(format!(
                "the result would have {wide}×{high} pixels, more than {} holds; convert the picture to PNG first, or cut it into parts",
                capacity.format
            )));
        }
        // The picture, twice where its colour is bled; what the network takes; opacity, levels and the file that they become.
        let copies = channels - 2;
        let rest = after.saturating_mul(4 * (channels - 3)).saturating_add(values.saturating_mul(2 * bytes));
        let need =
            model.memory(width, height, tiling).saturating_add(12 * copies * before).saturating_add(rest);
        match memory::available() {
            Some(available) if need > available => Err(Failure::work(format!(
                "the result would have {wide}×{high} pixels and needs about {} of memory, and {} are free; cut the picture into parts",
                gigabytes(need),
                gigabytes(available)
            ))),
            _ => Ok(()),
        }
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
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
