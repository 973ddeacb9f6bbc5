//! What a network gets to see: degraded photos, and the distorted image at the target's size.

use percept_image::resize::imresize;
use percept_image::{Degradation, Image, Mosaic, PackedBayer, Pipeline, Rng, Srgb, demosaic, rng_for};

use super::DataError;
use crate::config::Config;
use crate::task::Task;

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

    /// All values, `[height, width, channels]`.
    pub fn data(&self) -> &[f32] {
        match self {
            Self::Rgb(image) => image.data(),
            Self::Bayer(raw) => raw.data(),
        }
    }
}

/// One photo to restore.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// File name without its extension.
    pub name: String,
    /// The target.
    pub gt: Image<Srgb>,
    /// The network's input.
    pub lq: Lq,
    /// The input as a picture of the target's size: what a network that learned nothing would show.
    pub distorted: Image<Srgb>,
}

/// Makes inputs from targets, as the task and the configuration say.
pub struct Degrader {
    task: Task,
    scale: usize,
    pipeline: Pipeline,
    mosaic: Mosaic,
}

impl Degrader {
    /// The degradations of a configuration, tried on a grey target.
    ///
    /// # Errors
    /// When a value is out of range, or the result has not the size that the scale means.
    pub fn new(config: &Config) -> Result<Self, DataError> {
        let train = &config.datasets.train;
        let default = || config.task.degradation(config.scale);
        let pipeline = Pipeline::new(&train.degradation.clone().unwrap_or_else(default))?;
        let mosaic = train.mosaic.clone().unwrap_or_default();
        mosaic.validate()?;
        let degrader = Self { task: config.task, scale: config.scale, pipeline, mosaic };
        let side = 4 * degrader.multiple();
        let (gt, need) = ((side, side), (side / config.scale, side / config.scale));
        let grey = Image::from_fn(side, side, |_, _, _| 0.5);
        let got = degrader.pipeline.apply(grey, &mut rng_for(0, 0, 0)).size();
        if got != need {
            return Err(DataError::LqSize { gt, got, need, scale: config.scale });
        }
        Ok(degrader)
    }

    /// What the sides of targets have to be multiples of.
    pub fn multiple(&self) -> usize {
        self.task.network_scale(self.scale)
    }

    /// The input for a target; all chance comes from `rng`. A degraded photo is rounded to 8 bits, as the
    /// files that the network will be used on.
    pub fn degrade(&self, gt: &Image<Srgb>, rng: &mut Rng) -> Lq {
        let image = self.pipeline.apply(gt.clone(), rng);
        match self.task {
            Task::Raw2rgb => Lq::Bayer(self.mosaic.apply(&image, rng)),
            _ => Lq::Rgb(image.map(|v| (v.clamp(0.0, 1.0) * 255.0).round() / 255.0)),
        }
    }

    /// The input as a picture of `width × height`: enlarged by MATLAB's bicubic, a RAW demosaiced first.
    pub fn distorted(&self, lq: &Lq, width: usize, height: usize) -> Image<Srgb> {
        let fitted = |image: &Image<Srgb>| {
            if image.size() == (width, height) {
                return image.clone();
            }
            imresize(image, width, height).map(|v| v.clamp(0.0, 1.0))
        };
        match lq {
            Lq::Rgb(image) => fitted(image),
            Lq::Bayer(raw) => fitted(&demosaic(raw)),
        }
    }
}
