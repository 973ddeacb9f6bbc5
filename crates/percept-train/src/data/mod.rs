//! From folders of photos to batches.
//!
//! A [`TrainSource`] makes the batch of any step: a pure function of seed and step (data order, crops,
//! flips, degradations), so that a resumed run sees what the uninterrupted one would have seen. [`Crops`] cuts and degrades
//! one photo. A [`Loader`] calls it ahead of time on another thread. A [`ValSource`] gives whole photos, degraded the
//! same way every time.

mod augment;
mod batch;
mod crops;
mod error;
mod folder;
mod list;
mod loader;
mod sample;
mod stored;
mod train;
mod val;

pub use batch::{Batch, BatchTensors};
pub use crops::Crops;
pub use error::{DataError, Skipped};
pub use list::PhotoList;
pub use loader::Loader;
pub use sample::Sample;
pub use train::TrainSource;
pub use val::ValSource;
