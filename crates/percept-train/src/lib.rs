//! Tasks, the data pipeline, the training loop, checkpoints and logs.
