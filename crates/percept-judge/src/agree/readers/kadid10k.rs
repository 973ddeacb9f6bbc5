//! KADID-10k: `dmos.csv` with `dist_img, ref_img, dmos, var`, and all pictures in `images`.

use std::path::{Path, PathBuf};

use percept_image::Better;

use super::tid2013::numbered;
use super::{AgreeError, Layout};
use crate::agree::csv::lines;
use crate::agree::table::Ratings;
use crate::agree::{Rating, Table};

pub(super) const LABELS: &str = "dmos.csv";

/// The kinds of distortion by their numbers, from 1.
const KINDS: [&str; 25] = [
    "Gaussian blur",
    "lens blur",
    "motion blur",
    "colour diffusion",
    "colour shift",
    "colour quantisation",
    "saturation, HSV",
    "saturation, Lab",
    "JPEG 2000",
    "JPEG",
    "white noise",
    "white noise in colour",
    "impulse noise",
    "multiplicative noise",
    "denoising",
    "brighter",
    "darker",
    "mean shift",
    "jitter",
    "moved patches",
    "pixels",
    "quantisation",
    "colour blocks",
    "sharpening",
    "contrast",
];

/// The column is called `dmos`, yet it is a mean of answers from 1 (very annoying) to 5 (not visible): higher is
/// better. `var` is the variance of the answers.
pub(super) fn read(label: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
    let images: PathBuf = root.or(label.parent()).unwrap_or(Path::new("")).join("images");
    let mut ratings = Ratings::new(label);
    lines(label, |_, line| {
        let name = line.text("dist_img")?;
        let kind = name.split('_').nth(1).map(|kind| numbered(kind, &KINDS));
        let variance = line.optional("var")?;
        let rating = Rating {
            reference: Some(images.join(line.text("ref_img")?)),
            distorted: images.join(name),
            score: line.number("dmos")?,
            spread: variance.filter(|variance| *variance >= 0.0).map(f64::sqrt),
            distortion: kind,
        };
        ratings.push(line.number, rating)
    })?;
    Ok(ratings.table(label, Layout::Kadid10k, Better::Higher))
}
