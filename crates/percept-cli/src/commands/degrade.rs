//! `percept degrade`: what a network will see, as pictures and one page.

use std::path::{Path, PathBuf};

use percept_image::{Photo, list_folder, photo_name, read_photo, write_photo};
use percept_judge::preview::{self, Sample};
use percept_run::{Config, Lq};
use percept_train::data::{Crops, DataError};

use crate::args::DegradeArgs;
use crate::failure::Failure;
use crate::output::{counted, deliver, name_left_out, refuse_existing};
use crate::progress::Progress;
use crate::screen::say;

/// Runs the command.
pub fn run(args: &DegradeArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config).map_err(Failure::call)?;
    if config.datasets.train.dataroot_lq.is_some() {
        return Err(Failure::call(format!(
            "{}: it trains with pairs, so nothing is degraded; leave out datasets.train.dataroot_lq",
            args.config.display()
        )));
    }
    let crops = Crops::of_config(&config).map_err(Failure::call)?;
    let photos = photos(&args.photos)?;
    let page = args.out.join("index.html");
    refuse_existing(&page, args.force)?;
    std::fs::create_dir_all(&args.out).map_err(|error| {
        let folder = args.out.display();
        Failure::work(format!("{folder}: cannot be made: {error}; choose another folder as -o"))
    })?;
    let (mut samples, mut failed) = (Vec::new(), 0);
    let mut progress = Progress::new("degrade", photos.len(), 0);
    for (at, (name, path)) in photos.iter().enumerate() {
        match samples_of(&crops, name, path, at as u64, args.seed.unwrap_or(config.seed), args.samples) {
            Ok(made) => {
                write(&made, args)?;
                samples.extend(made);
            }
            Err(error) => {
                say(&format!("left out: {error}"));
                failed += 1;
            }
        }
        progress.set(at + 1, name);
    }
    progress.finish();
    if samples.is_empty() {
        return Err(Failure::work("none of the photos could be used; the reasons are above"));
    }
    let title = args.config.file_name().unwrap_or(args.config.as_os_str()).to_string_lossy();
    deliver(&page, preview::page(&title, &facts(&config), &samples).as_bytes())?;
    match failed {
        0 => Ok(()),
        count => Err(Failure::work(format!(
            "{count} of {} photos could not be used, the others are on the page; the reasons are above",
            photos.len()
        ))),
    }
}

/// The photos with names that differ.
fn photos(inputs: &[PathBuf]) -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut paths = Vec::new();
    for input in inputs {
        if input.is_dir() {
            let listing = list_folder(input).map_err(Failure::call)?;
            name_left_out(&listing);
            paths.extend(listing.photos);
        } else {
            paths.push(input.clone());
        }
    }
    if paths.is_empty() {
        return Err(Failure::call("the folders hold no photos; name others"));
    }
    let names: Vec<_> = paths.iter().map(photo_name).collect();
    let named = paths.into_iter().enumerate().map(|(at, path)| {
        let name = names.get(at).cloned().unwrap_or_default();
        let shared = names.iter().filter(|other| **other == name).count() > 1;
        (if shared { format!("{name}-{}", at + 1) } else { name }, path)
    });
    Ok(named.collect())
}

/// The samples of a photo; other photos and other seeds have others.
fn samples_of(
    crops: &Crops,
    name: &str,
    path: &Path,
    at: u64,
    seed: u64,
    count: u32,
) -> Result<Vec<Sample>, DataError> {
    let photo = read_photo(path)?;
    let sample = |number: u32| {
        let made =
            crops.sample_of(&path.display().to_string(), photo.clone(), [seed, at, u64::from(number)])?;
        let (width, height) = made.lq.size();
        let input = match &made.lq {
            Lq::Rgb(image) => image.clone(),
            Lq::Bayer(_) => made.lq.shown(2 * width, 2 * height),
        };
        Ok(Sample { photo: name.to_string(), target: made.gt, input })
    };
    (0..count).map(sample).collect()
}

/// `NAME-1-target.png`, `NAME-1-input.png` and so on.
fn write(samples: &[Sample], args: &DegradeArgs) -> Result<(), Failure> {
    for (sample, number) in samples.iter().zip(1..) {
        for (what, image) in [("target", &sample.target), ("input", &sample.input)] {
            let path = args.out.join(format!("{}-{number}-{what}.png", sample.photo));
            refuse_existing(&path, args.force)?;
            write_photo(&path, &Photo::new(image.clone())).map_err(Failure::work)?;
        }
    }
    Ok(())
}

/// What the page says of the configuration.
fn facts(config: &Config) -> [(&'static str, String); 4] {
    let train = &config.datasets.train;
    let steps = train.degradation.as_ref().map_or(0, Vec::len);
    let degraded = train.recipe.map_or_else(|| counted(steps, "step"), |recipe| recipe.name().to_string());
    let patch = train.patch_size.unwrap_or(train.gt_size);
    [
        ("Task", format!("{}, scale {}", config.task, config.scale)),
        ("Degradation", degraded),
        ("Crop", format!("{0}×{0} pixels", train.gt_size)),
        ("Patch", format!("{patch}×{patch} pixels")),
    ]
}
