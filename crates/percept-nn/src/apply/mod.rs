//! A model on image files: what becomes of a picture, everything else about it kept.
//!
//! A [`Treatment`] takes the rows of a picture through the network and to the size that is asked for, says what else of the
//! file the result has, and whether format and machine can hold it. [`result_name`] and [`holding_name`] say how the result
//! is called. `percept apply` and the page of `percept web` are both made of it, so that their results are the same bytes.

mod fault;
mod memory;
mod name;
mod treatment;

pub use fault::{Fault, Misfit};
pub use memory::available as available_memory;
pub use name::{holding_name, mark, result_name};
pub use treatment::{Size, Treatment};
