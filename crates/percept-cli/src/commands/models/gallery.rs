//! `percept models gallery`: a page with what every model makes of the bundled photos.

use std::path::Path;

use percept_image::{Image, Srgb, decode_photo, photo_name, write_atomic};
use percept_judge::bench::Spoiling;
use percept_judge::gallery::{Scene, Shot, Table, page};
use percept_nn::model::{Model, Tiling};

use super::measured::Measured;
use crate::args::{GalleryArgs, Global, ModelArgs};
use crate::bundle::{MODELS, VAL_PHOTOS};
use crate::failure::Failure;
use crate::model::open;
use crate::opener;
use crate::output::print;
use crate::progress::Progress;

/// What is shown: a title, how photos are spoiled, and the models that undo it, as far as they are inside.
const SCENES: [(&str, Spoiling, &[&str]); 5] = [
    ("Photos that were only shrunk", Spoiling::Bicubic(4), &["classic-x4-psnr", "classic-x4"]),
    ("Photos as they are", Spoiling::Worn(4), &["photo-x4-mild", "photo-x4"]),
    ("Noise", Spoiling::Noise(25), &["denoise"]),
    ("JPEG", Spoiling::Jpeg(20), &["jpeg"]),
    ("Dark photos", Spoiling::Dark(4), &["lowlight"]),
];
/// Whose the photos are.
const CREDITS: &str = include_str!("../../../../../assets/photos/LICENSES.md");

/// Runs the command.
pub fn run(global: &Global, args: &GalleryArgs) -> Result<(), Failure> {
    if VAL_PHOTOS.is_empty() || MODELS.is_empty() {
        return Err(Failure::call(
            "this build carries no models and photos; build it with the feature `bundled`",
        ));
    }
    let photos = VAL_PHOTOS
        .iter()
        .map(|asset| decode_photo(asset.name, asset.bytes).map(|photo| (asset.name, photo.pixels)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::work)?;
    let scenes: Vec<_> = SCENES
        .iter()
        .filter_map(|(title, spoiling, names)| {
            let names: Vec<_> =
                names.iter().copied().filter(|name| MODELS.iter().any(|model| model.name == *name)).collect();
            (!names.is_empty()).then_some((*title, *spoiling, names))
        })
        .collect();
    let mut progress = Progress::new("gallery", scenes.len() * photos.len(), 0);
    let mut made = Vec::new();
    for (title, spoiling, names) in scenes {
        let models = names
            .iter()
            .map(|name| open(global, Path::new(name), &ModelArgs::default()).map(|opened| opened.model));
        let models = models.collect::<Result<Vec<Model>, Failure>>()?;
        let mut scene = Scene {
            title: title.to_string(),
            about: format!("Input: {}.", spoiling.protocol()),
            models: names.iter().map(ToString::to_string).collect(),
            shots: Vec::new(),
        };
        for (at, (name, photo)) in photos.iter().enumerate() {
            scene.shots.extend(shot(name, photo, at, spoiling, &models)?);
            progress.set(made.len() * photos.len() + at + 1, name);
        }
        made.push(scene);
    }
    progress.finish();
    let html = page("Models", &made, &tables(&Measured::bundled()));
    write_atomic(&args.output, html.as_bytes()).map_err(|error| {
        Failure::work(format!(
            "{}: cannot be written: {error}; choose another place as -o",
            args.output.display()
        ))
    })?;
    print(&args.output.display().to_string())?;
    if args.open {
        opener::open(&args.output);
    }
    Ok(())
}

/// A photo in all its versions.
fn shot(
    name: &str,
    photo: &Image<Srgb>,
    at: usize,
    spoiling: Spoiling,
    models: &[Model],
) -> Result<Option<Shot>, Failure> {
    let target = spoiling.target(photo);
    let Some(input) = spoiling.input(&target, None, at) else { return Ok(None) };
    let results = models.iter().map(|model| model.restore(&input, Tiling::default()));
    let results = results.collect::<Result<Vec<_>, _>>().map_err(Failure::work)?;
    let input = spoiling.shown(&input, target.size());
    Ok(Some(Shot { name: photo_name(name), credit: credit(name), input, results, target }))
}

/// Author and licence of a bundled photo.
fn credit(name: &str) -> String {
    let start = format!("| `val/{name}` |");
    let row = CREDITS.lines().find_map(|line| line.strip_prefix(&start));
    let cells: Vec<_> = row.unwrap_or_default().split('|').map(str::trim).collect();
    match cells[..] {
        [author, _, licence, ..] => format!("{author}; {licence}"),
        _ => String::new(),
    }
}

/// What was measured, as tables.
fn tables(measured: &Measured) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let metrics = ["psnr-y", "ssim-y", "lpips-alex", "dists", "grid"];
    for rows in measured.scores.chunk_by(|a, b| (&a.set, &a.spoiling) == (&b.set, &b.spoiling)) {
        let Some(first) = rows.first() else { continue };
        let cell = |value: Option<&f64>, name: &str| match value {
            Some(value) if name.starts_with("psnr") => format!("{value:.2}"),
            Some(value) => format!("{value:.3}"),
            None => "–".to_string(),
        };
        let row = |row: &percept_judge::bench::Row| {
            let scores = metrics.map(|name| cell(row.scores.get(name), name));
            [row.model.clone()].into_iter().chain(scores).collect()
        };
        tables.push(Table {
            title: format!("{}, {}", first.set, first.spoiling),
            header: ["model"].into_iter().chain(metrics).map(String::from).collect(),
            rows: rows.iter().map(row).collect(),
            note: format!(
                "{} photos. Input: {}. More is better in PSNR and SSIM, less in the others.",
                first.photos,
                first.protocol.get("input").map_or("", String::as_str)
            ),
        });
    }
    if let Some(first) = measured.time.first() {
        let row = |time: &super::measured::Time| {
            vec![
                time.model.clone(),
                format!("{}×{}", time.width, time.height),
                format!("{:.1} s", time.seconds),
                time.megabytes.map_or_else(|| "–".to_string(), |megabytes| format!("{megabytes:.0} MB")),
            ]
        };
        tables.push(Table {
            title: "Time and memory".to_string(),
            header: ["model", "photo", "time", "most memory"].map(String::from).to_vec(),
            rows: measured.time.iter().map(row).collect(),
            note: format!(
                "percept apply, from file to file, {} threads of {}.",
                first.threads, first.processor
            ),
        });
    }
    tables
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_photo_has_its_credit() {
        for photo in super::VAL_PHOTOS {
            assert!(super::credit(photo.name).contains(';'), "{}", photo.name);
        }
    }
}
