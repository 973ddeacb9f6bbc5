//! Controls: what a score's weights have to beat to have said anything.

use percept_image::rng_for;
use rand::seq::SliceRandom;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done to a rule so that its concentration stays and its meaning goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Control {
    /// The least channels first: scores count with the other sign.
    Inverted,
    /// The rule's weights, dealt to other channels: always the same ones, which follow the rule as it moves.
    Permuted {
        /// Its seed.
        #[serde(default)]
        seed: u64,
    },
    /// The rule's weights, dealt anew to the channels in every batch.
    Redrawn {
        /// Its seed.
        #[serde(default)]
        seed: u64,
    },
}

impl Control {
    /// For pages, after `used`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Inverted => "as a control, with the other sign",
            Self::Permuted { .. } => "as a control, dealt to other channels",
            Self::Redrawn { .. } => "as a control, dealt anew in every batch",
        }
    }

    /// What a standardised score is multiplied with.
    pub(super) fn sign(control: Option<Self>) -> f64 {
        if control == Some(Self::Inverted) { -1.0 } else { 1.0 }
    }

    /// To which channel each weight of tap number `tap` goes in a batch, where it does not stay. The deal depends on nothing else,
    /// so that a run that goes on deals the same.
    pub fn deal(self, channels: usize, batch: usize, tap: usize) -> Option<Vec<usize>> {
        let (seed, turn) = match self {
            Self::Inverted => return None,
            Self::Permuted { seed } => (seed, 0),
            // No batch has the turn of a permutation that stays.
            Self::Redrawn { seed } => (seed, batch as u64 + 1),
        };
        let mut channels: Vec<usize> = (0..channels).collect();
        channels.shuffle(&mut rng_for(seed, turn, tap as u64));
        Some(channels)
    }

    /// The weights of tap number `tap` as they are dealt in a batch.
    pub(super) fn dealt(control: Option<Self>, weights: &[f32], batch: usize, tap: usize) -> Vec<f32> {
        let Some(channels) = control.and_then(|control| control.deal(weights.len(), batch, tap)) else {
            return weights.to_vec();
        };
        let mut dealt = vec![0.0; weights.len()];
        for (channel, weight) in channels.into_iter().zip(weights) {
            if let Some(place) = dealt.get_mut(channel) {
                *place = *weight;
            }
        }
        dealt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_dealt_once_for_all_or_anew() {
        let weights: Vec<f32> = (0..32).map(|channel| channel as f32).collect();
        let dealt = |control, batch, tap| Control::dealt(Some(control), &weights, batch, tap);
        let permuted = Control::Permuted { seed: 3 };
        let first = dealt(permuted, 0, 0);
        assert_eq!(first, dealt(permuted, 9, 0));
        assert_ne!(first, weights);
        assert_ne!(first, dealt(permuted, 0, 1), "each tap has its own");
        assert_ne!(first, dealt(Control::Permuted { seed: 4 }, 0, 0));
        let redrawn = Control::Redrawn { seed: 3 };
        assert_eq!(dealt(redrawn, 5, 0), dealt(redrawn, 5, 0));
        assert_ne!(dealt(redrawn, 5, 0), dealt(redrawn, 6, 0));
        for mut all in [first, dealt(redrawn, 5, 0)] {
            all.sort_by(f32::total_cmp);
            assert_eq!(all, weights, "none is lost");
        }
        // Where a weight goes does not depend on what it is.
        let doubled: Vec<f32> = weights.iter().map(|weight| weight * 2.0).collect();
        let followed = Control::dealt(Some(permuted), &doubled, 1, 0);
        assert!(followed.iter().zip(dealt(permuted, 0, 0)).all(|(now, then)| *now == then * 2.0));
        assert_eq!(Control::dealt(Some(Control::Inverted), &weights, 0, 0), weights);
    }
}
