//! One distance between all photos of two folders.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use percept_image::{list_folder, read_srgb};
use percept_nn::metric::{FrechetVgg, frechet_distance};

use crate::failure::Failure;
use crate::interrupt;
use crate::output::{counted, name_left_out};
use crate::progress::Progress;
use crate::screen::say;

/// The distance between the photos of `reference` and those of `test`, whatever their names and sizes, unless someone
/// asks to `stop`. Photos that cannot be read are named and left out. The second part is how the command ends.
pub fn between(
    distribution: &FrechetVgg,
    reference: &Path,
    test: &Path,
    stop: &AtomicBool,
) -> Result<(Option<f64>, Result<(), Failure>), Failure> {
    let sides = [listed(reference)?, listed(test)?];
    let count = sides.iter().map(Vec::len).sum();
    let mut progress = Progress::new(FrechetVgg::NAME, count, 0);
    let (mut done, mut skipped) = (0, 0);
    let mut features = [Vec::new(), Vec::new()];
    for (side, features) in sides.iter().zip(&mut features) {
        for path in side {
            if interrupt::asked(stop) {
                progress.finish();
                let what = format!(
                    "stopped: {done} of {} seen; a new call begins with the first photo again",
                    counted(count, "photo")
                );
                return Ok((None, Err(Failure::work(what))));
            }
            match seen(distribution, path) {
                Ok(seen) => features.push(seen),
                Err(fault) => {
                    skipped += 1;
                    say(&format!("skipped {}", fault.line()));
                }
            }
            done += 1;
            progress.set(done, FrechetVgg::NAME);
        }
    }
    progress.finish();
    let [reference, test] = &features;
    let fewest = reference.len().min(test.len());
    let Some(distance) = frechet_distance(reference, test) else {
        let (few, name) = (counted(fewest, "photo"), FrechetVgg::NAME);
        return Ok((
            None,
            Err(Failure::work(format!(
                "{name} needs at least 2 photos on each side, and one has {few}; add some"
            ))),
        ));
    };
    if fewest <= FrechetVgg::DIMENSIONS {
        say(&format!(
            "{}: {} are fewer than its {} dimensions, and it comes out lower than of many: compare only numbers of as many",
            FrechetVgg::NAME,
            counted(fewest, "photo"),
            FrechetVgg::DIMENSIONS
        ));
    }
    let end = match skipped {
        0 => Ok(()),
        _ => Err(Failure::work(format!(
            "{skipped} of {} skipped; replace or remove the files named above",
            counted(count, "photo")
        ))),
    };
    Ok((Some(distance), end))
}

/// The photos of a folder, or the one file.
fn listed(place: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !place.is_dir() && place.exists() {
        return Ok(vec![place.to_path_buf()]);
    }
    let listing = list_folder(place).map_err(Failure::call)?;
    name_left_out(&listing);
    Ok(listing.photos)
}

fn seen(distribution: &FrechetVgg, path: &Path) -> Result<Vec<f64>, Failure> {
    let photo = read_srgb(path).map_err(Failure::work)?;
    distribution.features(&photo).map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}
