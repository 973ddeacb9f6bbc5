//! What is wrong with one photo, and with its pair.

use std::path::PathBuf;

use percept_image::inspect::{Fingerprint, blockiness, displacement, is_grey};
use percept_image::resize::imresize;
use percept_image::{Image, Photo, Srgb};

use super::{Demands, Fault, Problem};
use crate::data::{Pairs, Skipped};

/// Below this, two pictures have nothing to do with each other: those of different photos reached 0.19, a small one that was
/// blurred and compressed at quality 40 had 0.36.
const FIT: f64 = 0.25;
/// Above this, the place of the best fit is sure to a tenth of a pixel; below, blur and compression may move it by half of one.
const SURE: f64 = 0.7;
const UNSURE: f64 = 1.0;

/// What of a photo is compared with others.
pub(super) struct Looked {
    pub path: PathBuf,
    pub fingerprint: Fingerprint,
    pub grey: bool,
}

/// Looks at one pair.
pub(super) fn look(pairs: &Pairs, at: usize, demands: &Demands) -> (Option<Looked>, Vec<Problem>) {
    let Some((gt, lq)) = pairs.items(at) else { return (None, Vec::new()) };
    let (path, lq_path) = (gt.path.clone(), lq.map(|lq| lq.path.clone()));
    let (gt, lq) = match pairs.read(at) {
        Ok(pair) => pair,
        Err(error) => {
            let Skipped { path, reason } = Skipped::unreadable(&error);
            return (None, vec![Problem { fault: Fault::Unreadable, photos: vec![path], what: reason }]);
        }
    };
    let mut problems = Vec::new();
    let mut note = |fault: Fault, photos: &[&PathBuf], what: String| {
        problems.push(Problem { fault, photos: photos.iter().map(|path| (*path).clone()).collect(), what });
    };
    let (width, height) = gt.pixels.size();
    if width.min(height) < demands.min_side {
        note(
            Fault::Small,
            &[&path],
            format!("{width}×{height} pixels, {0}×{0} are needed", demands.min_side),
        );
    }
    if is_seen_through(&gt) {
        note(Fault::Alpha, &[&path], "transparent pixels".to_string());
    }
    if let Some(blocks) = blockiness(&gt.pixels).filter(|blocks| *blocks > demands.blockiness) {
        let percent = 100.0 * blocks;
        note(Fault::Blocky, &[&path], format!("steps at the edges of 8×8 blocks are {percent:.0} % larger"));
    }
    if let Some((lq, lq_path)) = lq.zip(lq_path) {
        let (w, h) = lq.pixels.size();
        if (w * demands.scale, h * demands.scale) != (width, height) {
            let scale = demands.scale;
            note(
                Fault::PairSize,
                &[&lq_path, &path],
                format!("{w}×{h} pixels, and {width}×{height} of the target at scale {scale}"),
            );
        } else if let Some(moved) = displacement(&shrunk(&gt.pixels, (w, h)), &lq.pixels) {
            let far = moved.x.hypot(moved.y);
            let most = if moved.fit > SURE { demands.shift } else { demands.shift.max(UNSURE) };
            if moved.fit < FIT {
                note(Fault::PairContent, &[&lq_path, &path], "no place fits".to_string());
            } else if far > most {
                let (x, y) = (direction(moved.x, ["left", "right"]), direction(moved.y, ["up", "down"]));
                note(Fault::Shifted, &[&lq_path, &path], format!("shifted {x} and {y}"));
            }
        }
    }
    let looked = Looked { fingerprint: Fingerprint::of(&gt.pixels), grey: is_grey(&gt.pixels), path };
    (Some(looked), problems)
}

fn is_seen_through(photo: &Photo) -> bool {
    photo.alpha.as_ref().is_some_and(|alpha| alpha.iter().any(|alpha| *alpha < 1.0))
}

fn shrunk(image: &Image<Srgb>, size: (usize, usize)) -> Image<Srgb> {
    if image.size() == size { image.clone() } else { imresize(image, size.0, size.1) }
}

/// `0.5 pixels to the left`.
fn direction(pixels: f64, [before, after]: [&str; 2]) -> String {
    format!("{:.1} pixels {}", pixels.abs(), if pixels < 0.0 { before } else { after })
}
