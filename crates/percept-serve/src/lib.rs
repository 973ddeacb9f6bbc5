//! A small server that keeps itself, for the pages that percept serves.
//!
//! A [`Server`] listens, and answers by routes of `axum`. Whoever uses it says what belongs to a page alone; what every page
//! needs is here: [`Bounds`] of connections and of their time, a [`Guard`] before every request, a [`Limit`] of how often one
//! client may ask, an [`AccessToken`] where others than this machine can reach it, and names that nobody can guess ([`Id`]).
//! It sends what it is given, and asks nobody for anything.

mod access;
mod connections;
mod guard;
mod id;
mod limit;
mod server;

pub use access::{AccessToken, NoToken};
pub use connections::{Bounds, answer};
pub use guard::{Guard, Refused};
pub use id::{Id, NoId};
pub use limit::{Limit, household};
pub use server::{ServeError, Server};
