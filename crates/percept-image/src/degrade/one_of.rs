//! One step among several.

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Step, strength};
use crate::{Image, Rng, Srgb};

/// One of its steps, drawn for every picture by their `weight`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OneOf {
    /// The steps, as those of `degradation`, each with a `weight` if they are not equally likely. Default none, which is refused.
    pub steps: Vec<Step>,
}

impl OneOf {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        for step in &self.steps {
            step.check()?;
            strength::Strength::Fixed(step.weight).check("weight", 0.0, 1e6)?;
        }
        match self.sum() > 0.0 {
            true => Ok(()),
            false if self.steps.is_empty() => {
                Err(ConfigError::new("one_of.steps", "[]", "at least one step"))
            }
            false => Err(ConfigError::new(
                "weight",
                "0 in all steps of `one_of`",
                "a number above 0 in one of them",
            )),
        }
    }

    fn sum(&self) -> f64 {
        self.steps.iter().map(|step| step.weight).sum()
    }

    /// The step for this picture.
    fn drawn(&self, rng: &mut Rng) -> Option<&Step> {
        let mut left = self.sum() * rng.random::<f64>();
        let possible = || self.steps.iter().filter(|step| step.weight > 0.0);
        let found = possible().find(|step| {
            left -= step.weight;
            left < 0.0
        });
        // Rounding can leave a hair's breadth beyond the last one.
        found.or_else(|| possible().next_back())
    }
}

impl Degradation for OneOf {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let photo = image.size();
        self.apply_within(image, photo, rng)
    }

    fn apply_within(&self, image: Image<Srgb>, photo: (usize, usize), rng: &mut Rng) -> Image<Srgb> {
        match self.drawn(rng) {
            Some(step) => step.apply_within(image, photo, rng),
            None => image,
        }
    }

    fn growth(&self) -> f64 {
        self.steps.iter().map(Step::growth).fold(1.0, f64::max)
    }
}
