//! What can be wrong with a comparison of runs.

use std::path::PathBuf;

use percept_image::ReadError;
use percept_nn::model::ModelError;
use percept_run::RecipeError;

use crate::page::{counted, none_judged};
use crate::{PairError, PanelError};

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The place holds no run.
    #[error("{}: no run with a model.safetensors is here; check the path, or let the training save its first model", path.display())]
    NoRun {
        /// What was named.
        path: PathBuf,
    },
    /// The folder holds runs, and is none itself.
    #[error("{}: this folder holds {} and is none itself; pass --over seeds to take them as one training with several seeds", path.display(), counted(*runs, "run"))]
    Several {
        /// The folder.
        path: PathBuf,
        /// How many runs are in it.
        runs: usize,
    },
    /// What was named is no pattern.
    #[error("{pattern}: {problem}; name a folder, or a pattern such as 'runs/l1-seed*'")]
    Pattern {
        /// What was named.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two runs of one group were trained with one seed.
    #[error("{} and {} were both trained with the seed {seed}; name runs that differ in the seed alone", first.display(), second.display())]
    SeedTwice {
        /// The seed.
        seed: u64,
        /// One run.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// The two groups have no seed in common.
    #[error(
        "no seed is in both groups: {a} has {a_seeds}, {b} has {b_seeds}; train both with the same seeds"
    )]
    NoSeeds {
        /// Name of one group.
        a: String,
        /// Its seeds.
        a_seeds: String,
        /// Name of the other one.
        b: String,
        /// Its seeds.
        b_seeds: String,
    },
    /// Two runs do different things.
    #[error("{} and {} differ in {what}; compare runs of one task", first.display(), second.display())]
    Unlike {
        /// One run.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
        /// In what they differ.
        what: &'static str,
    },
    /// The photos cannot be degraded as they were in the training.
    #[error("{}: {source}; give photos with their degraded counterparts, --gt DIR --lq DIR", path.display())]
    Recipe {
        /// A run.
        path: PathBuf,
        /// Why.
        source: RecipeError,
    },
    /// The runs were trained with different degradations.
    #[error(
        "{}: it was trained with other degradations than {}; give photos with their degraded counterparts, --gt DIR --lq DIR",
        second.display(), first.display()
    )]
    OtherRecipe {
        /// One run.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// Networks that read RAW, and degraded photos in files.
    #[error("{}: this network reads a camera's RAW, which --lq has not; give photos as --data", path.display())]
    Raw {
        /// A run.
        path: PathBuf,
    },
    /// The photos.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The pairs of photos.
    #[error(transparent)]
    Pairs(#[from] PairError),
    /// A folder without photos.
    #[error("{}: no photo in this folder; name one with PNG, JPEG, WebP, TIFF, BMP or PPM files", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// Not a single photo could be restored and judged.
    #[error("{}: {problem}; give other photos", none_judged(*photos, "photo"))]
    NothingSound {
        /// How many there are.
        photos: usize,
        /// What is wrong with the first one.
        problem: String,
    },
    /// The caller wanted to stop.
    #[error(
        "stopped: {done} of {all} photos were restored, and nothing is compared; nothing is kept, the same command starts over"
    )]
    Stopped {
        /// Photos that were restored.
        done: usize,
        /// All photos.
        all: usize,
    },
    /// A model that cannot be read or applied.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A score that does not exist, or its weights.
    #[error(transparent)]
    Panel(#[from] PanelError),
}
