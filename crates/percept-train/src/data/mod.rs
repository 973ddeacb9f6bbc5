//! From photos to batches.
//!
//! A [`PhotoSource`] has photos: those of a folder, of a list, of an LMDB. [`Pairs`] are targets with their counterparts. A
//! [`TrainSource`] makes the batch of any step: a pure function of seed and step (data order, crops,
//! flips, degradations), so that a resumed run sees what the uninterrupted one would have seen. [`Crops`] cuts and degrades
//! one photo. A [`Loader`] calls it ahead of time on other threads. A [`ValSource`] gives whole photos, degraded the
//! same way every time. [`check`] names what would spoil a training, [`tile`] cuts large photos into small ones.

mod augment;
mod batch;
pub mod check;
mod crops;
mod error;
mod list;
mod loader;
mod mix;
mod names;
mod order;
mod pairs;
mod photos;
mod sample;
mod source;
mod stored;
pub mod tile;
mod train;
mod val;

pub use batch::{Batch, BatchTensors};
pub use crops::Crops;
pub use error::{DataError, Skipped};
pub use list::PhotoList;
pub use loader::Loader;
pub use pairs::Pairs;
pub use sample::Sample;
pub use source::{Item, PhotoSource, Side, open_source};
pub use train::TrainSource;
pub use val::ValSource;
