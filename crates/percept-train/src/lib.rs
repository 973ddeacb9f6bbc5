//! Tasks, the data pipeline, the training loop, checkpoints and logs.
//!
//! # A tour
//!
//! A [`Config`](percept_run::Config) says what is trained. [`data`] turns its folders of photos into batches that are a
//! pure function of seed and step. A network that learns is a player: an
//! [`Optimizer`] moves it at the rate of its [`Schedule`], and an [`Ema`] follows it.
//!
//! A [`Trainer`] is the loop: the selection step and the transformation step of the paper on every batch, and
//! around them validation, checkpoints and logs. It tells [`Event`]s while it goes.
//!
//! Several processes may train one network: a [`Team`].
//!
//! [`select`] learns a selection from photos alone.
//!
//! What it leaves on disk is the crate `percept-run`'s: configuration, files, checkpoints, lines of logs. Beside them
//! [`tensorboard`] writes event files.

mod best;
pub mod data;
mod ema;
mod error;
mod event;
mod eyes;
mod game;
mod losses;
mod optim;
mod params;
mod parts;
mod player;
mod recorder;
mod schedule;
pub mod select;
mod team;
pub mod tensorboard;
mod trainer;
mod validate;
mod window;

pub use ema::Ema;
pub use error::{StepError, TrainError};
pub use event::{Event, Outcome, StepReport};
pub use optim::{GradientError, Optimizer, Stepped};
pub use schedule::Schedule;
pub use team::{Team, TeamError};
pub use trainer::{Resume, Trainer};
pub use validate::restore_one_more;
