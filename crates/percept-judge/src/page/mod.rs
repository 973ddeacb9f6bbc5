//! What the pages of this crate share: the frame, text of others as text, numbers and words, charts.

pub(crate) mod chart;
mod html;
pub(crate) mod picture;
pub(crate) mod scatter;
mod words;

pub(crate) use html::{escape, fill, json, page};
pub use words::counted;
pub(crate) use words::{arrow, date, list, none_judged, number, short, signed};

/// The style of all pages.
pub(crate) const CSS: &str = include_str!("page.css");
