//! How inputs are made from targets: what a training did, and what judging it does again.

use percept_image::degrade::{Published, UnsharpMask};
use percept_image::resize::imresize;
use percept_image::{
    ConfigError, Degradation, Image, Mosaic, PackedBayer, Pipeline, Rng, Srgb, Step, demosaic, rng_for,
};
use percept_nn::model::{Card, Model, ModelError, Tiling};
use serde_json::Value;

use crate::{Config, Task};

/// The generator's second number for photos that are held out; training steps count from 1.
const HELD_OUT: u64 = u64::MAX;
/// How often a recipe is tried before it is used: sizes may be a matter of chance.
const TRIALS: u64 = 32;

/// Why inputs cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// A degradation's value makes no sense.
    #[error("datasets.train.degradation: {0}; correct the configuration")]
    Degradation(#[from] ConfigError),
    /// The degradations give another size than the network needs.
    #[error(
        "the degradations make {got:?} pixels of {gt:?}, scale {scale} needs {need:?}; give `downscale` the \
         scale {scale} in datasets.train.degradation, or end it with \
         {{ type = \"resize\", of = \"photo\", divide = true, scale = {scale} }}"
    )]
    LqSize {
        /// Width and height of the target.
        gt: (usize, usize),
        /// Width and height after the degradations.
        got: (usize, usize),
        /// Width and height that the scale means.
        need: (usize, usize),
        /// The configuration's scale.
        scale: usize,
    },
    /// A model's card does not say how its training photos were degraded.
    #[error("its card does not say how photos were degraded: it was trained with pairs")]
    Unsaid,
    /// A model's card names degradations that this version does not have.
    #[error("its card has a degradation that is not known: {0}")]
    Unknown(serde_json::Error),
}

/// A network's input.
#[derive(Clone, Debug, PartialEq)]
pub enum Lq {
    /// A degraded photo.
    Rgb(Image<Srgb>),
    /// A camera's RAW.
    Bayer(Image<PackedBayer>),
}

impl Lq {
    /// Width and height.
    pub fn size(&self) -> (usize, usize) {
        match self {
            Self::Rgb(image) => image.size(),
            Self::Bayer(raw) => raw.size(),
        }
    }

    /// Channels of a pixel.
    pub fn channels(&self) -> usize {
        match self {
            Self::Rgb(_) => 3,
            Self::Bayer(_) => 4,
        }
    }

    /// The rectangle that starts at (`x`, `y`), cut off at the edge.
    #[must_use]
    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Self {
        match self {
            Self::Rgb(image) => Self::Rgb(image.crop(x, y, width, height)),
            Self::Bayer(raw) => Self::Bayer(raw.crop(x, y, width, height)),
        }
    }

    /// All values, `[height, width, channels]`.
    pub fn data(&self) -> &[f32] {
        match self {
            Self::Rgb(image) => image.data(),
            Self::Bayer(raw) => raw.data(),
        }
    }

    /// As a picture of `width × height`, every value in `[0, 1]`: enlarged by MATLAB's bicubic, a RAW demosaiced first.
    pub fn shown(&self, width: usize, height: usize) -> Image<Srgb> {
        let fitted = |image: &Image<Srgb>| {
            let fitted = match image.size() == (width, height) {
                true => image.clone(),
                false => imresize(image, width, height),
            };
            fitted.map(|value| value.clamp(0.0, 1.0))
        };
        match self {
            Self::Rgb(image) => fitted(image),
            Self::Bayer(raw) => fitted(&demosaic(raw)),
        }
    }

    /// What `model` makes of it, rounded as an 8-bit file is.
    ///
    /// # Errors
    /// When the model does not read such an input.
    pub fn restored(&self, model: &Model) -> Result<Image<Srgb>, ModelError> {
        let restored = match self {
            Self::Rgb(image) => model.restore(image, Tiling::default()),
            Self::Bayer(raw) => model.restore_bayer(raw, Tiling::default()),
        };
        restored.map(|image| image.map(eight_bit))
    }
}

/// Makes inputs from targets, as a training does.
pub struct Recipe {
    pipeline: Pipeline,
    /// What is done to targets before.
    sharpen: Option<UnsharpMask>,
    /// The camera, where the input is a RAW.
    mosaic: Option<Mosaic>,
    scale: usize,
    multiple: usize,
}

impl Recipe {
    /// The recipe of a configuration, tried on grey targets of several sizes.
    ///
    /// # Errors
    /// When a value is out of range, or a result has not the size that the scale means.
    pub fn of_config(config: &Config) -> Result<Self, RecipeError> {
        let (train, scale) = (&config.datasets.train, config.scale);
        let mosaic = (config.task == Task::Raw2rgb).then(|| train.mosaic.clone().unwrap_or_default());
        let steps = train.steps(config.task, scale);
        let multiple = config.task.network_scale(scale);
        let recipe = Self::new(&steps, train.sharpen_gt.clone(), mosaic, [scale, multiple])?;
        for trial in 0..TRIALS {
            let side = |more: u64| (4 + (trial * more) as usize % 5) * multiple;
            let grey = Image::from_fn(side(1), side(2), |_, _, _| 0.5);
            recipe.degrade(&grey, &mut rng_for(0, 0, trial))?;
        }
        Ok(recipe)
    }

    /// The recipe of the training that a model comes from.
    ///
    /// # Errors
    /// When the card does not say it, or says what this version does not know.
    pub fn of_card(card: &Card) -> Result<Self, RecipeError> {
        let [degradation, mosaic, published, sharpen] = on_card(card);
        let steps: Vec<Step> = match (published, degradation) {
            (Some(name), _) => read::<Published>(name)?.steps(card.scale),
            (None, Some(steps)) => read(steps)?,
            (None, None) => return Err(RecipeError::Unsaid),
        };
        let raw = card.in_channels == 4;
        let mosaic = match mosaic.filter(|_| raw) {
            Some(mosaic) => Some(read(mosaic)?),
            None => raw.then(Mosaic::default),
        };
        Self::new(&steps, sharpen.map(read).transpose()?, mosaic, [card.scale, card.network_scale()])
    }

    /// Whether two models were trained by one recipe.
    pub fn is_shared(a: &Card, b: &Card) -> bool {
        on_card(a) == on_card(b)
    }

    fn new(
        steps: &[Step],
        sharpen: Option<UnsharpMask>,
        mosaic: Option<Mosaic>,
        [scale, multiple]: [usize; 2],
    ) -> Result<Self, RecipeError> {
        mosaic.as_ref().map_or(Ok(()), Mosaic::validate)?;
        sharpen.as_ref().map_or(Ok(()), UnsharpMask::validate)?;
        Ok(Self { pipeline: Pipeline::new(steps)?, sharpen, mosaic, scale, multiple })
    }

    /// What the sides of targets have to be multiples of.
    pub fn multiple(&self) -> usize {
        self.multiple
    }

    /// The target that a training makes of a part of a photo.
    pub fn target(&self, photo: Image<Srgb>) -> Image<Srgb> {
        match &self.sharpen {
            Some(sharpen) => sharpen.sharpened(&photo),
            None => photo,
        }
    }

    /// The input for a target whose sides are multiples of [`multiple`](Self::multiple); all chance comes from `rng`. A
    /// degraded photo is rounded to 8 bits, as the files that the network will be used on. One that reaches beyond black or white, by
    /// noise that is not clipped, is no file, and stays as it is.
    ///
    /// # Errors
    /// When the degradations gave another size than the scale means.
    pub fn degrade(&self, gt: &Image<Srgb>, rng: &mut Rng) -> Result<Lq, RecipeError> {
        let image = self.pipeline.apply(gt.clone(), rng);
        let (got, scale) = (image.size(), self.scale.max(1));
        let need = (gt.width() / scale, gt.height() / scale);
        match got == need {
            true => Ok(self.seen(image, rng)),
            false => Err(RecipeError::LqSize { gt: gt.size(), got, need, scale }),
        }
    }

    /// What a degraded photo is to the network.
    fn seen(&self, image: Image<Srgb>, rng: &mut Rng) -> Lq {
        match &self.mosaic {
            Some(mosaic) => Lq::Bayer(mosaic.apply(&image, rng)),
            None if image.data().iter().any(|value| !(0.0..=1.0).contains(value)) => Lq::Rgb(image),
            None => Lq::Rgb(image.map(eight_bit)),
        }
    }

    /// The input for the held-out photo of that number: the same every time, and from no step of a training.
    ///
    /// # Errors
    /// As [`degrade`](Self::degrade).
    pub fn degrade_held_out(&self, gt: &Image<Srgb>, seed: u64, photo: u64) -> Result<Lq, RecipeError> {
        self.degrade(gt, &mut rng_for(seed, HELD_OUT, photo))
    }
}

/// To the nearest of 256 levels.
fn eight_bit(value: f32) -> f32 {
    (value * 255.0).round() / 255.0
}

/// What a card says about how training photos were degraded.
fn on_card(card: &Card) -> [Option<&Value>; 4] {
    ["degradation", "mosaic", "recipe", "sharpen_gt"]
        .map(|key| card.data.pointer(&format!("/train/{key}")).filter(|value| !value.is_null()))
}

/// A part of a card.
fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, RecipeError> {
    serde_json::from_value(value.clone()).map_err(RecipeError::Unknown)
}
