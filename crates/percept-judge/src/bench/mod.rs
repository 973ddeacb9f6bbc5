//! Models on the sets that papers are compared by, with the field's protocols and ours.
//!
//! The sets are the user's: [`sets`] finds them in a folder. [`Spoiling`] makes the inputs, [`judge`] the scores of what models
//! make of them and of the inputs themselves, and [`published`] has what papers print of the same.

mod published;
mod sets;
mod spoiling;

use std::collections::BTreeMap;
use std::path::PathBuf;

use percept_conv::Device;
use percept_image::{MetricError, ReadError, read_srgb};
use percept_nn::model::{Model, ModelError, Tiling};
use percept_nn::weights::WeightStore;
use serde::{Deserialize, Serialize};

pub use published::{Published, published};
pub use sets::{Set, sets};
pub use spoiling::Spoiling;

use crate::{Panel, PanelError, Scores};
use spoiling::eight_bits;

/// The scores of a table.
pub const METRICS: [&str; 6] = ["psnr-y", "psnr-rgb", "ssim-y", "lpips-alex", "dists", "grid"];

/// Why a set cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A photo cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A model cannot be applied.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The scores cannot be had.
    #[error(transparent)]
    Panel(#[from] PanelError),
    /// A photo cannot be scored.
    #[error("{}: {source}; leave it out of the set", photo.display())]
    Score {
        /// The photo.
        photo: PathBuf,
        /// What is wrong.
        source: MetricError,
    },
}

/// A row of the table: what came of one set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The set.
    pub set: String,
    /// What was to be undone.
    pub spoiling: String,
    /// The model; `bicubic` or `input` where nothing was done.
    pub model: String,
    /// Photos that were judged.
    pub photos: usize,
    /// The means.
    pub scores: BTreeMap<String, f64>,
    /// How inputs were made, and how every score was computed.
    pub protocol: BTreeMap<String, String>,
}

/// What all of `models` make of a set, doing nothing first. `progress` hears how many photos of how many are done.
///
/// # Errors
/// When a photo cannot be read, restored or judged, or weights of a score are missing.
pub fn judge(
    set: &Set,
    spoiling: Spoiling,
    models: &[(&str, &Model)],
    (store, device): (&WeightStore, &Device),
    mut progress: impl FnMut(usize, usize),
) -> Result<Vec<Row>, BenchError> {
    let panel = Panel::of_photos(&METRICS.map(String::from), spoiling.crop(), store, device)?;
    let names: Vec<&str> =
        [spoiling.nothing()].into_iter().chain(models.iter().map(|(name, _)| *name)).collect();
    let mut judged: Vec<Vec<_>> = names.iter().map(|_| Vec::new()).collect();
    for (at, path) in set.targets.iter().enumerate() {
        progress(at, set.targets.len());
        let target = spoiling.target(&read_srgb(path)?);
        let own = set.inputs.get(at).map(read_srgb).transpose()?;
        let Some(input) = spoiling.input(&target, own.as_ref(), at) else { continue };
        let mut results = vec![spoiling.shown(&input, target.size())];
        for (_, model) in models {
            results.push(eight_bits(model.restore(&input, Tiling::default())?));
        }
        for (judged, result) in judged.iter_mut().zip(results) {
            let name = percept_image::photo_name(path);
            let scores = panel.score_what_can_be(&name, &target, &result);
            judged.push(scores.map_err(|source| BenchError::Score { photo: path.clone(), source })?);
        }
    }
    progress(set.targets.len(), set.targets.len());
    let row = |(name, images): (&str, Vec<_>)| {
        let scores = Scores::new(&panel, images);
        let said = scores.metrics.iter().map(|(name, info)| (name.clone(), info.protocol.clone()));
        Row {
            set: set.name.clone(),
            spoiling: spoiling.to_string(),
            model: name.to_string(),
            photos: scores.images.len(),
            protocol: said.chain([("input".to_string(), spoiling.protocol())]).collect(),
            scores: scores.mean,
        }
    };
    Ok(names.into_iter().zip(judged).map(row).filter(|row| row.photos > 0).collect())
}
