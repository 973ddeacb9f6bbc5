//! The table of tasks: what each one spoils by default, and what its network reads and writes.

use std::ops::RangeInclusive;

use percept_image::degrade::{Downscale, GaussianBlur, GaussianNoise, Jpeg, LowLight, Rain};
use percept_image::{DegradationConfig, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a network learns to undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Super-resolution: a small photo becomes a large one.
    Sr,
    /// A dark, tinted and noisy photo becomes a well-lit one.
    Lowlight,
    /// Noise is removed.
    Denoise,
    /// Blur is removed.
    Deblur,
    /// Rain is removed.
    Derain,
    /// Traces of JPEG compression are removed.
    Jpeg,
    /// A camera's RAW (packed Bayer, four channels at half size) becomes a photo.
    Raw2rgb,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 7] =
        [Self::Sr, Self::Lowlight, Self::Denoise, Self::Deblur, Self::Derain, Self::Jpeg, Self::Raw2rgb];

    /// Name as in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sr => "sr",
            Self::Lowlight => "lowlight",
            Self::Denoise => "denoise",
            Self::Deblur => "deblur",
            Self::Derain => "derain",
            Self::Jpeg => "jpeg",
            Self::Raw2rgb => "raw2rgb",
        }
    }

    /// What it is, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Sr => "super-resolution",
            Self::Lowlight => "low-light enhancement",
            Self::Denoise => "denoising",
            Self::Deblur => "deblurring",
            Self::Derain => "deraining",
            Self::Jpeg => "removal of JPEG artefacts",
            Self::Raw2rgb => "RAW to RGB",
        }
    }

    /// How many times larger than the degraded photo the target is, unless the config says.
    pub fn default_scale(self) -> usize {
        match self {
            Self::Sr => 4,
            _ => 1,
        }
    }

    /// The scales that the task has. The network of `raw2rgb` at scale 2 enlarges four times, because a
    /// packed RAW has half the sensor's size.
    pub fn scales(self) -> RangeInclusive<usize> {
        match self {
            Self::Sr => 2..=4,
            Self::Raw2rgb => 1..=2,
            _ => 1..=1,
        }
    }

    /// What photos are spoiled with on the fly, unless the config says. A `raw2rgb` photo goes through the
    /// mosaic after this.
    pub fn degradation(self, scale: usize) -> Vec<Step> {
        let step = match self {
            Self::Raw2rgb if scale <= 1 => return Vec::new(),
            Self::Sr | Self::Raw2rgb => {
                DegradationConfig::Downscale(Downscale { scale: scale as f64, ..Downscale::default() })
            }
            Self::Lowlight => DegradationConfig::LowLight(LowLight::default()),
            Self::Denoise => DegradationConfig::GaussianNoise(GaussianNoise::default()),
            Self::Deblur => {
                let sigma = [1.0, 3.0].into();
                DegradationConfig::GaussianBlur(GaussianBlur { sigma, ..GaussianBlur::default() })
            }
            Self::Derain => DegradationConfig::Rain(Rain::default()),
            Self::Jpeg => DegradationConfig::Jpeg(Jpeg { quality: [10.0, 40.0].into(), ..Jpeg::default() }),
        };
        vec![step.into()]
    }

    /// Channels of the network's input.
    pub fn in_channels(self) -> usize {
        match self {
            Self::Raw2rgb => 4,
            _ => 3,
        }
    }

    /// How many times larger than its input the network's output is. Sizes of targets are multiples of it.
    pub fn network_scale(self, scale: usize) -> usize {
        match self {
            Self::Raw2rgb => 2 * scale,
            _ => scale,
        }
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_config() {
        for task in Task::ALL {
            assert_eq!(serde_json::to_value(task).unwrap(), task.name());
            assert!(task.scales().contains(&task.default_scale()));
        }
    }
}
