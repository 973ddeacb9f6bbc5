//! Scores by the name that they have in a config or a call.

use burn::tensor::Device;
use percept_image::{Metric, MsSsim, Psnr, Ssim};

use super::{Dists, Lpips};
use crate::weights::{WeightError, WeightStore};

/// The names of all scores, classical ones first.
pub const NAMES: &[&str] = &[
    "psnr-y",
    "psnr-rgb",
    "ssim-y",
    "ssim-rgb",
    "ms-ssim-y",
    "ms-ssim-rgb",
    "lpips-alex",
    "lpips-vgg",
    "dists",
];

/// Why a score could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MetricNameError {
    /// There is no such score.
    #[error("no score is called `{name}`; there are {}", NAMES.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The weights of a learned score.
    #[error(transparent)]
    Weights(#[from] WeightError),
}

/// The score called `name`. The classical ones leave out `crop` pixels at each border; the learned ones look
/// at whole images, on `device`.
///
/// # Errors
/// When there is no such score, or its weights are missing or wrong.
pub fn named(
    name: &str,
    crop: usize,
    store: &WeightStore,
    device: &Device,
) -> Result<Box<dyn Metric>, MetricNameError> {
    Ok(match name {
        "psnr-y" => Box::new(Psnr::y(crop)),
        "psnr-rgb" => Box::new(Psnr::rgb(crop)),
        "ssim-y" => Box::new(Ssim::y(crop)),
        "ssim-rgb" => Box::new(Ssim::rgb(crop)),
        "ms-ssim-y" => Box::new(MsSsim::y(crop)),
        "ms-ssim-rgb" => Box::new(MsSsim::rgb(crop)),
        "lpips-alex" => Box::new(Lpips::alex(store, device)?),
        "lpips-vgg" => Box::new(Lpips::vgg(store, device)?),
        "dists" => Box::new(Dists::new(store, device)?),
        _ => return Err(MetricNameError::Unknown { name: name.to_string() }),
    })
}
