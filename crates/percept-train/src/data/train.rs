//! The batches of a training run.

use percept_image::rng_for;
use percept_run::Config;
use rand::RngExt;

use super::folder::{Folder, Rule};
use super::{Batch, Crops, DataError, PhotoList, Skipped};

/// The generator's third number for the order of an epoch; samples of a batch count from 0.
const ORDER: u64 = u64::MAX;

/// Makes the batch of any step from a folder of photos.
pub struct TrainSource {
    folder: Folder,
    list: PhotoList,
    crops: Crops,
    seed: u64,
    batch_size: usize,
}

impl TrainSource {
    /// Reads every photo of `datasets.train` once; what cannot be used is [`skipped`](Self::skipped).
    ///
    /// # Errors
    /// When a folder is missing or empty, when no photo can be used, and when the degradations do not fit
    /// the scale.
    pub fn open(config: &Config) -> Result<Self, DataError> {
        let train = &config.datasets.train;
        let crops = Crops::of_config(config)?;
        let rule =
            Rule { min_side: train.gt_size, scale: config.scale, cache: train.cache_mib << 20, limit: None };
        let folder = Folder::open(&train.dataroot_gt, train.dataroot_lq.as_deref(), &rule)?;
        Ok(Self { list: folder.list(), folder, crops, seed: config.seed, batch_size: train.batch_size })
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
            let rng = &mut rng_for(self.seed, iter, i);
            self.folder.with(photo, |pair| self.crops.sample(self.folder.name(photo), pair, rng))?
        });
        Ok(Batch::new(iter, &samples.collect::<Result<Vec<_>, _>>()?))
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
