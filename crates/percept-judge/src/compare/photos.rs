//! What the networks restore: photos that are degraded as in training, or pairs.

use std::path::{Path, PathBuf};

use percept_image::resize::imresize;
use percept_image::{
    Degradation, DegradationConfig, Image, Mosaic, PackedBayer, Pipeline, Srgb, demosaic, list_photos,
    read_srgb, rng_for,
};
use percept_nn::model::{Card, Model, ModelError, Tiling};

use super::CompareError;
use super::group::Run;
use crate::Pairs;

/// The generator's second number: as in validation, which no training step has.
const STEP: u64 = u64::MAX;

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

/// A network's input.
pub(crate) enum Input {
    Rgb(Image<Srgb>),
    Bayer(Image<PackedBayer>),
}

impl Input {
    /// What the model makes of it, rounded as an 8-bit file is.
    pub(crate) fn restored(&self, model: &Model) -> Result<Image<Srgb>, ModelError> {
        let restored = match self {
            Self::Rgb(image) => model.restore(image, Tiling::default()),
            Self::Bayer(raw) => model.restore_bayer(raw, Tiling::default()),
        };
        restored.map(|image| image.map(|value| (value * 255.0).round() / 255.0))
    }

    /// As a picture of `width × height`: enlarged by MATLAB's bicubic, a RAW demosaiced first.
    pub(crate) fn shown(&self, width: usize, height: usize) -> Image<Srgb> {
        let fitted = |image: &Image<Srgb>| match image.size() == (width, height) {
            true => image.clone(),
            false => imresize(image, width, height).map(|value| value.clamp(0.0, 1.0)),
        };
        match self {
            Self::Rgb(image) => fitted(image),
            Self::Bayer(raw) => fitted(&demosaic(raw)),
        }
    }
}

/// The photos of a comparison.
pub(super) struct Photos {
    files: Vec<Files>,
    degrader: Option<Degrader>,
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
    pub(super) fn open(source: &PhotoSource, run: &Run) -> Result<(Self, Vec<String>), CompareError> {
        let multiple = run.card().network_scale();
        match source {
            PhotoSource::Degraded(folder) => {
                let gt = list_photos(folder)?;
                if gt.is_empty() {
                    return Err(CompareError::Empty { folder: folder.clone() });
                }
                let files = gt.into_iter().map(|gt| Files { name: stem(&gt), gt, lq: None }).collect();
                let degrader = Some(Degrader::new(&run.path, run.card())?);
                Ok((Self { files, degrader, multiple }, Vec::new()))
            }
            PhotoSource::Pairs { gt, lq } => {
                if run.card().in_channels == 4 {
                    return Err(CompareError::Raw { path: run.path.clone() });
                }
                let pairs = Pairs::find(gt, lq)?;
                let alone = pairs.only_reference.len() + pairs.only_test.len();
                let notes =
                    (alone > 0).then(|| format!("{alone} photos have no counterpart and are left out."));
                let files = pairs.pairs.into_iter();
                let files =
                    files.map(|pair| Files { name: pair.name, gt: pair.reference, lq: Some(pair.test) });
                Ok((Self { files: files.collect(), degrader: None, multiple }, Vec::from_iter(notes)))
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
    pub(super) fn get(&self, at: usize) -> Result<(Image<Srgb>, Input), String> {
        let files = self.files.get(at).ok_or("no such photo")?;
        let read = |path: &Path| read_srgb(path).map_err(|error| error.to_string());
        let gt = read(&files.gt)?;
        let (width, height) = gt.size();
        let gt = gt.crop(0, 0, width - width % self.multiple, height - height % self.multiple);
        if gt.width() == 0 || gt.height() == 0 {
            return Err(format!("{}: {width}×{height} pixels are too few", files.gt.display()));
        }
        let input = match (&files.lq, &self.degrader) {
            (None, Some(degrader)) => degrader.input(&gt, 0, at as u64),
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
                Input::Rgb(lq)
            }
            (None, None) => return Err("no degraded counterpart".to_string()),
        };
        Ok((gt, input))
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a card says about how training photos were degraded.
pub(crate) fn recipe(card: &Card) -> [Option<&serde_json::Value>; 2] {
    ["degradation", "mosaic"]
        .map(|key| card.data.pointer(&format!("/train/{key}")).filter(|value| !value.is_null()))
}

/// Whether two runs degraded their photos the same way.
pub(super) fn same_recipe(a: &Card, b: &Card) -> bool {
    recipe(a) == recipe(b)
}

/// Makes inputs from targets as the training did.
pub(crate) struct Degrader {
    pipeline: Pipeline,
    mosaic: Option<Mosaic>,
}

impl Degrader {
    /// As the run in `path`, whose model has this card.
    pub(crate) fn new(path: &Path, card: &Card) -> Result<Self, CompareError> {
        let fault = |problem: String| CompareError::Degradation { path: path.to_path_buf(), problem };
        let [degradation, mosaic] = recipe(card);
        let degradation = degradation.ok_or_else(|| {
            fault("its card does not say how photos were degraded: it was trained with pairs".to_string())
        })?;
        let unclear = |error: serde_json::Error| {
            fault(format!("its card has a degradation that is not known: {error}"))
        };
        let steps: Vec<DegradationConfig> = serde_json::from_value(degradation.clone()).map_err(unclear)?;
        let raw = card.in_channels == 4;
        let mosaic: Option<Mosaic> = match mosaic.filter(|_| raw) {
            Some(mosaic) => Some(serde_json::from_value(mosaic.clone()).map_err(unclear)?),
            None => raw.then(Mosaic::default),
        };
        mosaic.as_ref().map_or(Ok(()), Mosaic::validate)?;
        Ok(Self { pipeline: Pipeline::new(&steps)?, mosaic })
    }

    /// The input for a target; all chance comes from `seed` and the photo's number.
    pub(crate) fn input(&self, gt: &Image<Srgb>, seed: u64, photo: u64) -> Input {
        let mut rng = rng_for(seed, STEP, photo);
        let image = self.pipeline.apply(gt.clone(), &mut rng);
        match &self.mosaic {
            Some(mosaic) => Input::Bayer(mosaic.apply(&image, &mut rng)),
            None => Input::Rgb(image.map(|value| (value.clamp(0.0, 1.0) * 255.0).round() / 255.0)),
        }
    }
}
