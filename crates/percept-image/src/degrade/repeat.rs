//! Steps that come again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Step};
use crate::{Image, Rng, Srgb};

/// All of its steps several times over, each time drawn anew: a degradation of second order, as a photo that was posted twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Repeat {
    /// How often, 1 to 8. Default 2.
    pub times: u32,
    /// The steps, as those of `degradation`. Default none.
    pub steps: Vec<Step>,
}

impl Default for Repeat {
    fn default() -> Self {
        Self { times: 2, steps: Vec::new() }
    }
}

impl Repeat {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=8).contains(&self.times) {
            return Err(ConfigError::new("repeat.times", self.times, "a whole number from 1 to 8"));
        }
        Step::check_all(&self.steps)
    }
}

impl Degradation for Repeat {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let photo = image.size();
        self.apply_within(image, photo, rng)
    }

    fn apply_within(&self, image: Image<Srgb>, photo: (usize, usize), rng: &mut Rng) -> Image<Srgb> {
        (0..self.times).fold(image, |image, _| Step::run(&self.steps, image, photo, rng))
    }

    fn growth(&self) -> f64 {
        Step::growth_of(&self.steps).powi(self.times.min(8) as i32)
    }
}
