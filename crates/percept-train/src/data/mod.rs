//! From folders of photos to batches.
//!
//! A [`TrainSource`] makes the batch of any step: a pure function of seed and step (data order, crops,
//! flips, degradations), so that a resumed run sees what the uninterrupted one would have seen. A
//! [`Loader`] calls it ahead of time on another thread. A [`ValSource`] gives whole photos, degraded the
//! same way every time.

mod augment;
mod batch;
mod degrader;
mod error;
mod folder;
mod loader;
mod stored;
mod train;
mod val;

pub use batch::{Batch, BatchTensors};
pub use degrader::{Degrader, Lq, Sample};
pub use error::{DataError, Skipped};
pub use loader::Loader;
pub use train::TrainSource;
pub use val::ValSource;
