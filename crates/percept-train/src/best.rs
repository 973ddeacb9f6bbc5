//! The best validation of a run, by one of its scores.

use percept_image::Better;
use serde::{Deserialize, Serialize};

/// The best validation so far, and how long it has been the best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// The step.
    pub(crate) iter: u64,
    /// Mean of the score over the validation photos.
    pub(crate) value: f64,
    /// Validations since.
    pub(crate) since: u64,
}

impl Best {
    /// What is best after a validation of step `iter` that came to `value`; and whether that validation is it. NaN never is.
    pub(crate) fn after(before: Option<Self>, iter: u64, value: f64, better: Better) -> (Option<Self>, bool) {
        let beats = |best: &Self| match better {
            Better::Higher => value > best.value,
            Better::Lower => value < best.value,
        };
        if !value.is_nan() && before.as_ref().is_none_or(beats) {
            return (Some(Self { iter, value, since: 0 }), true);
        }
        (before.map(|best| Self { since: best.since + 1, ..best }), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_ones_stays_the_best() {
        let values = [f64::NAN, 0.5, 0.4, 0.6, 0.4, f64::NAN];
        let end = |better: Better| {
            let mut best = None;
            let news: Vec<bool> = values
                .iter()
                .zip(1..)
                .map(|(value, iter)| {
                    let (next, new) = Best::after(best.take(), iter, *value, better);
                    best = next;
                    new
                })
                .collect();
            (best.unwrap(), news)
        };
        let (best, news) = end(Better::Lower);
        assert_eq!(
            (best, news),
            (Best { iter: 3, value: 0.4, since: 3 }, vec![false, true, true, false, false, false])
        );
        assert_eq!(end(Better::Higher).0, Best { iter: 4, value: 0.6, since: 2 });
    }
}
