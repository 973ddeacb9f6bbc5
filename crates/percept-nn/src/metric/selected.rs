//! The distance in the channels that a training selected.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::{fs, io};

use burn::tensor::Device;
use percept_image::{Better, Cost, Image, Metric, MetricError, Srgb};

use super::score::score;
use crate::backbone::Precision;
use crate::disentangle::{PerceptualSpace, Start};
use crate::loss::{ContextualOpt, FeatureOpt, LossError, PerceptualLoss, PerceptualOpt};
use crate::model::Card;
use crate::weights::{StateDict, WeightError, WeightStore};

/// Where a checkpoint's metadata describes the run.
const CARD: &str = "card";

/// Why a run gives no score.
#[derive(Debug, thiserror::Error)]
pub enum SelectedError {
    /// No checkpoint, which is where the selection is.
    #[error("{}: no checkpoint of a training here; name the folder of a run, with its `checkpoints`", path.display())]
    NoCheckpoint {
        /// The run.
        path: PathBuf,
    },
    /// The folder of checkpoints cannot be listed.
    #[error("{}: {source}; check that it may be read", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The run's loss selects nothing.
    #[error("{}: trained without a selection; name a run whose `perceptual_opt` has one", path.display())]
    NoSelection {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The checkpoint does not say what its loss was.
    #[error("{}: its card does not describe a perceptual loss ({reason}); name a run of this version", path.display())]
    Card {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with the card.
        reason: String,
    },
    /// The file, or arrays that are missing in it.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The frozen network.
    #[error(transparent)]
    Loss(#[from] LossError),
}

/// The squared feature distance in the space that a run selected (`selected:RUN`): each channel weighed and each tap
/// scaled as the run's last checkpoint has them. 0 for equal images.
pub struct Selected {
    name: String,
    protocol: String,
    space: PerceptualSpace,
    device: Device,
}

impl std::fmt::Debug for Selected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Selected").field("name", &self.name).field("protocol", &self.protocol).finish()
    }
}

impl Selected {
    /// What `run` selected: the folder of a run, whose newest checkpoint counts; one checkpoint; or the run's model
    /// file, in its folder.
    ///
    /// # Errors
    /// When there is no checkpoint, it is broken or without a selection, and when the frozen network's weights are
    /// missing or wrong.
    pub fn load(run: impl AsRef<Path>, store: &WeightStore, device: &Device) -> Result<Self, SelectedError> {
        let (run, device) = (run.as_ref(), device.clone().inner());
        let (path, state) = checkpoint(run)?;
        let unfit = |reason: String| SelectedError::Card { path: path.clone(), reason };
        let card = state.metadata().get(CARD).map_or("", String::as_str);
        let card: serde_json::Value = serde_json::from_str(card).map_err(|error| unfit(error.to_string()))?;
        let opt = card.pointer("/model/losses/perceptual_opt").filter(|opt| !opt.is_null());
        let opt = opt.ok_or_else(|| SelectedError::NoSelection { path: path.clone() })?.clone();
        let mut opt: PerceptualOpt = serde_json::from_value(opt).map_err(|error| unfit(error.to_string()))?;
        let (PerceptualOpt::Feature(FeatureOpt { selection, backbone, .. })
        | PerceptualOpt::Contextual(ContextualOpt { selection, backbone, .. })) = &mut opt
        else {
            return Err(SelectedError::NoSelection { path });
        };
        // The checkpoint has the weights; where they started does not matter, nor whether that file is still there.
        match selection {
            Some(selection) => selection.start = Start::Uniform,
            None => return Err(SelectedError::NoSelection { path }),
        }
        // A score is the same however fast the training was.
        backbone.precision = Precision::F32;
        let PerceptualLoss::Space(mut space) = opt.init(store, &device)? else {
            return Err(SelectedError::NoSelection { path });
        };
        let state = state.section("perceptual.");
        for tap in space.backbone().taps() {
            state.require(&format!("energy.{}", tap.name), &[1])?;
        }
        space.load_state_dict(&state, &device)?;
        let taps: Vec<_> = space.backbone().taps().iter().map(|tap| tap.name.as_str()).collect();
        let protocol = format!(
            "squared distance of {} features at {}, channels as selected by a training, state sha256 {}, sRGB [0, 1], full size, f32",
            space.backbone().name(),
            taps.join(", "),
            state.sha256().chars().take(8).collect::<String>()
        );
        Ok(Self { name: format!("selected:{}", run.display()), protocol, space: *space, device })
    }
}

impl Metric for Selected {
    fn name(&self) -> &str {
        &self.name
    }

    fn protocol(&self) -> String {
        self.protocol.clone()
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "after Mei, Lu, Yi, Wu, Li, Huang, Disentangle Perceptual Learning through Online Contrastive Learning, 2020"
    }

    fn cost(&self) -> Cost {
        Cost::Network
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let min_side = self.space.backbone().min_side();
        score(&self.name, min_side, &self.device, reference, test, |a, b| self.space.distance(a, b))
    }
}

/// The checkpoint that `run` means, and what it holds.
fn checkpoint(run: &Path) -> Result<(PathBuf, StateDict), SelectedError> {
    if run.is_dir() {
        return newest(run);
    }
    let state = StateDict::load(run)?;
    match state.metadata() {
        metadata if metadata.contains_key(CARD) => Ok((run.to_path_buf(), state)),
        // A model file has the network alone.
        metadata if metadata.contains_key(Card::KEY) => {
            newest(run.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
        }
        _ => Err(SelectedError::NoCheckpoint { path: run.to_path_buf() }),
    }
}

/// The newest checkpoint of a run's folder: names are steps.
fn newest(run: &Path) -> Result<(PathBuf, StateDict), SelectedError> {
    let folder = run.join("checkpoints");
    let files = match fs::read_dir(&folder) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SelectedError::NoCheckpoint { path: run.to_path_buf() });
        }
        Err(source) => return Err(SelectedError::Folder { path: folder, source }),
    };
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let steps = paths.filter_map(|path| {
        let step: u64 = path.file_name()?.to_str()?.strip_suffix(".safetensors")?.parse().ok()?;
        Some((step, path))
    });
    let Some((_, path)) = steps.max() else {
        return Err(SelectedError::NoCheckpoint { path: run.to_path_buf() });
    };
    let state = StateDict::load(&path)?;
    Ok((path, state))
}
