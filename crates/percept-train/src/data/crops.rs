//! From a photo to a sample: where it is cut, how it is laid down, and how it is degraded.

use percept_image::{Image, Photo, Rng, Srgb, rng_for};
use percept_run::config::MixConfig;
use percept_run::{Config, Lq, Recipe, RecipeError};
use rand::RngExt;

use super::augment::{ColourOrder, Pose};
use super::mix::{drawn, mixed};
use super::photos::Pair;
use super::stored::Stored;
use super::{DataError, Sample};

/// Makes samples of the photos of a configuration.
pub struct Crops {
    recipe: Recipe,
    gt_size: usize,
    /// How much larger a patch is than a crop.
    beyond: usize,
    mixes: Vec<MixConfig>,
    hflip: bool,
    rot: bool,
    rgb_perm: bool,
    scale: usize,
}

impl Crops {
    /// As `datasets.train` says.
    ///
    /// # Errors
    /// When the degradations do not fit the scale.
    pub fn of_config(config: &Config) -> Result<Self, RecipeError> {
        let train = &config.datasets.train;
        Ok(Self {
            recipe: Recipe::of_config(config)?,
            gt_size: train.gt_size,
            beyond: train.patch_size.map_or(0, |patch_size| patch_size.saturating_sub(train.gt_size)),
            mixes: train.augment.clone(),
            hflip: train.use_hflip,
            rot: train.use_rot,
            rgb_perm: train.use_rgb_perm,
            scale: config.scale,
        })
    }

    /// The sample that a training of that seed would make of the photo, were it sample `number` of step `iter`.
    ///
    /// # Errors
    /// When the photo is smaller than a crop, or the degradations give another size than the scale means.
    pub fn sample_of(
        &self,
        name: &str,
        photo: Photo,
        [seed, iter, number]: [u64; 3],
    ) -> Result<Sample, DataError> {
        let (width, height) = photo.pixels.size();
        if width.min(height) < self.gt_size {
            return Err(DataError::TooSmall {
                name: name.to_string(),
                size: (width, height),
                side: self.gt_size,
            });
        }
        let pair = Pair { gt: Stored::new(photo), lq: None };
        self.sample(name, &pair, self.gt_size, &mut rng_for(seed, iter, number))
    }

    /// A sample that is mixed, if chance wants it, with `other`, another one.
    pub(super) fn mixed(
        &self,
        sample: Sample,
        rng: &mut Rng,
        other: impl FnOnce(&mut Rng) -> Result<Sample, DataError>,
    ) -> Result<Sample, DataError> {
        match drawn(&self.mixes, rng) {
            Some(mix) => mixed(mix, sample, rng, other),
            None => Ok(sample),
        }
    }

    /// A crop of `side` pixels of a photo whose sides are at least that, and its input.
    pub(super) fn sample(
        &self,
        name: &str,
        pair: &Pair,
        side: usize,
        rng: &mut Rng,
    ) -> Result<Sample, DataError> {
        let (width, height) = pair.gt.size();
        // Counterparts lie on a grid of their own pixels.
        let step = if pair.lq.is_some() { self.scale } else { 1 };
        let mut offset = |whole: usize| step * rng.random_range(0..=(whole - side) / step);
        let (x, y) = (offset(width), offset(height));
        let pose = Pose::draw(self.hflip, self.rot, rng);
        let order = self.rgb_perm.then(|| ColourOrder::draw(rng));
        let laid = |image: &Image<Srgb>| match order {
            Some(order) => order.of(&pose.lay(image)),
            None => pose.lay(image),
        };
        let (gt, lq) = match &pair.lq {
            Some(lq) => {
                let small = side / self.scale;
                let lq = lq.crop(x / self.scale, y / self.scale, small, small);
                (laid(&pair.gt.crop(x, y, side, side)), Lq::Rgb(laid(&lq)))
            }
            None => {
                let [left, right] = self.margins(x, [side, width], rng);
                let [above, below] = self.margins(y, [side, height], rng);
                let size = (left + side + right, above + side + below);
                let patch = pair.gt.crop(x - left, y - above, size.0, size.1);
                let patch = self.recipe.target(laid(&patch));
                let lq = self.recipe.degrade(&patch, rng)?;
                let (x, y) = pose.corner((left, above), side, size);
                let (multiple, small) = (self.recipe.multiple(), side / self.recipe.multiple());
                (patch.crop(x, y, side, side), lq.crop(x / multiple, y / multiple, small, small))
            }
        };
        let distorted = lq.shown(side, side);
        Ok(Sample { name: name.to_string(), gt, lq, distorted })
    }

    /// How many pixels a patch goes beyond a crop that starts at `at`, on either side: a quarter of them at least, the rest
    /// shared out at random, as far as the photo goes, in whole pixels of the network's input.
    fn margins(&self, at: usize, [side, photo]: [usize; 2], rng: &mut Rng) -> [usize; 2] {
        let multiple = self.recipe.multiple();
        let spare = self.beyond / multiple;
        if spare == 0 {
            return [0, 0];
        }
        let first = rng.random_range(spare / 4..=spare - spare / 4);
        let fits = |pixels: usize, room: usize| pixels.min(room / multiple) * multiple;
        [fits(first, at), fits(spare - first, photo - at - side)]
    }
}
