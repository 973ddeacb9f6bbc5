//! Scores by the name that they have in a config or a call, also where it names a file or a run.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use percept_image::{Metric, Shrunk, expand_home};
use percept_nn::loss::{LossError, Term};
use percept_nn::metric::{NamedMetric, Selected, SelectedByPhotos, SelectionFile};
use percept_nn::model::Card;
use percept_nn::weights::{StateDict, WeightError, WeightStore};

use crate::{Checkpoint, CheckpointError, Checkpoints, RunFiles};

/// Where a checkpoint keeps the [`PerceptualSpace`](percept_nn::disentangle::PerceptualSpace) of the term called `term`.
pub fn space_section(term: &str) -> String {
    format!("losses.{term}.")
}

/// Why a score could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MetricNameError {
    /// There is no such score.
    #[error("no score is called `{name}`; there are {}, selected:RUN and selected:FILE", all_names())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The weights of a learned score.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The frozen network of a learned score.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// The folder has no checkpoint, which is where a selection is.
    #[error("{}: no checkpoint of a training here; name the folder of a run, with its `checkpoints`", path.display())]
    NoCheckpoint {
        /// The run.
        path: PathBuf,
    },
    /// A checkpoint that cannot be used, where there is no older one.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The run's loss selects nothing.
    #[error("{}: trained without a selection; name a run in whose losses one has a selection", path.display())]
    NoSelection {
        /// The run or checkpoint.
        path: PathBuf,
    },
    /// The checkpoint does not say what its loss was.
    #[error("{}: its card does not describe its losses ({reason}); name a run of this version", path.display())]
    Card {
        /// The run or checkpoint.
        path: PathBuf,
        /// What is wrong with the card.
        reason: String,
    },
}

fn all_names() -> String {
    NamedMetric::names().collect::<Vec<_>>().join(", ")
}

/// The score called `name`. `selected:RUN` is what a training [selected](Selected), `selected:FILE` what was selected from
/// [photos alone](SelectedByPhotos). The classical ones leave out `crop` pixels at each border; the learned ones look at whole
/// images, on `device`. `NAME@SIDE` is the score of pictures [shrunk](Shrunk) to a shorter side of so many pixels.
///
/// # Errors
/// When there is no such score, or its weights are missing or wrong.
pub fn named(
    name: &str,
    crop: usize,
    store: &WeightStore,
    device: &Device,
) -> Result<Box<dyn Metric>, MetricNameError> {
    let path = name.strip_prefix("selected:").map(expand_home);
    // A run or file may end like this, too.
    if !path.as_ref().is_some_and(|path| path.exists())
        && let Some((of, side)) = name.rsplit_once('@')
        && let Ok(side @ 1..) = side.parse()
    {
        return Ok(Box::new(Shrunk::new(named(of, crop, store, device)?, side)));
    }
    if let Some(path) = path {
        return selected(name, &path, store, device);
    }
    let metric =
        NamedMetric::find(name).ok_or_else(|| MetricNameError::Unknown { name: name.to_string() })?;
    Ok((metric.make)(crop, store, device)?)
}

/// What `path` is: a file of `percept select`, or what a run selected.
fn selected(
    name: &str,
    path: &Path,
    store: &WeightStore,
    device: &Device,
) -> Result<Box<dyn Metric>, MetricNameError> {
    if path.is_file()
        && let Some(selection) = SelectionFile::from_state_dict(&StateDict::load(path)?)?
    {
        let metric = SelectedByPhotos::new(name, &selection, store, device).map_err(LossError::from)?;
        return Ok(Box::new(metric));
    }
    let Checkpoint { card, state, .. } = checkpoint(path)?;
    let unfit = |error: serde_json::Error| MetricNameError::Card {
        path: path.to_path_buf(),
        reason: error.to_string(),
    };
    let losses = card.pointer("/model/losses").cloned().unwrap_or_default();
    let losses: Vec<Term> = serde_json::from_value(losses).map_err(unfit)?;
    let none = || MetricNameError::NoSelection { path: path.to_path_buf() };
    let term = losses.into_iter().find(|term| term.loss.selection().is_some()).ok_or_else(none)?;
    let metric = Selected::new(name, term.loss, &state.section(&space_section(&term.name)), store, device)?;
    Ok(Box::new(metric.ok_or_else(none)?))
}

/// The checkpoint that `path` means: the newest sound one of a run's folder; that file; or where the file is a run's model,
/// which has the network alone, the newest sound one beside it.
fn checkpoint(path: &Path) -> Result<Checkpoint, MetricNameError> {
    let folder = match path {
        path if path.is_dir() => path.to_path_buf(),
        path if StateDict::load(path)?.metadata().contains_key(Card::KEY) => {
            path.parent().map(Path::to_path_buf).unwrap_or_default()
        }
        path => return Ok(Checkpoint::load(path)?),
    };
    let latest = Checkpoints::new(RunFiles::new(folder).checkpoints()).latest()?;
    let damaged = latest.damaged.into_iter().next();
    latest.checkpoint.ok_or_else(|| match damaged {
        Some(damaged) => CheckpointError::from(damaged).into(),
        None => MetricNameError::NoCheckpoint { path: path.to_path_buf() },
    })
}
