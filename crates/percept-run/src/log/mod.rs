//! What a run writes down while it goes: one JSON object a line, in the order of the steps.
//!
//! A [`JsonLog`] writes lines so that a kill leaves whole ones; [`History`] and [`selections`] read them back. Both know
//! the same three kinds: [`StepLine`], [`Validation`] and [`SelectionLine`].

mod history;
mod jsonl;
mod line;

pub use history::{Curve, History, all_selections, selections};
pub use jsonl::{JsonLog, LogError};
pub use line::{SelectionLine, StepLine, Validation};
