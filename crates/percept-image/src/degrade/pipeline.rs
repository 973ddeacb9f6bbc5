//! Degradations one after the other.

use super::{ConfigError, Degradation, Step};
use crate::{Image, Rng, Srgb};

/// How many times longer than the photo a side may become on the way, by all steps together: beyond, memory ends.
const LARGEST: f64 = 16.0;

/// A list of degradations, applied in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline(Vec<Step>);

impl Pipeline {
    /// The steps of `steps`, in their order. An empty list leaves photos as they are.
    ///
    /// # Errors
    /// Names the first value that is out of range, or the enlargement of all steps together.
    pub fn new<S: Clone + Into<Step>>(steps: &[S]) -> Result<Self, ConfigError> {
        let steps: Vec<Step> = steps.iter().cloned().map(Into::into).collect();
        Step::check_all(&steps)?;
        let growth = Step::growth_of(&steps);
        if growth > LARGEST {
            let expected = format!("steps that together make a side at most {LARGEST} times longer");
            return Err(ConfigError::new("resize.scale", format!("{growth} times in all"), expected));
        }
        Ok(Self(steps))
    }
}

impl Degradation for Pipeline {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let photo = image.size();
        self.apply_within(image, photo, rng)
    }

    fn apply_within(&self, image: Image<Srgb>, photo: (usize, usize), rng: &mut Rng) -> Image<Srgb> {
        Step::run(&self.0, image, photo, rng)
    }

    fn growth(&self) -> f64 {
        Step::growth_of(&self.0)
    }
}
