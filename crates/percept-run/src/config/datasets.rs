//! `datasets`: the photos that are trained on and validated with.

use std::path::PathBuf;

use percept_image::degrade::{Published, UnsharpMask};
use percept_image::{Mosaic, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MixConfig, StageConfig};
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
    /// Folder of good photos, the targets, or of an LMDB as BasicSR writes it (`data.mdb` and `meta_info.txt`).
    pub dataroot_gt: PathBuf,
    /// Folder or LMDB of their degraded counterparts with the same file names (`NAME` or `NAMEx4` at scale 4). Left
    /// out, photos are degraded on the fly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"photos/train-lq")]
    pub dataroot_lq: Option<PathBuf>,
    /// A text file that names the photos, a path below `dataroot_gt` in every line; what follows in brackets, as in BasicSR's
    /// lists, is not looked at. A line `GT, LQ` names a pair. Left out: all photos of the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"meta_info.txt")]
    pub meta_info_file: Option<PathBuf>,
    /// Whether folders inside the folders are entered, too. Default false.
    #[serde(default)]
    pub recursive: bool,
    /// How many of the crops are of these photos, relative to the shares of `roots`: 1e-6 to 1e6. Left out, here and there:
    /// every photo is as frequent as any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// More photos beside these, at most 100 roots, `[[datasets.train.roots]]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!([]))]
    pub roots: Vec<RootConfig>,
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
    /// Whether red, green and blue of a crop change places at random, target and input alike (as in Yoo et al., *Rethinking Data
    /// Augmentation for Image Super-resolution*, 2020). For few photos: colours that they lack are then seen, too. Not for tasks
    /// in which a colour has a meaning, such as `lowlight`. Default false.
    #[serde(default)]
    pub use_rgb_perm: bool,
    /// Mixes of samples: each is one of them with its `prob`, and what is left stays as it is. At most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!([]))]
    pub augment: Vec<MixConfig>,
    /// Other sizes of crops and batches later in the training, at most 64, `[[datasets.train.progressive]]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!([]))]
    pub progressive: Vec<StageConfig>,
    /// Batches that are prepared ahead on other threads, 1 to 64. Default 2.
    #[serde(default = "prefetch")]
    pub prefetch: usize,
    /// Threads that prepare the samples of a batch, 1 to 256; their number changes nothing in them. Left out: one for every
    /// two cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 4)]
    pub num_workers: Option<usize>,
    /// Memory for decoded photos in MiB. As many as it holds are decoded at the start and kept, the others when their turn
    /// comes. At most 1048576. Default 1024.
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

/// `[[datasets.train.roots]]`, `[[datasets.val.roots]]`: more photos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RootConfig {
    /// Folder of good photos, the targets, or of an LMDB as BasicSR writes it (`data.mdb` and `meta_info.txt`).
    pub dataroot_gt: PathBuf,
    /// Folder or LMDB of their degraded counterparts; given for all roots or for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataroot_lq: Option<PathBuf>,
    /// A text file that names the photos, as that of `datasets.train`. Left out: all photos of the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta_info_file: Option<PathBuf>,
    /// Whether folders inside the folders are entered, too. Default false.
    #[serde(default)]
    pub recursive: bool,
    /// How many of the crops are of these photos, relative to the other shares: 1e-6 to 1e6; given for all roots and beside
    /// `dataroot_gt`, or nowhere. Photos to validate with are all looked at, and have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

impl RootConfig {
    /// All photos of one folder.
    pub fn new(dataroot_gt: impl Into<PathBuf>) -> Self {
        Self {
            dataroot_gt: dataroot_gt.into(),
            dataroot_lq: None,
            meta_info_file: None,
            recursive: false,
            share: None,
        }
    }

    /// Every path that it holds.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Self { dataroot_gt, dataroot_lq, meta_info_file, .. } = self;
        [Some(dataroot_gt), dataroot_lq.as_mut(), meta_info_file.as_mut()].into_iter().flatten()
    }
}

/// `datasets.val`: photos to validate with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValSetConfig {
    /// Folder or LMDB of good photos, the targets.
    pub dataroot_gt: PathBuf,
    /// Folder or LMDB of their degraded counterparts with the same file names. Left out, the photos are degraded as
    /// in training, the same way every time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"photos/val-lq")]
    pub dataroot_lq: Option<PathBuf>,
    /// A text file that names the photos, as that of `datasets.train`. Left out: all photos of the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"meta_info.txt")]
    pub meta_info_file: Option<PathBuf>,
    /// Whether folders inside the folders are entered, too. Default false.
    #[serde(default)]
    pub recursive: bool,
    /// More photos beside these, at most 100 roots, `[[datasets.val.roots]]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!([]))]
    pub roots: Vec<RootConfig>,
    /// Only the first so many photos of each root, in the order of their names. Left out: all.
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
            meta_info_file: None,
            recursive: false,
            share: None,
            roots: Vec::new(),
            gt_size: gt_size(),
            batch_size: batch_size(),
            use_hflip: yes(),
            use_rot: yes(),
            use_rgb_perm: false,
            augment: Vec::new(),
            progressive: Vec::new(),
            prefetch: prefetch(),
            num_workers: None,
            cache_mib: cache(),
            degradation: None,
            recipe: None,
            patch_size: None,
            sharpen_gt: None,
            mosaic: None,
        }
    }

    /// What is trained with from the first step on, and then from stage to stage: the steps that are done before, the side of
    /// crops, and their number.
    pub fn stages(&self) -> impl Iterator<Item = (u64, usize, usize)> {
        let mut batch_size = self.batch_size;
        let later = self.progressive.iter().map(move |stage| {
            batch_size = stage.batch_size.unwrap_or(batch_size);
            (stage.after, stage.gt_size, batch_size)
        });
        std::iter::once((0, self.gt_size, self.batch_size)).chain(later)
    }

    /// The smallest and the largest side of crops.
    pub fn sides(&self) -> (usize, usize) {
        let sides = || self.stages().map(|(_, side, _)| side);
        (sides().min().unwrap_or(self.gt_size), sides().max().unwrap_or(self.gt_size))
    }

    /// Where all photos lie: `dataroot_gt` and the others, in the order of the file.
    pub fn all_roots(&self) -> Vec<RootConfig> {
        let first = RootConfig {
            dataroot_gt: self.dataroot_gt.clone(),
            dataroot_lq: self.dataroot_lq.clone(),
            meta_info_file: self.meta_info_file.clone(),
            recursive: self.recursive,
            share: self.share,
        };
        std::iter::once(first).chain(self.roots.iter().cloned()).collect()
    }

    /// Threads that prepare samples.
    pub fn workers(&self) -> usize {
        let half = || std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2);
        self.num_workers.unwrap_or_else(half).max(1)
    }

    /// Every path that it holds.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Self { dataroot_gt, dataroot_lq, meta_info_file, roots, .. } = self;
        let own = [Some(dataroot_gt), dataroot_lq.as_mut(), meta_info_file.as_mut()];
        own.into_iter().flatten().chain(roots.iter_mut().flat_map(RootConfig::paths))
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
        Self {
            dataroot_gt: dataroot_gt.into(),
            dataroot_lq: None,
            meta_info_file: None,
            recursive: false,
            roots: Vec::new(),
            max_images: None,
        }
    }

    /// Where all photos lie: `dataroot_gt` and the others, in the order of the file.
    pub fn all_roots(&self) -> Vec<RootConfig> {
        let first = RootConfig {
            dataroot_lq: self.dataroot_lq.clone(),
            meta_info_file: self.meta_info_file.clone(),
            recursive: self.recursive,
            ..RootConfig::new(&self.dataroot_gt)
        };
        std::iter::once(first).chain(self.roots.iter().cloned()).collect()
    }

    /// Every path that it holds.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Self { dataroot_gt, dataroot_lq, meta_info_file, roots, .. } = self;
        let own = [Some(dataroot_gt), dataroot_lq.as_mut(), meta_info_file.as_mut()];
        own.into_iter().flatten().chain(roots.iter_mut().flat_map(RootConfig::paths))
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
