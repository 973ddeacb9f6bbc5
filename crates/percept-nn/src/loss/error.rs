//! What can go wrong when a loss is made.

use crate::backbone::BackboneError;
use crate::disentangle::StartError;
use crate::weights::WeightError;

/// Why a loss could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// The backbone or one of its taps.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// The start of a selection.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Weights of LPIPS or DISTS.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// No tap to look at.
    #[error(
        "`layer_weights` of `{loss}` is empty: name at least one tap, e.g. `layer_weights = {{ relu3_3 = 1.0 }}`"
    )]
    NoTaps {
        /// The loss.
        loss: &'static str,
    },
}
