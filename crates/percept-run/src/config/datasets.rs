//! `datasets`: the photos that are trained on and validated with.

use std::path::PathBuf;

use percept_image::degrade::{Published, UnsharpMask};
use percept_image::{Mosaic, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Task;

/// Largest side of a patch that is degraded.
pub(super) const MAX_PATCH: usize = 2048;
/// How many pixels of the network's input a patch of a published pipeline is larger than a crop.
const MARGIN: usize = 24;

/// The photos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetsConfig {
    /// Photos to train on.
    pub train: TrainSetConfig,
    /// Photos to validate with. Left out, nothing is validated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val: Option<ValSetConfig>,
}

/// `datasets.train`: photos to train on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainSetConfig {
    /// Folder of good photos, the targets.
    pub dataroot_gt: PathBuf,
    /// Folder of their degraded counterparts with the same file names (`NAME` or `NAMEx4` at scale 4). Left
    /// out, photos are degraded on the fly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"photos/train-lq")]
    pub dataroot_lq: Option<PathBuf>,
    /// Side of the square crops of the target in pixels, a multiple of `scale` (of `2 · scale` for
    /// `raw2rgb`), 16 to 1024. Default 96.
    #[serde(default = "gt_size")]
    pub gt_size: usize,
    /// Crops a step, 1 to 256. Default 8.
    #[serde(default = "batch_size")]
    pub batch_size: usize,
    /// Whether crops are mirrored at random. Default true.
    #[serde(default = "yes")]
    pub use_hflip: bool,
    /// Whether crops are turned by multiples of 90° at random. Default true.
    #[serde(default = "yes")]
    pub use_rot: bool,
    /// Batches that are prepared ahead on another thread, 1 to 64. Default 2.
    #[serde(default = "prefetch")]
    pub prefetch: usize,
    /// Memory for decoded photos in MiB; beyond it they are read from their files again. At most 1048576. Default 1024.
    #[serde(default = "cache")]
    pub cache_mib: usize,
    /// What photos are degraded with on the fly, in this order; validation photos too. Left out: what the
    /// task undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degradation: Option<Vec<Step>>,
    /// A published pipeline instead of `degradation`, with the ranges of its authors, for the config's scale: `real-esrgan` or
    /// `bsrgan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Published>,
    /// Side of the patches of the target that are degraded, of which a crop of `gt_size` is used: so a blur sees no border, and
    /// the grid of a JPEG lies anywhere. `gt_size` to 2048; a patch ends where its photo ends. Left out: `gt_size`, and with a
    /// `recipe` 24 times the scale more than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_size: Option<usize>,
    /// Sharpens the targets before they are degraded, as Real-ESRGAN's training does. Those of the validation stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharpen_gt: Option<UnsharpMask>,
    /// The simulated camera of `raw2rgb`, after `degradation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mosaic: Option<Mosaic>,
}

/// `datasets.val`: photos to validate with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValSetConfig {
    /// Folder of good photos, the targets.
    pub dataroot_gt: PathBuf,
    /// Folder of their degraded counterparts with the same file names. Left out, the photos are degraded as
    /// in training, the same way every time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"photos/val-lq")]
    pub dataroot_lq: Option<PathBuf>,
    /// Only the first so many photos, in the order of their names. Left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 5)]
    pub max_images: Option<usize>,
}

impl TrainSetConfig {
    /// What photos are degraded with on the fly, for that task and scale.
    pub fn steps(&self, task: Task, scale: usize) -> Vec<Step> {
        match (self.recipe, &self.degradation) {
            (Some(recipe), _) => recipe.steps(scale),
            (None, Some(steps)) => steps.clone(),
            (None, None) => task.degradation(scale),
        }
    }

    /// The defaults for the photos of one folder.
    pub fn new(dataroot_gt: impl Into<PathBuf>) -> Self {
        Self {
            dataroot_gt: dataroot_gt.into(),
            dataroot_lq: None,
            gt_size: gt_size(),
            batch_size: batch_size(),
            use_hflip: yes(),
            use_rot: yes(),
            prefetch: prefetch(),
            cache_mib: cache(),
            degradation: None,
            recipe: None,
            patch_size: None,
            sharpen_gt: None,
            mosaic: None,
        }
    }

    /// Writes out what depends on the task.
    pub(super) fn complete(&mut self, task: Task, scale: usize) {
        match (&self.dataroot_lq, self.recipe) {
            (Some(_), _) => {}
            (None, Some(_)) => {
                let patch_size = self.gt_size.saturating_add(scale.saturating_mul(MARGIN)).min(MAX_PATCH);
                self.patch_size.get_or_insert(patch_size.max(self.gt_size));
            }
            (None, None) => {
                self.degradation.get_or_insert_with(|| task.degradation(scale));
            }
        }
        if task == Task::Raw2rgb {
            self.mosaic.get_or_insert_default();
        }
    }
}

impl ValSetConfig {
    /// All photos of one folder.
    pub fn new(dataroot_gt: impl Into<PathBuf>) -> Self {
        Self { dataroot_gt: dataroot_gt.into(), dataroot_lq: None, max_images: None }
    }
}

fn gt_size() -> usize {
    96
}

fn batch_size() -> usize {
    8
}

fn yes() -> bool {
    true
}

fn prefetch() -> usize {
    2
}

fn cache() -> usize {
    1024
}
