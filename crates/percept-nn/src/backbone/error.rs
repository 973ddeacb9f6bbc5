//! What can be wrong with a backbone's description.

use crate::weights::WeightError;

/// Why a backbone could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BackboneError {
    /// No tap of that name.
    #[error("{backbone} has no tap `{tap}`; nearest first, it has {}", known.join(", "))]
    UnknownTap {
        /// The backbone.
        backbone: String,
        /// What was asked for.
        tap: String,
        /// All its taps, the nearest one first.
        known: Vec<String>,
    },
    /// No tap at all.
    #[error("no tap of {backbone} was asked for: name at least one, such as `{example}`")]
    NoTaps {
        /// The backbone.
        backbone: String,
        /// A tap that it has.
        example: String,
    },
    /// Its weights.
    #[error(transparent)]
    Weights(#[from] WeightError),
}
