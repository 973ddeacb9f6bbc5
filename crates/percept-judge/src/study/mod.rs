//! The blind study: people choose, without knowing which method is which, and what they chose becomes a scale.
//!
//! [`Material::make`] copies folders of results into the folder of a study, [`Study`] deals out trials and keeps the
//! answers, and the server is the page on which people give them.

mod analyse;
mod database;
mod design;
mod error;
mod make;
mod plan;
mod serve;
mod settings;
#[allow(clippy::module_inception, reason = "the noun of the module")]
mod study;
mod trial;

pub use analyse::{Analysis, Difference, Method, Participant, Ranking};
pub use database::{StudyPhoto, Vote};
pub use design::Design;
pub use error::StudyError;
pub use make::{Made, Material};
pub use percept_serve::{AccessToken, Id, NoId, NoToken, ServeError};
pub use serve::Server;
pub use settings::Settings;
pub use study::Study;
pub use trial::{Ballot, Kind, Role, Trial};
