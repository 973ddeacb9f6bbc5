//! The photos that an experiment is judged on.

use std::path::{Path, PathBuf};

use percept_image::{Image, Srgb, list_photos, photo_name, read_srgb};
use percept_nn::model::{Card, Model, ModelError};
use percept_run::{Lq, Recipe};

use super::ExperimentError;

/// The shortest side that scores with windows can work on.
const MIN_SIDE: usize = 64;

/// What `model` makes of the input of the photo `name`.
pub(super) fn restored(model: &Model, name: &str, input: &Lq) -> Result<Image<Srgb>, ExperimentError> {
    let failed =
        |error: ModelError| ExperimentError::Photo { photo: name.to_string(), problem: error.to_string() };
    input.restored(model).map_err(failed)
}

/// Targets in memory, cut to their centres, and how inputs are made of them.
pub(super) struct TestPhotos {
    photos: Vec<(String, Image<Srgb>)>,
    /// What was left out, and why.
    pub(super) skipped: Vec<String>,
    recipe: Recipe,
}

impl TestPhotos {
    /// The photos of all `folders`, degraded as the training of the run in `path` did.
    pub(super) fn open(
        folders: &[PathBuf],
        crop: Option<usize>,
        path: &Path,
        card: &Card,
    ) -> Result<Self, ExperimentError> {
        let multiple = card.network_scale();
        let (mut photos, mut skipped) = (Vec::new(), Vec::new());
        for folder in folders {
            for file in list_photos(folder)? {
                let name = photo_name(&file);
                let photo = match read_srgb(&file) {
                    Ok(photo) => photo,
                    Err(error) => {
                        skipped.push(error.to_string());
                        continue;
                    }
                };
                let (width, height) = photo.size();
                let side = |side: usize| {
                    let side = crop.map_or(side, |crop| crop.min(side));
                    side - side % multiple
                };
                let (w, h) = (side(width), side(height));
                if w.min(h) < MIN_SIDE {
                    skipped.push(format!("{}: {width}×{height} pixels are too few", file.display()));
                    continue;
                }
                photos.push((name, photo.crop((width - w) / 2, (height - h) / 2, w, h)));
            }
        }
        if photos.is_empty() {
            let folder = folders.first().cloned().unwrap_or_default();
            let problem = skipped.first().cloned().unwrap_or_else(|| "the folders are empty".to_string());
            return Err(ExperimentError::NoPhotos { folder, problem });
        }
        let recipe = Recipe::of_card(card)
            .map_err(|source| ExperimentError::Recipe { path: path.to_path_buf(), source })?;
        Ok(Self { photos, skipped, recipe })
    }

    pub(super) fn len(&self) -> usize {
        self.photos.len()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.photos.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Name, target and input of a photo: the same for every run.
    pub(super) fn get(&self, at: usize) -> Option<(&str, &Image<Srgb>, Lq)> {
        let (name, gt) = self.photos.get(at)?;
        Some((name, gt, self.recipe.degrade_held_out(gt, 0, at as u64).ok()?))
    }

    /// What scores depend on besides the network.
    pub(super) fn key(&self) -> String {
        let photo = |(name, gt): &(String, Image<Srgb>)| {
            let sum: f64 = gt.data().iter().map(|value| f64::from(*value)).sum();
            format!("{name} {:?} {sum}", gt.size())
        };
        self.photos.iter().map(photo).collect::<Vec<_>>().join("; ")
    }
}
