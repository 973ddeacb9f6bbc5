//! What a configuration can begin from: a task, or a recipe of the field.

use super::{Config, ConfigError};
use crate::Task;

/// What `percept init` writes a configuration of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// What was measured best for a task.
    Task(Task),
    /// ESRGAN's recipe on a small network, with a selection.
    SrGan,
    /// Real-ESRGAN's recipe on its small network.
    RealSr,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Task(Task::Sr),
        Self::SrGan,
        Self::RealSr,
        Self::Task(Task::Lowlight),
        Self::Task(Task::Denoise),
        Self::Task(Task::Deblur),
        Self::Task(Task::Derain),
        Self::Task(Task::Jpeg),
        Self::Task(Task::Raw2rgb),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Task(task) => task.name(),
            Self::SrGan => "sr-gan",
            Self::RealSr => "real-sr",
        }
    }

    /// What it is, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Task(task) => task.about(),
            Self::SrGan => "super-resolution against a discriminator, as ESRGAN",
            Self::RealSr => "super-resolution of photos of unknown origin, as Real-ESRGAN",
        }
    }

    /// A complete configuration, on the photos of `photos/train` and `photos/val`.
    ///
    /// # Errors
    /// Never, but by a defect.
    pub fn config(self) -> Result<Config, ConfigError> {
        let recipe = match self {
            Self::Task(task) => return Ok(Config::for_task(task)),
            Self::SrGan => include_str!("recipes/sr-gan.toml"),
            Self::RealSr => include_str!("recipes/real-sr.toml"),
        };
        Config::from_toml(recipe, self.name())
    }
}
