//! Mixes of samples: mixup, CutMix, CutBlur.

use percept_image::resize::imresize;
use percept_image::{Image, Rng, Space};
use percept_run::Lq;
use percept_run::config::MixConfig;
use rand::RngExt;
use rand_distr::{Beta, Distribution};

use super::{DataError, Sample};

/// The mix that chance wants, if any; nothing is drawn where there is none to want.
pub(super) fn drawn<'a>(mixes: &'a [MixConfig], rng: &mut Rng) -> Option<&'a MixConfig> {
    if mixes.is_empty() {
        return None;
    }
    let mut left = rng.random::<f64>();
    mixes.iter().find(|mix| {
        left -= mix.prob();
        left < 0.0
    })
}

/// The sample, mixed; `other` gives another one of the same size.
pub(super) fn mixed(
    mix: &MixConfig,
    sample: Sample,
    rng: &mut Rng,
    other: impl FnOnce(&mut Rng) -> Result<Sample, DataError>,
) -> Result<Sample, DataError> {
    let Sample { name, gt, lq, .. } = sample;
    let both = |other: &str| format!("{name}+{other}");
    let (name, gt, lq) = match mix {
        MixConfig::Mixup(mix) => {
            // Of the range that is checked the parameters are always fine.
            let share = Beta::new(mix.alpha, mix.alpha).map_or(0.5, |beta| beta.sample(rng)) as f32;
            let other = other(rng)?;
            let lq = on_both(lq, &other.lq, Mean(share));
            (both(&other.name), Mean(share).of(&gt, &other.gt), lq)
        }
        MixConfig::Cutmix(mix) => {
            let cut = Cut::draw(lq.size(), mix.side.sample(rng), rng);
            let other = other(rng)?;
            let large = cut.times(gt.width() / lq.size().0.max(1));
            let lq = on_both(lq, &other.lq, cut);
            (both(&other.name), large.of(&gt, &other.gt), lq)
        }
        MixConfig::Cutblur(mix) => {
            let cut = Cut::draw(lq.size(), mix.side.sample(rng), rng);
            let outside = rng.random::<bool>();
            let (width, height) = lq.size();
            let clean = match gt.size() == (width, height) {
                true => gt.clone(),
                // Rounded as every input is.
                false => imresize(&gt, width, height).map(|v| (v.clamp(0.0, 1.0) * 255.0).round() / 255.0),
            };
            let lq = match lq {
                Lq::Rgb(image) if outside => Lq::Rgb(cut.of(&clean, &image)),
                Lq::Rgb(image) => Lq::Rgb(cut.of(&image, &clean)),
                raw @ Lq::Bayer(_) => raw,
            };
            (name, gt, lq)
        }
    };
    let distorted = lq.shown(gt.width(), gt.height());
    Ok(Sample { name, gt, lq, distorted })
}

/// What makes one picture of two of the same size.
trait Mix: Copy {
    fn of<S: Space>(self, one: &Image<S>, other: &Image<S>) -> Image<S>;
}

/// The first one's share of a mean.
#[derive(Clone, Copy)]
struct Mean(f32);

impl Mix for Mean {
    fn of<S: Space>(self, one: &Image<S>, other: &Image<S>) -> Image<S> {
        Image::from_fn(one.width(), one.height(), |x, y, c| {
            self.0 * one.pixel(x, y)[c] + (1.0 - self.0) * other.pixel(x, y)[c]
        })
    }
}

/// A rectangle in which the second is seen.
#[derive(Clone, Copy)]
struct Cut {
    corner: (usize, usize),
    size: (usize, usize),
}

impl Cut {
    /// Anywhere in a picture, its sides so much of that one's.
    fn draw((width, height): (usize, usize), side: f64, rng: &mut Rng) -> Self {
        let size = [width, height].map(|whole| ((whole as f64 * side).round() as usize).min(whole));
        let [x, y] = [width - size[0], height - size[1]].map(|room| rng.random_range(0..=room));
        Self { corner: (x, y), size: (size[0], size[1]) }
    }

    /// In a picture so many times larger.
    fn times(self, scale: usize) -> Self {
        let times = |(x, y): (usize, usize)| (x * scale, y * scale);
        Self { corner: times(self.corner), size: times(self.size) }
    }
}

impl Mix for Cut {
    fn of<S: Space>(self, one: &Image<S>, other: &Image<S>) -> Image<S> {
        let ((left, top), (width, height)) = (self.corner, self.size);
        Image::from_fn(one.width(), one.height(), |x, y, c| {
            let inside = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            if inside { other.pixel(x, y)[c] } else { one.pixel(x, y)[c] }
        })
    }
}

/// Inputs of a training are all of one kind.
fn on_both(one: Lq, other: &Lq, mix: impl Mix) -> Lq {
    match (one, other) {
        (Lq::Rgb(one), Lq::Rgb(other)) => Lq::Rgb(mix.of(&one, other)),
        (Lq::Bayer(one), Lq::Bayer(other)) => Lq::Bayer(mix.of(&one, other)),
        (one, _) => one,
    }
}
