//! Steps in any order.

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Degradation, Step};
use crate::{Image, Rng, Srgb};

/// All of its steps, in an order that is drawn for every picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shuffle {
    /// The steps, as those of `degradation`. Default none.
    pub steps: Vec<Step>,
    /// Which of the steps, counted from 1, keep the order in which they are named here; `[2, 3]`: the third never comes before the
    /// second. Default none.
    pub in_order: Vec<usize>,
}

impl Shuffle {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let count = self.steps.len();
        let wrong = self.in_order.iter().enumerate().find(|(at, step)| {
            !(1..=count).contains(*step) || self.in_order.iter().take(*at).any(|earlier| earlier == *step)
        });
        match wrong {
            Some(_) => Err(ConfigError::new(
                "shuffle.in_order",
                format!("{:?}", self.in_order),
                format!("different whole numbers from 1 to {count}, the number of steps"),
            )),
            None => Step::check_all(&self.steps),
        }
    }

    /// The positions of the steps in the order of this picture.
    fn order(&self, rng: &mut Rng) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, rng.random_range(0..=last));
        }
        // The places that these steps have got, filled in their order.
        let kept = |step: &usize| self.in_order.contains(&(step + 1));
        let mut sorted = self.in_order.iter().map(|step| step.saturating_sub(1));
        order.into_iter().map(|step| if kept(&step) { sorted.next().unwrap_or(step) } else { step }).collect()
    }
}

impl Degradation for Shuffle {
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb> {
        let photo = image.size();
        self.apply_within(image, photo, rng)
    }

    fn apply_within(&self, image: Image<Srgb>, photo: (usize, usize), rng: &mut Rng) -> Image<Srgb> {
        let order = self.order(rng);
        let steps = order.iter().filter_map(|step| self.steps.get(*step));
        steps.fold(image, |image, step| step.apply_within(image, photo, rng))
    }

    fn growth(&self) -> f64 {
        Step::growth_of(&self.steps)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::degrade::{DegradationConfig, Quantise};
    use crate::rng_for;

    #[test]
    fn every_order_is_as_likely_and_some_steps_keep_theirs() {
        let steps = vec![Step::from(DegradationConfig::Quantise(Quantise {})); 3];
        let counts = |in_order: &[usize]| {
            let shuffle = Shuffle { steps: steps.clone(), in_order: in_order.to_vec() };
            let mut counts = BTreeMap::<Vec<usize>, u32>::new();
            (0..6000).for_each(|i| *counts.entry(shuffle.order(&mut rng_for(3, i, 0))).or_default() += 1);
            counts
        };
        let free = counts(&[]);
        assert_eq!(free.len(), 6);
        assert!(free.values().all(|count| (870..1130).contains(count)), "{free:?}");
        let kept = counts(&[2, 3]);
        assert_eq!(kept.keys().cloned().collect::<Vec<_>>(), [[0, 1, 2], [1, 0, 2], [1, 2, 0]]);
        assert!(kept.values().all(|count| (1820..2180).contains(count)), "{kept:?}");
    }
}
