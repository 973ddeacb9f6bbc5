//! Tasks, the data pipeline, the training loop, checkpoints and logs.
//!
//! # A tour
//!
//! A [`Config`] is one TOML file: read, completed with the defaults of its [`Task`], and refused with the
//! line and the nearest known key where it is wrong. An [`Experiment`] is many of them in one file. [`data`] turns its folders of photos into batches that
//! are a pure function of seed and step. The network learns by an [`Optimizer`] at the rate that
//! [`learning_rate`] gives, and an [`Ema`] follows it.
//!
//! A [`Trainer`] is the loop: the selection step and the transformation step of the paper on every batch, and
//! around them validation, checkpoints and logs. It tells [`Event`]s while it goes.
//!
//! [`select`] learns a selection from photos alone.
//!
//! A [`Run`] is a folder, locked while a process writes to it. [`Checkpoints`] hold everything that resume
//! needs and notice when they are damaged; [`log`] keeps lines of JSON and TensorBoard's event files so that
//! no step appears twice after a resume.

mod checkpoint;
pub mod config;
pub mod data;
mod ema;
mod error;
mod event;
pub mod log;
mod losses;
mod optim;
mod params;
mod parts;
mod run;
mod schedule;
pub mod select;
pub mod task;
mod trainer;
mod validate;

pub use checkpoint::{Checkpoint, CheckpointError, Checkpoints, Damaged, Latest};
pub use config::{Config, ConfigError, Experiment};
pub use ema::Ema;
pub use error::{StepError, TrainError};
pub use event::{Event, Outcome, StepReport, Validation};
pub use optim::{GradientError, Optimizer, Stepped};
pub use run::{Run, RunError, RunFiles, Standing};
pub use schedule::learning_rate;
pub use task::Task;
pub use trainer::Trainer;
