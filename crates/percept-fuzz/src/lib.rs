//! Every reader of percept against files that were damaged at random. For developers; nothing depends on it.
//!
//! # Tour
//!
//! A [`Target`](target::Target) is a reader with inputs that are right: [`target::TARGETS`] lists them, `target` has a file
//! for each. A [`Mutator`] damages inputs: bits, numbers, pieces, words of the format. A [`Hunt`] feeds a target with them
//! and keeps what makes it panic, take too much memory ([`memory`]) or too long. An input that gives an answer not seen
//! before becomes one of those that are damaged further, so that a hunt gets deeper as it goes on.
//!
//! The tests hunt for a moment at every target. By hand, for long:
//!
//! ```text
//! cargo run --release -p percept-fuzz -- pth --inputs 10000000 --seed 1
//! cargo run --release -p percept-fuzz -- pth --replay fuzz-pth-1-0
//! ```

mod hunt;
pub mod memory;
mod mutate;
pub mod target;

pub use hunt::{Failure, Fault, Found, Hunt, replay};
pub use mutate::Mutator;
