//! Tasks, the data pipeline, the training loop, checkpoints and logs.

pub mod task;

pub use task::Task;
