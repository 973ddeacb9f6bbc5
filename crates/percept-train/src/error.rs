//! Why training could not start or go on.

use percept_conv::DeviceError;
use percept_nn::loss::LossError;
use percept_nn::metric::MetricNameError;
use percept_nn::model::ModelError;
use percept_nn::network::NetworkError;
use percept_nn::weights::WeightError;

use crate::config::ConfigError;
use crate::data::DataError;
use crate::log::LogError;
use crate::losses::NotFinite;
use crate::{CheckpointError, GradientError, RunError};

/// Why training could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The run's folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The photos.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The losses.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// The scores of the validation.
    #[error("val.metrics: {0}")]
    Metric(#[from] MetricNameError),
    /// Weights that the network starts from, or those of a checkpoint.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The network as it is validated and saved.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A step gave no numbers. The network and the checkpoints are as they were before it.
    #[error("step {iter}: {error}; {batch}. Lower the learning rate or set `grad_clip`, and start anew")]
    Step {
        /// The step.
        iter: u64,
        /// What was not a number.
        error: StepError,
        /// Where its batch is.
        batch: String,
    },
}

/// What was not a number in a step.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StepError {
    /// A term of the loss.
    #[error("the loss term `{term}` is {value}")]
    Term {
        /// Its name, as in the log.
        term: &'static str,
        /// What it is.
        value: f32,
    },
    /// A gradient.
    #[error("the gradient of `{}` is NaN or infinite", .0.parameter)]
    Gradient(#[from] GradientError),
}

impl From<NotFinite> for StepError {
    fn from(NotFinite { term, value }: NotFinite) -> Self {
        Self::Term { term, value }
    }
}
