//! Pipelines of papers, by name.

mod bsrgan;
mod real_esrgan;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DegradationConfig, OneOf, Sequence, Step};

/// A published pipeline for photos of unknown origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Published {
    /// Real-ESRGAN's: blur, resize, noise and JPEG twice, and a sinc filter (Wang et al. 2021).
    RealEsrgan,
    /// BSRGAN's: two blurs, two resizes, noise and JPEG in any order (Zhang et al. 2021).
    Bsrgan,
}

impl Published {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::RealEsrgan, Self::Bsrgan];

    /// Name as in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::RealEsrgan => "real-esrgan",
            Self::Bsrgan => "bsrgan",
        }
    }

    /// Its steps for a network that enlarges `scale` times; 0 counts as 1.
    pub fn steps(self, scale: usize) -> Vec<Step> {
        match self {
            Self::RealEsrgan => real_esrgan::steps(scale.max(1) as f64),
            Self::Bsrgan => bsrgan::steps(scale.max(1)),
        }
    }
}

fn one_of(steps: impl Into<Vec<Step>>) -> Step {
    Step::from(DegradationConfig::OneOf(OneOf { steps: steps.into() }))
}

fn sequence(steps: impl Into<Vec<Step>>) -> Step {
    Step::from(DegradationConfig::Sequence(Sequence { steps: steps.into() }))
}
