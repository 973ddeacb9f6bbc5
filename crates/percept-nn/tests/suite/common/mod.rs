//! What several files of tests use.

pub(crate) mod loss;
pub(crate) mod matrix;
pub(crate) mod perceptual;
pub(crate) mod store;
pub(crate) mod tiny;
