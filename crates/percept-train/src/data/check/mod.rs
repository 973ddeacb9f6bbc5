//! What would spoil a training, by name.

mod photo;

use std::path::PathBuf;

use percept_image::inspect::Fingerprint;
use percept_run::config::RootConfig;
use rayon::prelude::*;
use serde::Serialize;

use super::{DataError, Pairs, Skipped};
use photo::{Looked, look};

/// What photos are held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demands {
    /// Shortest side of a target in pixels.
    pub min_side: usize,
    /// How many times larger a target is than its counterpart.
    pub scale: usize,
    /// The largest shift between a target and its counterpart, in pixels of the counterpart; of those that are blurred or
    /// compressed so much that it is not sure, 1 at least.
    pub shift: f64,
    /// The strongest edges of JPEG's blocks: [`percept_image::inspect::blockiness`].
    pub blockiness: f64,
}

impl Default for Demands {
    fn default() -> Self {
        Self { min_side: 96, scale: 1, shift: 0.25, blockiness: 0.1 }
    }
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A file that cannot be read, or a picture of a format that is not.
    Unreadable,
    /// A target without a counterpart, or the other way round.
    Unpaired,
    /// Too few pixels.
    Small,
    /// A target and its counterpart are not of one size, taken times the scale.
    PairSize,
    /// A target and its counterpart show different places.
    Shifted,
    /// A target and its counterpart show different things.
    PairContent,
    /// The same pixels twice.
    Duplicate,
    /// Nearly the same picture twice.
    NearDuplicate,
    /// A target with the blocks of a JPEG.
    Blocky,
    /// A picture without colour among pictures of colour.
    Grey,
    /// Transparent pixels, of which the colours are learned all the same.
    Alpha,
}

impl Fault {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 11] = [
        Self::Unreadable,
        Self::Unpaired,
        Self::Small,
        Self::PairSize,
        Self::Shifted,
        Self::PairContent,
        Self::Duplicate,
        Self::NearDuplicate,
        Self::Blocky,
        Self::Grey,
        Self::Alpha,
    ];

    /// What it does to a training, and what to do.
    pub fn about(self) -> &'static str {
        match self {
            Self::Unreadable => "cannot be used; repair or remove them",
            Self::Unpaired => "have no counterpart, and are left out of a training with pairs",
            Self::Small => "are too small for crops of that size, and are left out",
            Self::PairSize => "do not have the size of their pair, and are left out",
            Self::Shifted => "are shifted within their pair: a network learns to move pictures, and blurs",
            Self::PairContent => {
                "do not show what their pair shows: look whether the right photos are paired"
            }
            Self::Duplicate => {
                "are the same photo: it counts twice, and if one of them validates it was seen in training"
            }
            Self::NearDuplicate => "are nearly the same photo: look at them, and keep one",
            Self::Blocky => {
                "have the blocks of a JPEG, which a network learns to draw; use better files, or shrink them"
            }
            Self::Grey => "have no colour, among photos that have: fine if it is meant",
            Self::Alpha => "have transparent pixels; the colours behind them are learned",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// What it is.
    pub fault: Fault,
    /// The photos that it is about.
    pub photos: Vec<PathBuf>,
    /// What is the matter with them, without their names.
    pub what: String,
}

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// Targets that were looked at.
    pub photos: usize,
    /// Sorted by fault and name.
    pub problems: Vec<Problem>,
}

/// Looks at every photo of a root. `progress` hears how many are done.
///
/// # Errors
/// When the root cannot be listed, or holds no photos.
pub fn check(
    root: &RootConfig,
    demands: &Demands,
    progress: &(dyn Fn() + Sync),
) -> Result<Findings, DataError> {
    let pairs = Pairs::open(root, demands.scale, None)?;
    let look = |at: usize| {
        let looked = look(&pairs, at, demands);
        progress();
        looked
    };
    let (found, problems): (Vec<_>, Vec<_>) = (0..pairs.len()).into_par_iter().map(look).unzip();
    let mut problems: Vec<Problem> = problems.into_iter().flatten().collect();
    let of = |fault: Fault| {
        move |Skipped { path, reason }: &Skipped| Problem {
            fault,
            photos: vec![path.clone()],
            what: reason.clone(),
        }
    };
    problems.extend(pairs.unpaired().iter().map(of(Fault::Unpaired)));
    problems.extend(pairs.left_out().map(of(Fault::Unreadable)));
    let found: Vec<Looked> = found.into_iter().flatten().collect();
    problems.extend(twice(&found));
    problems.extend(grey(&found));
    problems.sort_by(|a, b| (a.fault, &a.photos).cmp(&(b.fault, &b.photos)));
    Ok(Findings { photos: pairs.targets(), problems })
}

/// Photos that are the same, each with the first that it is like.
fn twice(found: &[Looked]) -> Vec<Problem> {
    let like = |at: usize| {
        let here = found.get(at)?;
        let earlier = found.get(..at)?;
        let is = |test: fn(&Fingerprint, &Fingerprint) -> bool| {
            earlier.iter().find(|other| test(&other.fingerprint, &here.fingerprint))
        };
        let (fault, other) = match is(Fingerprint::is_same) {
            Some(other) => (Fault::Duplicate, other),
            None => (Fault::NearDuplicate, is(Fingerprint::is_alike)?),
        };
        let what = format!("the same as {}", other.path.display());
        let what = if fault == Fault::Duplicate { what } else { format!("nearly {what}") };
        Some(Problem { fault, photos: vec![here.path.clone(), other.path.clone()], what })
    };
    (0..found.len()).into_par_iter().filter_map(like).collect()
}

/// Photos without colour where most have some.
fn grey(found: &[Looked]) -> Vec<Problem> {
    let grey: Vec<_> = found.iter().filter(|looked| looked.grey).collect();
    if 2 * grey.len() > found.len() {
        return Vec::new();
    }
    let problem = |looked: &&Looked| Problem {
        fault: Fault::Grey,
        photos: vec![looked.path.clone()],
        what: "no colour".to_string(),
    };
    grey.iter().map(problem).collect()
}
