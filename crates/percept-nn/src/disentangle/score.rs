//! What a channel is scored by in a closed form: one reading of the abstract each.
//!
//! All distances are means over a batch, by channel. With `u = φ(y) − φ(x̃)`, what the distortion took away, and
//! `r = φ(y) − φ(ŷ)`, what the result still lacks: `δ(x̃,y) = E[u²]`, `δ(ŷ,y) = E[r²]`, `δ(x̃,ŷ) = E[(u−r)²]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Anchor;

/// A channel whose divisor is below this share of the tap's mean is silent in that batch, and is not scored by it.
const SILENT: f64 = 1e-4;
/// The smallest ratio whose logarithm is taken: something that is done perfectly.
const SMALLEST: f64 = 1e-6;

/// By what a channel rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Score {
    /// `(δ(x̃,y) − δ(x̃,ŷ)) / δ(x̃,y)`: the abstract to the letter (anchor = distorted, positive = result, negative = target).
    /// A channel rises while the result is still on the distorted side, and falls once it has gone as far as the target, or
    /// past it.
    Literal {
        /// Which image stands for the distortion: `input` (default), `blurred` (the target, blurred) or `earlier` (the
        /// result of the averaged network).
        #[serde(default)]
        anchor: Anchor,
    },
    /// `(δ(x̃,ŷ) − δ(ŷ,y)) / δ(x̃,y)`: the usual roles of a triplet (anchor = result, positive = target, negative =
    /// distorted). A channel rises where the result is closer to the target than to the distorted photo: what is won
    /// already.
    Conventional {
        /// Which image stands for the distortion: `input` (default), `blurred` (the target, blurred) or `earlier` (the
        /// result of the averaged network).
        #[serde(default)]
        anchor: Anchor,
    },
    /// `log δ(ŷ,y) − log δ(x̃,y)`: which part of the distortion is left. Like `literal`, but a channel in which the result
    /// went past the target is watched as one in which it fell short.
    Left {
        /// Which image stands for the distortion: `input` (default), `blurred` (the target, blurred) or `earlier` (the
        /// result of the averaged network).
        #[serde(default)]
        anchor: Anchor,
    },
    /// `log δ̄(ŷ,y) − log δ(ŷ,y)`, `δ̄` after features were averaged over windows: which part of the error is no accident of
    /// single positions, so that a gradient can still mend it (colour, light, the strength of texture). Needs no distorted
    /// image.
    Systematic {
        /// Side of the windows in pixels of the image, 1 to 1024. At a tap whose maps are 4 times smaller, 16 pixels are
        /// 4 positions; the windows at the right and lower edge, or the only one of a smaller map, are as large as there
        /// is room. Where a window is one position, all channels count the same.
        #[serde(default = "window")]
        window: usize,
    },
    /// Gaussian noise that never changes: the control that every score has to beat.
    Random {
        /// Its seed.
        #[serde(default)]
        seed: u64,
    },
}

fn window() -> usize {
    16
}

impl Default for Score {
    fn default() -> Self {
        Self::Literal { anchor: Anchor::default() }
    }
}

/// The distances of a tap, by channel, means over a batch; those that a score does not read are empty.
#[derive(Clone, Debug, Default)]
pub(super) struct ChannelDistances {
    /// `δ(ŷ, y)`.
    pub result_target: Vec<f64>,
    /// `δ(x̃, y)`.
    pub distorted_target: Vec<f64>,
    /// `δ(x̃, ŷ)`.
    pub distorted_result: Vec<f64>,
    /// `δ̄(ŷ, y)`.
    pub averaged: Vec<f64>,
}

impl Score {
    /// For pages: `systematic over 16 pixels`.
    pub fn words(&self) -> String {
        let (name, anchor) = match self {
            Self::Literal { anchor } => ("literal", anchor),
            Self::Conventional { anchor } => ("conventional", anchor),
            Self::Left { anchor } => ("left", anchor),
            Self::Systematic { window } => return format!("systematic over {window} pixels"),
            Self::Random { seed } => return format!("random, seed {seed}"),
        };
        match anchor {
            Anchor::Input => name.to_string(),
            Anchor::Blurred => format!("{name}, distorted image: the target, blurred"),
            Anchor::Earlier => format!("{name}, distorted image: an earlier result"),
        }
    }

    /// Which image stands for the distortion; `None` where the score does not look at it.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        match self {
            Self::Literal { anchor } | Self::Conventional { anchor } | Self::Left { anchor } => Some(*anchor),
            Self::Systematic { .. } | Self::Random { .. } => None,
        }
    }

    /// The score of every channel; `None` of one that is silent. A score from noise reads no distances and has none here.
    pub(super) fn of(&self, distances: &ChannelDistances) -> Vec<Option<f64>> {
        let ChannelDistances { result_target, distorted_target, distorted_result, averaged } = distances;
        let log = |ratio: f64| ratio.max(SMALLEST).ln();
        match self {
            Self::Literal { .. } => {
                let gone = distorted_target.iter().zip(distorted_result).map(|(all, gone)| all - gone);
                ratios(gone, distorted_target, |ratio| ratio)
            }
            Self::Conventional { .. } => {
                let won = distorted_result.iter().zip(result_target).map(|(gone, left)| gone - left);
                ratios(won, distorted_target, |ratio| ratio)
            }
            Self::Left { .. } => ratios(result_target.iter().copied(), distorted_target, log),
            Self::Systematic { .. } => ratios(averaged.iter().copied(), result_target, log),
            Self::Random { .. } => Vec::new(),
        }
    }
}

/// `then(numerator / divisor)` where the divisor is not silent and the ratio is a number.
fn ratios(
    numerators: impl Iterator<Item = f64>,
    divisors: &[f64],
    then: impl Fn(f64) -> f64,
) -> Vec<Option<f64>> {
    let mean = divisors.iter().sum::<f64>() / divisors.len().max(1) as f64;
    let speaks = |divisor: f64| divisor > 0.0 && divisor >= SILENT * mean;
    let one = |(numerator, divisor): (f64, &f64)| {
        let ratio = numerator / divisor;
        // Scores are kept in single precision.
        (speaks(*divisor) && (ratio as f32).is_finite()).then(|| then(ratio))
    };
    numerators.zip(divisors).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three channels by hand. Feature vectors of one position: `x̃ = 0`, `y = 2`; the result is at 1 (half way), at 2
    /// (there), at 3 (past it by half).
    fn by_hand() -> ChannelDistances {
        ChannelDistances {
            result_target: vec![1.0, 0.0, 1.0],
            distorted_target: vec![4.0, 4.0, 4.0],
            distorted_result: vec![1.0, 4.0, 9.0],
            averaged: vec![0.25, 0.0, 1.0],
        }
    }

    fn scores(score: Score) -> Vec<f64> {
        score.of(&by_hand()).into_iter().map(|score| score.unwrap_or(f64::NAN)).collect()
    }

    #[test]
    fn scores_are_their_formulas() {
        let anchor = Anchor::Input;
        assert_eq!(scores(Score::Literal { anchor }), [0.75, 0.0, -1.25]);
        assert_eq!(scores(Score::Conventional { anchor }), [0.0, 1.0, 2.0]);
        let quarter = 0.25f64.ln();
        // What went past the target is as far from it as what fell short.
        assert_eq!(scores(Score::Left { anchor }), [quarter, SMALLEST.ln(), quarter]);
        // The channel that is there has no error to share out.
        let systematic = scores(Score::Systematic { window: 16 });
        assert_eq!((systematic[0], systematic[2]), (quarter, 0.0));
        assert!(systematic[1].is_nan());
    }

    #[test]
    fn silent_channels_and_numbers_that_are_none_are_not_scored() {
        let literal = Score::default();
        let distances = ChannelDistances {
            distorted_target: vec![1.0, 0.0, 1e-5, 1.0, f64::INFINITY],
            distorted_result: vec![0.5, 0.0, 1.0, f64::NAN, 1.0],
            ..ChannelDistances::default()
        };
        assert_eq!(literal.of(&distances), [None; 5], "beside infinity all are silent");
        let finite = ChannelDistances {
            distorted_target: distances.distorted_target[..4].to_vec(),
            distorted_result: distances.distorted_result[..4].to_vec(),
            ..ChannelDistances::default()
        };
        assert_eq!(literal.of(&finite), [Some(0.5), None, None, None]);
        let nothing =
            ChannelDistances { distorted_target: vec![0.0; 2], distorted_result: vec![0.0; 2], ..finite };
        assert_eq!(literal.of(&nothing), [None; 2]);
    }
}
