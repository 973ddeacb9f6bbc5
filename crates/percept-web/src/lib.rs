//! A page on this machine for people who do not live in a terminal: photos are restored, and trainings are watched.
//!
//! # A tour
//!
//! A [`Site`] says what the page offers: [`Offer`]s of models and how one is opened, a folder of runs, and [`Limits`].
//! [`Site::serve`] answers on a [`percept_serve::Server`].
//!
//! Inside, a `Desk` has everyone's photos, in memory and nowhere else: a visit that is closed, or not heard of for a while,
//! takes its photos with it. One worker restores one photo after the other, by the same [`Treatment`](percept_nn::apply::Treatment)
//! as `percept apply`, so that the results are the same bytes. `runs` reads what trainings write, through `percept-run`.
//! The page itself is in `page/`; all of it is in the binary, and it asks nobody but this server.

mod desk;
mod photo;
mod photos;
mod refusal;
mod restore;
mod runs;
mod site;
mod training;
mod views;
mod worker;

pub use desk::Limits;
pub use site::{Offer, Open, Site};
