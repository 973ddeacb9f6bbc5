//! How sure a scale is: the bootstrap over participants and photos at once.

use percept_image::rng_for;
use rand::RngExt;
use rayon::prelude::*;

use super::evidence::{Evidence, Weights};
use crate::stats::{Estimate, Spread};

/// A scale of all methods, and what became of it when others were asked about other photos.
#[derive(Clone, Debug)]
pub(super) struct Resampled {
    value: Vec<f64>,
    draws: Vec<Draw>,
}

/// One of these, and by how much its distance from the scale is to be taken wider.
#[derive(Clone, Debug)]
struct Draw {
    scale: Vec<f64>,
    spread: f64,
}

impl Resampled {
    /// Draws participants and photos with replacement, independently, `resamples` times: an answer counts as often as
    /// its participant was drawn times as often as its photo was (Owen: The pigeonhole bootstrap, 2007). Where neither
    /// matters and all is noise, the intervals are too wide, never too narrow. Few participants or photos make nothing too
    /// sure: each draw is spread as Student's t asks for the fewer of the two. One alone says nothing about others, and
    /// nothing is drawn.
    pub fn new(
        evidence: &Evidence,
        resamples: usize,
        seed: u64,
        scale: impl Fn(&Weights) -> Vec<f64> + Sync,
    ) -> Self {
        let spread = Spread::of(evidence.participants.min(evidence.photos));
        let draw = |resample: usize| {
            let mut rng = rng_for(seed, resample as u64, 0);
            let mut drawn = |of: usize| {
                let mut counts = vec![0; of];
                (0..of).for_each(|_| counts[rng.random_range(0..of)] += 1);
                counts
            };
            let (participants, photos) = (drawn(evidence.participants), drawn(evidence.photos));
            let spread = spread.map_or(1.0, |spread| rng.sample(spread));
            Draw { scale: scale(&Weights { participants, photos }), spread }
        };
        let resamples = if spread.is_none() { 0 } else { resamples };
        let draws = (0..resamples).into_par_iter().map(draw).collect();
        Self { value: scale(&evidence.once()), draws }
    }

    /// One method's number; `None` where there is none.
    pub fn estimate(&self, method: usize) -> Option<Estimate> {
        self.of(|scale| scale.get(method).copied()).map(|(estimate, _)| estimate)
    }

    /// By how much `a` lies above `b`, and the two-sided share of resamples in which it does not; `None` without any.
    pub fn difference(&self, a: usize, b: usize) -> Option<(Estimate, Option<f64>)> {
        let (estimate, drawn) = self.of(|scale| Some(scale.get(a)? - scale.get(b)?))?;
        let count = |against: fn(f64) -> bool| drawn.iter().filter(|d| against(**d)).count();
        let against = count(|d| d <= 0.0).min(count(|d| d >= 0.0));
        let share = (2.0 * (against + 1) as f64 / (drawn.len() + 1) as f64).min(1.0);
        Some((estimate, (!drawn.is_empty()).then_some(share)))
    }

    fn of(&self, number: impl Fn(&[f64]) -> Option<f64>) -> Option<(Estimate, Vec<f64>)> {
        let value = number(&self.value).filter(|value| value.is_finite())?;
        // A method may be missing from a resample.
        let spread = |draw: &Draw| Some(value + draw.spread * (number(&draw.scale)? - value));
        let mut drawn: Vec<f64> = self.draws.iter().filter_map(spread).filter(|d| d.is_finite()).collect();
        Some((Estimate::new(value, &mut drawn), drawn))
    }
}
