//! The photos of a validation.

use percept_run::{Config, Lq, Recipe};

use super::photos::{Photos, Rule};
use super::{DataError, Sample, Skipped};

/// Shortest side of a photo that scores with windows can work on.
const MIN_SIDE: usize = 32;

/// Whole photos, degraded the same way every time.
pub struct ValSource {
    photos: Photos,
    recipe: Recipe,
    seed: u64,
}

impl ValSource {
    /// Looks at every photo of `datasets.val` once; `None` where the configuration has none.
    ///
    /// # Errors
    /// As [`TrainSource::open`](super::TrainSource::open).
    pub fn open(config: &Config) -> Result<Option<Self>, DataError> {
        let Some(val) = &config.datasets.val else { return Ok(None) };
        let recipe = Recipe::of_config(config)?;
        let rule = Rule {
            min_side: MIN_SIDE,
            scale: config.scale,
            cache: config.datasets.train.cache_mib << 20,
            limit: val.max_images,
        };
        let photos = Photos::open(&val.all_roots(), &rule)?;
        Ok(Some(Self { photos, recipe, seed: config.seed }))
    }

    /// Number of photos.
    pub fn photos(&self) -> usize {
        self.photos.len()
    }

    /// Photos that are left out, by name.
    pub fn skipped(&self) -> &[Skipped] {
        self.photos.skipped()
    }

    /// Photo `at` in the order of the names, always the same. Its target is cut at the right and below to a
    /// multiple of the scale.
    ///
    /// # Errors
    /// When a photo that was sound at the start cannot be read any more.
    pub fn sample(&self, at: usize) -> Result<Sample, DataError> {
        let multiple = self.recipe.multiple();
        let (gt, lq) = self.photos.with(at, |pair| {
            let (width, height) = pair.gt.size();
            let gt = pair.gt.crop(0, 0, width - width % multiple, height - height % multiple);
            (gt, pair.lq.as_ref().map(|lq| lq.crop(0, 0, lq.size().0, lq.size().1)))
        })?;
        let lq = match lq {
            Some(lq) => Lq::Rgb(lq),
            None => self.recipe.degrade_held_out(&gt, self.seed, at as u64)?,
        };
        let distorted = lq.shown(gt.width(), gt.height());
        Ok(Sample { name: self.photos.name_of(at).to_string(), gt, lq, distorted })
    }
}
