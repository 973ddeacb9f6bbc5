//! Why training could not start or go on.

use std::path::PathBuf;

use percept_conv::DeviceError;
use percept_nn::adversarial::DiscriminatorError;
use percept_nn::loss::LossError;
use percept_nn::model::ModelError;
use percept_nn::network::NetworkError;
use percept_nn::weights::WeightError;
use percept_run::log::LogError;
use percept_run::metric::MetricNameError;
use percept_run::{CheckpointError, ConfigError, Damaged, RunError};

use crate::data::DataError;
use crate::losses::NotFinite;
use crate::{GradientError, TeamError};

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
    /// The processes that train together.
    #[error(transparent)]
    Team(#[from] TeamError),
    /// The photos.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A picture that cannot be saved.
    #[error(transparent)]
    Picture(#[from] percept_image::WriteError),
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The discriminator's settings.
    #[error(transparent)]
    Discriminator(#[from] DiscriminatorError),
    /// The losses.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// The scores of the validation.
    #[error("val.metrics: {0}")]
    Metric(#[from] MetricNameError),
    /// Crops on which a loss has nothing to see.
    #[error(
        "crops of {side} pixels (datasets.train.gt_size less train.jitter) are too small for {loss}, at least {least}; raise \
         gt_size or name a shallower tap"
    )]
    CropTooSmall {
        /// Side of what the losses compare.
        side: usize,
        /// The loss, or its frozen network and deepest tap.
        loss: String,
        /// The shortest side that it needs.
        least: usize,
    },
    /// Weights that the network starts from, or those of a checkpoint.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The weights that a training begins with are of another network than the configuration's.
    #[error(
        "{}: these weights are of another network than the configuration asks for; to begin with them, set {keys}",
        path.display()
    )]
    OtherStart {
        /// The file.
        path: PathBuf,
        /// Keys and their values.
        keys: String,
    },
    /// The network as it is validated and saved.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// All checkpoints of a run are damaged.
    #[error(
        "{}: no checkpoint can be used; the newest, {}, is damaged ({}). Put a copy back, or begin anew in another folder",
        dir.display(), damaged.path.display(), damaged.reason
    )]
    NoSound {
        /// The run's folder.
        dir: PathBuf,
        /// The newest one.
        damaged: Damaged,
    },
    /// A run has a model but no checkpoint.
    #[error(
        "{}: has a model but no checkpoint to go on from; put the checkpoints back, or begin a new run from the model by \
         `path.pretrain_network_g`",
        dir.display()
    )]
    NoCheckpoint {
        /// The run's folder.
        dir: PathBuf,
    },
    /// A run has gone beyond the steps that it is asked for.
    #[error(
        "{}: {iter} steps are done, more than the {total} of train.total_iter; pass --total-iter {iter} or more",
        dir.display()
    )]
    Beyond {
        /// The run's folder.
        dir: PathBuf,
        /// Steps that are done.
        iter: u64,
        /// Steps of the whole run.
        total: u64,
    },
    /// The training photos are not those that a run saw, so that its data would come in another order.
    #[error(
        "{}: the training photos have changed: {what}. Put them back, or pass --other-photos to go on with these; the run \
         is not bit for bit the uninterrupted one then",
        dir.display()
    )]
    OtherPhotos {
        /// The run's folder.
        dir: PathBuf,
        /// What has changed.
        what: String,
    },
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
        term: String,
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
