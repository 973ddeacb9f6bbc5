//! Degradations one after the other.

use super::{ConfigError, Degradation, DegradationConfig};
use crate::{Image, Rng, Srgb};

/// A list of degradations, applied in order.
pub struct Pipeline(Vec<Box<dyn Degradation>>);

impl Pipeline {
    /// The degradations of `configs`, in their order. An empty list leaves photos as they are.
    ///
    /// # Errors
    /// Names the first value that is out of range.
    pub fn new(configs: &[DegradationConfig]) -> Result<Self, ConfigError> {
        configs.iter().map(DegradationConfig::init).collect::<Result<_, _>>().map(Self)
    }
}

impl Degradation for Pipeline {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        self.0.iter().fold(image, |image, step| step.apply(image, rng))
    }
}
