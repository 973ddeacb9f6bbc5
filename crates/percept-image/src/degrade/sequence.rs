//! Steps that belong together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Step};
use crate::{Image, Rng, Srgb};

/// All of its steps in their order: where a choice or a probability is about several steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sequence {
    /// The steps, as those of `degradation`. Default none.
    pub steps: Vec<Step>,
}

impl Sequence {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        Step::check_all(&self.steps)
    }
}

impl Degradation for Sequence {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let photo = image.size();
        self.apply_within(image, photo, rng)
    }

    fn apply_within(&self, image: Image<Srgb>, photo: (usize, usize), rng: &mut Rng) -> Image<Srgb> {
        Step::run(&self.steps, image, photo, rng)
    }

    fn growth(&self) -> f64 {
        Step::growth_of(&self.steps)
    }
}
