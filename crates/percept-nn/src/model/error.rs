//! What can be wrong with a model.

use std::path::PathBuf;

use crate::network::{NetworkError, Unrecognised};
use crate::weights::WeightError;

/// Why a model could not be loaded, saved or used. Every message names the model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file, or the weights in it.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The file holds weights of a network that percept does not have.
    #[error("{}: {source}; use a model of an architecture that percept has", path.display())]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What it is nearest to.
        source: Box<Unrecognised>,
    },
    /// Two models that are not of the same network.
    #[error("{one}; {other}: only models of the same network can be mixed")]
    Unlike {
        /// What the one is.
        one: String,
        /// What the other is.
        other: String,
    },
    /// The file is a checkpoint of a training run.
    #[error(
        "{}: this is a checkpoint, from which training goes on; the model is `model.safetensors` in the run's folder",
        path.display()
    )]
    Checkpoint {
        /// The file.
        path: PathBuf,
    },
    /// The card cannot be read, or is not that of these weights.
    #[error("{}: the card of this model is of no use ({reason}); fetch or copy the file again", path.display())]
    Card {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The weights are not those that were saved.
    #[error(
        "{}: the model is damaged, its weights do not have the sha256 that was written with them; fetch or copy the \
         file again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The file holds another network than was said.
    #[error("{}: the {what} was said to be {asked}, and by the file it is {found}; leave it out, or use another file", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What was said: the network, its scale.
        what: &'static str,
        /// As it was said.
        asked: String,
        /// As the file has it.
        found: String,
    },
    /// There is no such network.
    #[error("{}: {source}; say what the network is, or use another file", path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: NetworkError,
    },
    /// The model reads something else than it was given.
    #[error("{model} reads {reads} and was given {given}; use a model that was trained for it")]
    Input {
        /// The file of the model, or its architecture.
        model: String,
        /// What it reads.
        reads: &'static str,
        /// What it was given.
        given: &'static str,
    },
    /// The model is larger than an ONNX file may be.
    #[error(
        "{model}: as an ONNX file it would be larger than the 2 GiB that the format allows; take a narrower network, or half precision"
    )]
    TooLarge {
        /// The file of the model, or its architecture.
        model: String,
    },
    /// The result is larger than memory.
    #[error(
        "{model}: there is not enough memory for a result of {width}×{height} pixels; cut the image into parts"
    )]
    Memory {
        /// The file of the model, or its architecture.
        model: String,
        /// Width of the result.
        width: usize,
        /// Height of the result.
        height: usize,
    },
    /// The result holds NaN or infinity.
    #[error(
        "{model} turned the image into values that are not numbers: its weights are out of all proportion (a training \
         run that diverged?); use another model"
    )]
    NotFinite {
        /// The file of the model, or its architecture.
        model: String,
    },
}
