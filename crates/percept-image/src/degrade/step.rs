//! One step of a pipeline: a degradation, and how often it happens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, DegradationConfig, strength};
use crate::{Image, Rng, Srgb};

/// One step: a degradation, and how often it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Probability that the step happens, 0 to 1. Default 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub prob: f64,
    /// Among the steps of `one_of`: how often this one is taken, relative to the others, 0 to 1e6. Default 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
    /// What happens.
    #[serde(flatten)]
    pub what: DegradationConfig,
}

fn one() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_one(value: &f64) -> bool {
    *value == 1.0
}

impl From<DegradationConfig> for Step {
    fn from(what: DegradationConfig) -> Self {
        Self { prob: 1.0, weight: 1.0, what }
    }
}

impl Step {
    /// With that probability.
    #[must_use]
    pub fn prob(self, prob: f64) -> Self {
        Self { prob, ..self }
    }

    /// With that weight among the steps of a choice.
    #[must_use]
    pub fn weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// Checks the steps of a list that all have their turn.
    pub(super) fn check_all(steps: &[Self]) -> Result<(), ConfigError> {
        steps.iter().try_for_each(|step| {
            step.check()?;
            match step.weight == 1.0 {
                true => Ok(()),
                false => Err(ConfigError::new(
                    "weight",
                    step.weight,
                    "none here: it belongs to the steps of `one_of`",
                )),
            }
        })
    }

    /// Checks the probability and the degradation.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        strength::check_prob("prob", self.prob)?;
        self.what.validate()
    }

    /// How many times longer a side can become by all of `steps`.
    pub(super) fn growth_of(steps: &[Self]) -> f64 {
        steps.iter().map(Self::growth).product()
    }

    /// All of `steps`, in order.
    pub(super) fn run(
        steps: &[Self],
        image: Image<Srgb>,
        photo: (usize, usize),
        rng: &mut Rng,
    ) -> Image<Srgb> {
        steps.iter().fold(image, |image, step| step.apply_within(image, photo, rng))
    }
}

impl Degradation for Step {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let photo = image.size();
        self.apply_within(image, photo, rng)
    }

    fn apply_within(&self, image: Image<Srgb>, photo: (usize, usize), rng: &mut Rng) -> Image<Srgb> {
        match strength::happens(self.prob, rng) {
            true => self.what.apply_within(image, photo, rng),
            false => image,
        }
    }

    fn growth(&self) -> f64 {
        self.what.growth()
    }
}
