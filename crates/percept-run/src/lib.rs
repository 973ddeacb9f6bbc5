//! What a training run is on disk, for those who write it and those who read it.
//!
//! # A tour
//!
//! A [`Config`] is one TOML file: read, completed with the defaults of its [`Task`], and refused with the line and the
//! nearest known key where it is wrong. An [`Experiment`] is many of them in one file.
//!
//! A [`Run`] is a folder, locked while a process writes to it; [`RunFiles`] knows the place of everything in it, and
//! [`Standing`] how far it has come. [`Checkpoints`] hold all that resume needs and notice when they are damaged. [`log`]
//! has the lines that are written on the way, and reads them back.
//!
//! A [`Recipe`] makes a network's input from a target as the training did. [`metric`] finds a score by its name, also
//! where the name is that of a run (`selected:RUN`).
//!
//! Training and judging do not know each other. What one leaves for the other is here, so that the compiler sees both
//! ends of it.

mod checkpoint;
pub mod config;
mod files;
mod folder;
pub mod log;
pub mod metric;
mod recipe;
mod standing;
mod task;

pub use checkpoint::{Checkpoint, CheckpointError, Checkpoints, Damaged, Latest};
pub use config::{Config, ConfigError, Experiment};
pub use files::RunFiles;
pub use folder::{Run, RunError};
pub use recipe::{Lq, Recipe, RecipeError};
pub use standing::Standing;
pub use task::Task;
