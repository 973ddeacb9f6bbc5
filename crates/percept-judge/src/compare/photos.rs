//! What the networks restore: photos that are degraded as in training, or pairs.

use std::path::{Path, PathBuf};

use percept_image::{Image, Srgb, list_photos, photo_name, read_srgb};
use percept_run::{Lq, Recipe};

use super::CompareError;
use super::group::Trained;
use crate::Pairs;
use crate::page::counted;

/// Where photos come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhotoSource {
    /// A folder of good photos, degraded as the runs' training photos were: the same way for every run.
    Degraded(PathBuf),
    /// Folders of good photos and of their degraded counterparts.
    Pairs {
        /// The good ones.
        gt: PathBuf,
        /// The degraded ones.
        lq: PathBuf,
    },
}

/// The photos of a comparison.
pub(super) struct Photos {
    files: Vec<Files>,
    recipe: Option<Recipe>,
    /// What targets' sides are multiples of.
    multiple: usize,
}

struct Files {
    name: String,
    gt: PathBuf,
    lq: Option<PathBuf>,
}

impl Photos {
    /// The photos of `source` for networks that are all like `run`. What should be said comes with them.
    pub(super) fn open(source: &PhotoSource, run: &Trained) -> Result<(Self, Vec<String>), CompareError> {
        let multiple = run.card().network_scale();
        match source {
            PhotoSource::Degraded(folder) => {
                let gt = list_photos(folder)?;
                if gt.is_empty() {
                    return Err(CompareError::Empty { folder: folder.clone() });
                }
                let files = gt.into_iter().map(|gt| Files { name: photo_name(&gt), gt, lq: None }).collect();
                let recipe = Recipe::of_card(run.card())
                    .map_err(|source| CompareError::Recipe { path: run.path.clone(), source })?;
                Ok((Self { files, recipe: Some(recipe), multiple }, Vec::new()))
            }
            PhotoSource::Pairs { gt, lq } => {
                if run.card().in_channels == 4 {
                    return Err(CompareError::Raw { path: run.path.clone() });
                }
                let pairs = Pairs::find(gt, lq)?;
                let alone = pairs.only_reference.len() + pairs.only_test.len();
                let notes = (alone > 0)
                    .then(|| format!("{} without a counterpart: left out.", counted(alone, "photo")));
                let files = pairs.pairs.into_iter();
                let files =
                    files.map(|pair| Files { name: pair.name, gt: pair.reference, lq: Some(pair.test) });
                Ok((Self { files: files.collect(), recipe: None, multiple }, Vec::from_iter(notes)))
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn name(&self, at: usize) -> &str {
        self.files.get(at).map_or("", |files| files.name.as_str())
    }

    /// Target and input of a photo, always the same; what is wrong with it otherwise.
    pub(super) fn get(&self, at: usize) -> Result<(Image<Srgb>, Lq), String> {
        let files = self.files.get(at).ok_or("no such photo")?;
        let read = |path: &Path| read_srgb(path).map_err(|error| error.to_string());
        let gt = read(&files.gt)?;
        let (width, height) = gt.size();
        let gt = gt.crop(0, 0, width - width % self.multiple, height - height % self.multiple);
        if gt.width() == 0 || gt.height() == 0 {
            return Err(format!("{}: {width}×{height} pixels are too few", files.gt.display()));
        }
        let input = match (&files.lq, &self.recipe) {
            (None, Some(recipe)) => {
                let made = recipe.degrade_held_out(&gt, 0, at as u64);
                made.map_err(|error| format!("{}: {error}", files.gt.display()))?
            }
            (Some(path), _) => {
                let lq = read(path)?;
                let (w, h) = (lq.width() * self.multiple, lq.height() * self.multiple);
                if (w, h) != gt.size() {
                    return Err(format!(
                        "{}: {:?} pixels do not become the {:?} of its target at scale {}",
                        path.display(),
                        lq.size(),
                        gt.size(),
                        self.multiple
                    ));
                }
                Lq::Rgb(lq)
            }
            (None, None) => return Err("no degraded counterpart".to_string()),
        };
        Ok((gt, input))
    }
}
