//! Validation: whole photos restored, saved and scored.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use percept_image::{Better, Image, Metric, Photo, Srgb, write_photo};
use percept_nn::model::Model;
use percept_nn::weights::WeightStore;
use percept_run::log::Validation;
use percept_run::metric::{MetricNameError, named};
use percept_run::{Config, Recipe, RunFiles};

use crate::data::{DataError, Sample, ValSource};
use crate::error::TrainError;

/// The photos and scores of `datasets.val` and `val`.
pub(crate) struct Validator {
    source: ValSource,
    metrics: Vec<Box<dyn Metric>>,
    save_img: bool,
}

/// One validation photo, restored.
pub(crate) struct Restored<'a> {
    /// Number of photos that are done, this one included.
    pub(crate) done: usize,
    /// Its name.
    pub(crate) name: &'a str,
    /// Where it was saved, if it was.
    pub(crate) file: Option<&'a Path>,
    /// What did not work, though the photo was restored.
    pub(crate) warnings: Vec<String>,
}

impl Validator {
    /// `None` where the configuration has no validation photos. PSNR and SSIM leave out `scale` border pixels
    /// in super-resolution, as the field does, and none elsewhere.
    pub(crate) fn open(
        config: &Config,
        store: &WeightStore,
        device: &Device,
    ) -> Result<Option<Self>, TrainError> {
        let Some(source) = ValSource::open(config)? else { return Ok(None) };
        let metrics = Self::metrics(config, store, device)?;
        Ok(Some(Self { source, metrics, save_img: config.val.save_img }))
    }

    /// The scores of `val.metrics`.
    pub(crate) fn metrics(
        config: &Config,
        store: &WeightStore,
        device: &Device,
    ) -> Result<Vec<Box<dyn Metric>>, MetricNameError> {
        let crop = if config.scale > 1 { config.scale } else { 0 };
        config.val.metrics.iter().map(|name| named(name, crop, store, device)).collect()
    }

    /// Which way the score called `name` is better.
    pub(crate) fn better(&self, name: &str) -> Option<Better> {
        self.metrics.iter().find(|metric| metric.name() == name).map(|metric| metric.better())
    }

    pub(crate) fn source(&self) -> &ValSource {
        &self.source
    }

    /// Restores every photo with `model` and scores what an 8-bit file of it holds. `each` hears of every
    /// photo and says whether to go on; `None` when it did not.
    pub(crate) fn run(
        &self,
        model: &Model,
        files: &RunFiles,
        mut each: impl FnMut(Restored<'_>) -> bool,
    ) -> Result<Option<Validation>, TrainError> {
        let iter = model.card().iter;
        let mut scores: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for at in 0..self.source.photos() {
            let sample = self.source.sample(at)?;
            let restored = sample.lq.restored(model)?;
            let mut warnings = Vec::new();
            let file = files.val_image(iter, &sample.name);
            let file = self
                .save_img
                .then(|| save(files, &sample, &file, &restored))
                .and_then(|saved| saved.map(|()| file).map_err(|problem| warnings.push(problem)).ok());
            for metric in &self.metrics {
                match metric.score(&sample.gt, &restored) {
                    Ok(score) => scores.entry(metric.name()).or_default().push(score),
                    Err(error) => warnings.push(format!("{}: {error}", sample.name)),
                }
            }
            let name = sample.name.as_str();
            if !each(Restored { done: at + 1, name, file: file.as_deref(), warnings }) {
                return Ok(None);
            }
        }
        let mean = |(name, scores): (&str, Vec<f64>)| {
            (name.to_string(), scores.iter().sum::<f64>() / scores.len() as f64)
        };
        Ok(Some(Validation {
            iter,
            val: scores.into_iter().map(mean).collect(),
            protocol: self.metrics.iter().map(|m| (m.name().to_string(), m.protocol())).collect(),
            photos: self.source.photos(),
        }))
    }
}

/// Restores one more photo as those of the validation were, with the model of a run that is finished: input, result and
/// target lie beside theirs, and reports show them. What was there by its name is replaced.
///
/// # Errors
/// When the run has no model yet, the photo does not suit it, or a file cannot be written.
pub fn restore_one_more(
    config: &Config,
    name: &str,
    photo: &Image<Srgb>,
    device: &Device,
) -> Result<(), TrainError> {
    let files = RunFiles::new(config.run_dir());
    let model = Model::load(files.model(), device)?;
    let recipe = Recipe::of_config(config).map_err(DataError::from)?;
    let cut = |side: usize| side - side % recipe.multiple();
    let gt = photo.crop(0, 0, cut(photo.width()), cut(photo.height()));
    // Another number than any of the validation's.
    let lq = recipe.degrade_held_out(&gt, config.seed, u64::MAX).map_err(DataError::from)?;
    let distorted = lq.shown(gt.width(), gt.height());
    let restored = lq.restored(&model)?;
    let name = name.to_string();
    for (path, image) in [
        (files.val_gt(&name), &gt),
        (files.val_lq(&name), &distorted),
        (files.val_image(model.card().iter, &name), &restored),
    ] {
        write_photo(path, &Photo::new(image.clone()))?;
    }
    Ok(())
}

/// Saves the restored photo, and once in a run its target and its distorted input.
fn save(files: &RunFiles, sample: &Sample, file: &Path, restored: &Image<Srgb>) -> Result<(), String> {
    let write = |path: &Path, image: &Image<Srgb>| {
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.map_err(|error| format!("{}: {error}; check the folder and the free space", path.display()))?;
        write_photo(path, &Photo::new(image.clone())).map_err(|error| error.to_string())
    };
    for (path, image) in
        [(files.val_gt(&sample.name), &sample.gt), (files.val_lq(&sample.name), &sample.distorted)]
    {
        if !path.exists() {
            write(&path, image)?;
        }
    }
    write(file, restored)
}
