//! The batches of a training run.

use percept_image::{Rng, rng_for};
use percept_run::Config;
use rand::RngExt;
use rayon::prelude::*;

use super::order::Order;
use super::photos::{Photos, Rule};
use super::{Batch, Crops, DataError, PhotoList, Skipped};
use crate::Team;

/// Makes the batch of any step from photos.
pub struct TrainSource {
    photos: Photos,
    list: PhotoList,
    order: Order,
    crops: Crops,
    seed: u64,
    stages: Stages,
    /// Batches of a step.
    accumulate: u64,
    /// Between whom the samples of a batch are dealt.
    team: Team,
}

impl TrainSource {
    /// Looks at every photo of `datasets.train` once; what cannot be used is [`skipped`](Self::skipped).
    ///
    /// # Errors
    /// When a folder is missing or empty, when no photo of a root can be used, and when the degradations do not fit
    /// the scale.
    pub fn open(config: &Config) -> Result<Self, DataError> {
        let train = &config.datasets.train;
        let crops = Crops::of_config(config)?;
        let rule = Rule {
            min_side: train.sides().1,
            scale: config.scale,
            cache: train.cache_mib << 20,
            limit: None,
        };
        let roots = train.all_roots();
        let photos = Photos::open(&roots, &rule)?;
        let shares: Vec<f64> = roots.iter().filter_map(|root| root.share).collect();
        Ok(Self {
            order: Order::new(config.seed, &photos.of_roots(), &shares),
            list: photos.list(),
            photos,
            crops,
            seed: config.seed,
            stages: Stages(train.stages().collect()),
            accumulate: config.train.accumulate,
            team: Team::alone(),
        })
    }

    /// From now on a batch has the samples that are this process's in the team.
    pub(crate) fn dealt(self, team: &Team) -> Self {
        Self { team: team.clone(), ..self }
    }

    /// Number of photos.
    pub fn photos(&self) -> usize {
        self.photos.len()
    }

    /// The photos in their order.
    pub fn list(&self) -> &PhotoList {
        &self.list
    }

    /// Photos that are left out, by name.
    pub fn skipped(&self) -> &[Skipped] {
        self.photos.skipped()
    }

    /// The batch of that number, counted from 1, `accumulate` of which make a step: a pure function of the configuration's
    /// seed and the number. Its samples are made in parallel.
    ///
    /// # Errors
    /// When a photo that was sound at the start cannot be read any more.
    pub fn batch(&self, number: u64) -> Result<Batch, DataError> {
        let (first, side, batch_size) = self.stages.batch(number, self.accumulate);
        let part = self.team.part(batch_size);
        let photos = self.order.photos(first + part.start as u64..first + part.end as u64);
        let crop = |photo: usize, rng: &mut Rng| {
            self.photos.with(photo, |pair| self.crops.sample(self.photos.name_of(photo), pair, side, rng))?
        };
        let sample = |(i, photo): (usize, &usize)| {
            let rng = &mut rng_for(self.seed, number, (part.start + i) as u64);
            let sample = crop(*photo, rng)?;
            self.crops.mixed(sample, rng, |rng| crop(rng.random_range(0..self.photos.len()), rng))
        };
        let samples: Result<Vec<_>, _> = photos.par_iter().enumerate().map(sample).collect();
        Ok(Batch::new(number, &samples?))
    }
}

/// The steps before each stage, its side of crops and its size of batches; the first one begins with the run.
struct Stages(Vec<(u64, usize, usize)>);

impl Stages {
    /// Of a batch: the place of its first sample among all that the run shows, the side of crops and their number.
    fn batch(&self, number: u64, accumulate: u64) -> (u64, usize, usize) {
        let before = number.saturating_sub(1);
        let (mut place, mut stage) = (0, (0, 0));
        for (at, (after, side, batch_size)) in self.0.iter().enumerate() {
            let (begins, ends) = (
                after.saturating_mul(accumulate),
                self.0.get(at + 1).map_or(u64::MAX, |next| next.0.saturating_mul(accumulate)),
            );
            if before < begins {
                break;
            }
            place += (before.min(ends) - begins) * *batch_size as u64;
            stage = (*side, *batch_size);
        }
        (place, stage.0, stage.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_goes_on_where_the_one_before_ended_whatever_the_stages() {
        let stages = Stages(vec![(0, 32, 8), (2, 48, 4), (3, 64, 1)]);
        for accumulate in [1, 3] {
            let mut place = 0;
            for number in 1..30 {
                let (first, side, batch_size) = stages.batch(number, accumulate);
                assert_eq!(first, place, "{number}");
                let expected = match (number - 1) / accumulate {
                    0 | 1 => (32, 8),
                    2 => (48, 4),
                    _ => (64, 1),
                };
                assert_eq!((side, batch_size), expected);
                place += batch_size as u64;
            }
        }
    }
}
