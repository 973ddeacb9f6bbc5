//! The batches of a training run.

use percept_image::{Image, Rng, Srgb, rng_for};
use percept_run::{Config, Lq, Recipe};
use rand::RngExt;

use super::augment::Pose;
use super::folder::{Folder, Pair, Rule};
use super::{Batch, DataError, PhotoList, Sample, Skipped};

/// The generator's third number for the order of an epoch; samples of a batch count from 0.
const ORDER: u64 = u64::MAX;

/// Makes the batch of any step from a folder of photos.
pub struct TrainSource {
    folder: Folder,
    list: PhotoList,
    recipe: Recipe,
    seed: u64,
    gt_size: usize,
    batch_size: usize,
    hflip: bool,
    rot: bool,
    scale: usize,
}

impl TrainSource {
    /// Reads every photo of `datasets.train` once; what cannot be used is [`skipped`](Self::skipped).
    ///
    /// # Errors
    /// When a folder is missing or empty, when no photo can be used, and when the degradations do not fit
    /// the scale.
    pub fn open(config: &Config) -> Result<Self, DataError> {
        let train = &config.datasets.train;
        let recipe = Recipe::of_config(config)?;
        let rule =
            Rule { min_side: train.gt_size, scale: config.scale, cache: train.cache_mib << 20, limit: None };
        let folder = Folder::open(&train.dataroot_gt, train.dataroot_lq.as_deref(), &rule)?;
        Ok(Self {
            list: folder.list(),
            folder,
            recipe,
            seed: config.seed,
            gt_size: train.gt_size,
            batch_size: train.batch_size,
            hflip: train.use_hflip,
            rot: train.use_rot,
            scale: config.scale,
        })
    }

    /// Number of photos.
    pub fn photos(&self) -> usize {
        self.folder.len()
    }

    /// The photos in their order.
    pub fn list(&self) -> &PhotoList {
        &self.list
    }

    /// Photos that are left out, by name.
    pub fn skipped(&self) -> &[Skipped] {
        self.folder.skipped()
    }

    /// The batch of step `iter`, counted from 1: a pure function of the configuration's seed and `iter`.
    /// Photos come in a new order every epoch; each epoch shows each once.
    ///
    /// # Errors
    /// When a photo that was sound at the start cannot be read any more.
    pub fn batch(&self, iter: u64) -> Result<Batch, DataError> {
        let first = iter.saturating_sub(1) * self.batch_size as u64;
        let mut order = Order { epoch: None, photos: Vec::new() };
        let samples = (0..self.batch_size as u64).map(|i| {
            let photo = order.at(self.seed, first + i, self.folder.len());
            self.sample(photo, &mut rng_for(self.seed, iter, i))
        });
        Ok(Batch::new(iter, &samples.collect::<Result<Vec<_>, _>>()?))
    }

    fn sample(&self, photo: usize, rng: &mut Rng) -> Result<Sample, DataError> {
        let (gt, lq) = self.folder.with(photo, |pair| self.crop(pair, rng))?;
        let lq = lq.map_or_else(|| self.recipe.degrade(&gt, rng), Lq::Rgb);
        let distorted = lq.shown(self.gt_size, self.gt_size);
        Ok(Sample { name: self.folder.name(photo).to_string(), gt, lq, distorted })
    }

    fn crop(&self, pair: &Pair, rng: &mut Rng) -> (Image<Srgb>, Option<Image<Srgb>>) {
        let (width, height) = pair.gt.size();
        // Counterparts lie on a grid of their own pixels.
        let step = if pair.lq.is_some() { self.scale } else { 1 };
        let mut offset = |side: usize| step * rng.random_range(0..=(side - self.gt_size) / step);
        let (x, y) = (offset(width), offset(height));
        let pose = Pose::draw(self.hflip, self.rot, rng);
        let gt = pose.lay(&pair.gt.crop(x, y, self.gt_size, self.gt_size));
        let side = self.gt_size / self.scale;
        let lq = pair.lq.as_ref().map(|lq| pose.lay(&lq.crop(x / self.scale, y / self.scale, side, side)));
        (gt, lq)
    }
}

/// The order of the photos in the epoch at hand.
struct Order {
    epoch: Option<u64>,
    photos: Vec<usize>,
}

impl Order {
    /// The photo at `position` of all that the run shows.
    fn at(&mut self, seed: u64, position: u64, photos: usize) -> usize {
        let (epoch, within) = (position / photos as u64, (position % photos as u64) as usize);
        if self.epoch != Some(epoch) {
            let mut rng = rng_for(seed, epoch, ORDER);
            self.photos = (0..photos).collect();
            for last in (1..photos).rev() {
                self.photos.swap(last, rng.random_range(0..=last));
            }
            self.epoch = Some(epoch);
        }
        self.photos[within]
    }
}
