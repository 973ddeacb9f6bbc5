//! Which scores are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use percept_conv::Device;
use percept_image::{Cost, Image, Metric, MetricError, Srgb};
use percept_nn::metric::{FrechetVgg, NamedMetric};
use percept_nn::nearest;
use percept_nn::weights::WeightStore;
use percept_run::metric::{MetricNameError, named};

use crate::ImageScores;

/// Why there is no panel.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// A name that no score has.
    #[error("no score is called `{name}`; {advice}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name, or all of them where none is near.
        advice: String,
    },
    /// Weights of a learned score that are missing or wrong.
    #[error(transparent)]
    Metric(#[from] MetricNameError),
    /// A score of whole folders where photos are judged one by one.
    #[error(
        "`{name}` compares whole folders and has no value for a single photo; take it by `percept score --ref DIR --test DIR \
         --metric {name}`, and leave it out here"
    )]
    OfSets {
        /// The score.
        name: &'static str,
    },
    /// The same score twice.
    #[error("the score `{name}` is asked for twice; name it once")]
    Twice {
        /// The score.
        name: String,
    },
    /// No score at all.
    #[error("no score is asked for; name at least one, e.g. psnr-y")]
    Empty,
}

/// Scores to be taken of every photo, in order.
pub struct Panel {
    metrics: Vec<Box<dyn Metric>>,
    distribution: Option<FrechetVgg>,
}

impl std::fmt::Debug for Panel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.metrics.iter().map(|metric| metric.name())).finish()
    }
}

impl Panel {
    /// The names of all scores of a photo that there are. Beside them, `selected:RUN` is the distance that a run
    /// selected, and [`FrechetVgg::NAME`] one between two sets of photos.
    pub fn names() -> Vec<&'static str> {
        NamedMetric::names().collect()
    }

    /// The scores called `names`. The classical ones leave out `crop` pixels at each border; the learned ones look
    /// at whole images, on `device`.
    ///
    /// # Errors
    /// When there are no names, a name twice or one that no score has, and when the weights of a learned
    /// score are missing or wrong.
    pub fn new(
        names: &[String],
        crop: usize,
        store: &WeightStore,
        device: &Device,
    ) -> Result<Self, PanelError> {
        if names.is_empty() {
            return Err(PanelError::Empty);
        }
        let mut seen = BTreeSet::new();
        let (mut metrics, mut distribution) = (Vec::new(), None);
        for name in names {
            if !seen.insert(name) {
                return Err(PanelError::Twice { name: name.clone() });
            }
            if name == FrechetVgg::NAME {
                distribution = Some(FrechetVgg::new(store, device).map_err(MetricNameError::from)?);
                continue;
            }
            metrics.push(named(name, crop, store, device).map_err(|error| refused(name, error))?);
        }
        Ok(Self { metrics, distribution })
    }

    /// As [`new`](Self::new), for work that needs a value of every photo.
    ///
    /// # Errors
    /// As there, and when one of the scores is of whole sets of photos.
    pub fn of_photos(
        names: &[String],
        crop: usize,
        store: &WeightStore,
        device: &Device,
    ) -> Result<Self, PanelError> {
        // With a size behind it, too, whose refusal would name it as the right one.
        let of_sets = |name: &String| name.split('@').next() == Some(FrechetVgg::NAME);
        if names.iter().any(of_sets) {
            return Err(PanelError::OfSets { name: FrechetVgg::NAME });
        }
        Self::new(names, crop, store, device)
    }

    /// The scores of a photo, in the order of their names in [`new`](Self::new).
    pub fn metrics(&self) -> impl Iterator<Item = &dyn Metric> {
        self.metrics.iter().map(AsRef::as_ref)
    }

    /// The distance between all photos and all references, if it is asked for.
    pub fn distribution(&self) -> Option<&FrechetVgg> {
        self.distribution.as_ref()
    }

    /// The scores that compare with references, by name.
    pub fn comparing(&self) -> impl Iterator<Item = &str> {
        let metrics = self.metrics().filter(|metric| metric.needs_reference()).map(Metric::name);
        metrics.chain(self.distribution.as_ref().map(|_| FrechetVgg::NAME))
    }

    /// Whether a network is among the scores, which keeps all cores busy and takes memory by itself.
    pub fn has_network(&self) -> bool {
        self.metrics().any(|metric| metric.cost() == Cost::Network)
    }

    /// All scores of the photo `name`.
    ///
    /// # Errors
    /// When the two images differ in size or are too small for a score.
    pub fn score(
        &self,
        name: &str,
        reference: &Image<Srgb>,
        test: &Image<Srgb>,
    ) -> Result<ImageScores, MetricError> {
        let score = |metric: &dyn Metric| Ok((metric.name().to_string(), metric.score(reference, test)?));
        let scores = self.metrics().map(score).collect::<Result<_, MetricError>>()?;
        Ok(ImageScores { name: name.to_string(), scores, missing: BTreeMap::new() })
    }

    /// Those scores of the photo `name` that can be taken. The others are missing, with the reason.
    ///
    /// # Errors
    /// When none can be taken, and when the two images differ in size, which is a fault of the pair.
    pub fn score_what_can_be(
        &self,
        name: &str,
        reference: &Image<Srgb>,
        test: &Image<Srgb>,
    ) -> Result<ImageScores, MetricError> {
        let Ok(scores) = self.what_can_be(name, |metric| Ok::<_, Infallible>(metric.score(reference, test)));
        scores
    }

    /// The same of a photo whose scores are found by `score`, which may fail for all of them.
    pub(crate) fn what_can_be<E>(
        &self,
        name: &str,
        mut score: impl FnMut(&dyn Metric) -> Result<Result<f64, MetricError>, E>,
    ) -> Result<Result<ImageScores, MetricError>, E> {
        let mut image =
            ImageScores { name: name.to_string(), scores: BTreeMap::new(), missing: BTreeMap::new() };
        let mut first = None;
        for metric in self.metrics() {
            match score(metric)? {
                Ok(score) => drop(image.scores.insert(metric.name().to_string(), score)),
                Err(error @ MetricError::SizeMismatch { .. }) => return Ok(Err(error)),
                Err(error) => {
                    image.missing.insert(metric.name().to_string(), error.to_string());
                    first.get_or_insert(error);
                }
            }
        }
        Ok(match first {
            Some(error) if image.scores.is_empty() => Err(error),
            _ => Ok(image),
        })
    }

    /// Those scores of a photo that need no reference and can be taken.
    ///
    /// # Errors
    /// When one of the scores [compares](Self::comparing), or none can be taken.
    pub fn score_alone(&self, name: &str, test: &Image<Srgb>) -> Result<ImageScores, MetricError> {
        self.compares_nothing()?;
        // Which these do not look at.
        self.score_what_can_be(name, test, test)
    }

    /// Fails with the first score that [compares](Self::comparing).
    pub(crate) fn compares_nothing(&self) -> Result<(), MetricError> {
        self.comparing().next().map_or(Ok(()), |metric| {
            let why = "it compares with a reference, and there is none".to_string();
            Err(MetricError::Undefined { metric: metric.to_string(), why })
        })
    }
}

/// A name that no score has, with advice; other errors as they are.
fn refused(name: &str, error: MetricNameError) -> PanelError {
    let MetricNameError::Unknown { name: unknown } = &error else { return error.into() };
    // Of `lpips-alx@256` it is what stands before the size; sets are not shrunk.
    let name = if unknown == FrechetVgg::NAME { name } else { unknown };
    let near = nearest(name, NamedMetric::names().chain([FrechetVgg::NAME]));
    let advice = match near {
        Some(nearest) if name.starts_with("selected") => {
            format!("did you mean `{nearest}`, or selected:RUN?")
        }
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("there are {}, {} and selected:RUN", Panel::names().join(", "), FrechetVgg::NAME),
    };
    PanelError::Unknown { name: name.to_string(), advice }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(names: &[&str]) -> Result<Panel, String> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let device = percept_conv::device("cpu").unwrap();
        Panel::new(&names, 4, &WeightStore::new(), &device).map_err(|error| error.to_string())
    }

    #[test]
    fn the_order_is_that_of_the_call() {
        let panel = panel(&["ssim-rgb", "psnr-y@256", "ms-ssim-y"]).unwrap();
        let names: Vec<_> = panel.metrics().map(Metric::name).collect();
        assert_eq!(names, ["ssim-rgb", "psnr-y@256", "ms-ssim-y"]);
        assert!(panel.metrics().all(|metric| metric.protocol().contains("crop 4")));
    }

    #[test]
    fn wrong_names_are_answered_with_the_right_ones() {
        assert!(panel(&["psnr-y", "lpips-alx"]).unwrap_err().contains("did you mean `lpips-alex`?"));
        assert!(panel(&["PSNR-Y"]).unwrap_err().contains("did you mean `psnr-y`?"));
        assert!(panel(&["psnr-x@256"]).unwrap_err().contains("`psnr-x`; did you mean `psnr-y`?"));
        assert!(panel(&["vgg-fd@256"]).unwrap_err().contains("`vgg-fd@256`; did you mean `vgg-fd`?"));
        assert!(panel(&["psnr-y@0"]).unwrap_err().contains("`psnr-y@0`"));
        let all = panel(&["brightness"]).unwrap_err();
        assert!(Panel::names().into_iter().all(|name| all.contains(name)), "{all}");
        assert!(panel(&["psnr-y", "ssim-y", "psnr-y"]).unwrap_err().contains("`psnr-y` is asked for twice"));
        assert!(panel(&[]).unwrap_err().contains("at least one"));
    }

    /// Without weights, every name but the networks'.
    #[test]
    fn every_name_is_that_of_its_score() {
        let classical: Vec<_> = Panel::names()
            .iter()
            .filter(|name| {
                !name.starts_with("lpips")
                    && !["dists", "a-dists", "ms-swd", "vgg", "selected-alex"].contains(name)
            })
            .copied()
            .collect();
        let panel = panel(&classical).unwrap();
        assert_eq!(panel.metrics().map(Metric::name).collect::<Vec<_>>(), classical);
        assert!(panel.metrics().all(|metric| metric.protocol().ends_with("crop 4")));
        assert!(!panel.has_network());
    }

    #[test]
    fn a_photo_alone_has_only_the_scores_that_compare_with_nothing() {
        let photo =
            Image::from_fn(208, 112, |x, y, c| ((x * 7 + y * 13 + c * 5 + x * y / 3) % 17) as f32 / 17.0);
        let alone = panel(&["niqe", "tv", "noise"]).unwrap();
        assert_eq!(alone.comparing().count(), 0);
        let scores = alone.score_alone("a", &photo).unwrap();
        // A reference of any size makes no difference.
        assert_eq!(scores, alone.score("a", &Image::from_fn(1, 1, |_, _, _| 0.5), &photo).unwrap());
        let mixed = panel(&["tv", "gmsd"]).unwrap();
        assert_eq!(mixed.comparing().collect::<Vec<_>>(), ["gmsd"]);
        let error = mixed.score_alone("a", &photo).unwrap_err().to_string();
        assert!(error.contains("gmsd") && error.contains("reference"), "{error}");
    }

    #[test]
    fn one_score_that_cannot_be_taken_loses_no_other() {
        let photo = |width, height| {
            Image::from_fn(width, height, |x, y, c| ((x * 7 + y * 13 + c * 5) % 17) as f32 / 17.0)
        };
        let panel = panel(&["psnr-y", "ms-ssim-y", "gmsd"]).unwrap();
        let small = photo(60, 40);
        let scores = panel.score_what_can_be("a", &small, &small.clone().map(|v| 0.9 * v)).unwrap();
        assert_eq!(scores.scores.keys().collect::<Vec<_>>(), ["gmsd", "psnr-y"]);
        assert_eq!(scores.missing.keys().collect::<Vec<_>>(), ["ms-ssim-y"]);
        assert!(scores.missing["ms-ssim-y"].contains("161 pixels"), "{scores:?}");
        // Where nothing is left, the reason is an error, and so is a pair that is none.
        let tiny = photo(3, 3);
        assert!(panel.score_what_can_be("a", &tiny, &tiny).is_err());
        let error = panel.score_what_can_be("a", &small, &photo(40, 60)).unwrap_err();
        assert!(matches!(error, MetricError::SizeMismatch { .. }), "{error}");
    }

    #[test]
    fn scores_of_whole_folders_are_refused_where_photos_are_judged() {
        let device = percept_conv::device("cpu").unwrap();
        for name in ["vgg-fd", "vgg-fd@256"] {
            let names = ["psnr-y", name].map(String::from);
            // Before any weights are looked for: this store has none.
            let error = Panel::of_photos(&names, 0, &WeightStore::new(), &device).unwrap_err().to_string();
            assert!(
                error.contains("`vgg-fd` compares whole folders") && error.contains("percept score"),
                "{error}"
            );
        }
        assert!(Panel::of_photos(&["psnr-y".to_string()], 0, &WeightStore::new(), &device).is_ok());
    }

    #[test]
    fn missing_weights_are_named() {
        assert!(panel(&["psnr-y", "dists"]).unwrap_err().contains("vgg16"));
    }
}
