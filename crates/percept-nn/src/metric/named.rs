//! Scores by the name that they have in a config or a call.

use std::path::Path;

use burn::tensor::Device;
use percept_image::{
    Ciede2000, Dss, Fsim, Gmsd, HaarPsi, Mdsi, Metric, MsGmsd, MsSsim, Niqe, Noise, Psnr, Shift, Shrunk,
    Ssim, TotalVariation, Vsi,
};

use super::{Dists, Lpips, Selected, SelectedByPhotos, SelectedError, SelectionFile};
use crate::loss::LossError;
use crate::weights::{StateDict, WeightError, WeightStore};

/// The names of all scores: classical ones against a reference, learned ones, those without a reference.
pub const NAMES: &[&str] = &[
    "psnr-y",
    "psnr-rgb",
    "ssim-y",
    "ssim-rgb",
    "ms-ssim-y",
    "ms-ssim-rgb",
    "gmsd",
    "ms-gmsd",
    "fsim",
    "fsimc",
    "vsi",
    "haarpsi",
    "mdsi",
    "dss",
    "ciede2000",
    "luminance-shift",
    "saturation-shift",
    "sharpness-shift",
    "lpips-alex",
    "lpips-vgg",
    "dists",
    "vgg",
    "selected-alex",
    "niqe",
    "tv",
    "noise",
];

/// Why a score could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MetricNameError {
    /// There is no such score.
    #[error("no score is called `{name}`; there are {}, selected:RUN and selected:FILE", NAMES.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The weights of a learned score.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The run or file of `selected:`.
    #[error(transparent)]
    Selected(#[from] SelectedError),
}

/// The score called `name`. `selected:RUN` is what a training [selected](Selected), `selected:FILE` what was selected from
/// [photos alone](SelectedByPhotos). The classical ones leave out `crop` pixels at each border; the learned ones look at whole
/// images, on `device`. `NAME@SIDE` is the score of pictures [shrunk](Shrunk) to a shorter side of so many pixels.
///
/// # Errors
/// When there is no such score, or its weights are missing or wrong.
pub fn named(
    name: &str,
    crop: usize,
    store: &WeightStore,
    device: &Device,
) -> Result<Box<dyn Metric>, MetricNameError> {
    let path = name.strip_prefix("selected:");
    // A run or file may end like this, too.
    if !path.is_some_and(|path| Path::new(path).exists())
        && let Some((of, side)) = name.rsplit_once('@')
        && let Ok(side @ 1..) = side.parse()
    {
        return Ok(Box::new(Shrunk::new(named(of, crop, store, device)?, side)));
    }
    if let Some(path) = path {
        return selected(name, path.as_ref(), store, device);
    }
    Ok(match name {
        "psnr-y" => Box::new(Psnr::y(crop)),
        "psnr-rgb" => Box::new(Psnr::rgb(crop)),
        "ssim-y" => Box::new(Ssim::y(crop)),
        "ssim-rgb" => Box::new(Ssim::rgb(crop)),
        "ms-ssim-y" => Box::new(MsSsim::y(crop)),
        "ms-ssim-rgb" => Box::new(MsSsim::rgb(crop)),
        "gmsd" => Box::new(Gmsd::new(crop)),
        "ms-gmsd" => Box::new(MsGmsd::new(crop)),
        "fsim" => Box::new(Fsim::luma(crop)),
        "fsimc" => Box::new(Fsim::colour(crop)),
        "vsi" => Box::new(Vsi::new(crop)),
        "haarpsi" => Box::new(HaarPsi::new(crop)),
        "mdsi" => Box::new(Mdsi::new(crop)),
        "dss" => Box::new(Dss::new(crop)),
        "ciede2000" => Box::new(Ciede2000::new(crop)),
        "luminance-shift" => Box::new(Shift::luminance(crop)),
        "saturation-shift" => Box::new(Shift::saturation(crop)),
        "sharpness-shift" => Box::new(Shift::sharpness(crop)),
        "lpips-alex" => Box::new(Lpips::alex(store, device)?),
        "lpips-vgg" => Box::new(Lpips::vgg(store, device)?),
        "dists" => Box::new(Dists::new(store, device)?),
        "vgg" => Box::new(Lpips::uniform(store, device)?),
        "selected-alex" => {
            let state = store.load("selected-alexnet")?;
            let unfit = || WeightError::Malformed {
                origin: state.origin().to_string(),
                problem: "no file of `percept select`".to_string(),
            };
            by_photos(name, &state, store, device)?.ok_or_else(unfit)?
        }
        "niqe" => Box::new(Niqe::new(crop)),
        "tv" => Box::new(TotalVariation::new(crop)),
        "noise" => Box::new(Noise::new(crop)),
        _ => return Err(MetricNameError::Unknown { name: name.to_string() }),
    })
}

/// What `path` is says which of the two it is.
fn selected(
    name: &str,
    path: &Path,
    store: &WeightStore,
    device: &Device,
) -> Result<Box<dyn Metric>, MetricNameError> {
    if path.is_file()
        && let Some(metric) = by_photos(name, &StateDict::load(path)?, store, device)?
    {
        return Ok(metric);
    }
    Ok(Box::new(Selected::load(path, store, device)?))
}

/// The score of a selection from photos alone; `None` where `state` is something else.
fn by_photos(
    name: &str,
    state: &StateDict,
    store: &WeightStore,
    device: &Device,
) -> Result<Option<Box<dyn Metric>>, MetricNameError> {
    let Some(selection) = SelectionFile::from_state_dict(state)? else { return Ok(None) };
    let metric = SelectedByPhotos::new(name, &selection, store, device).map_err(LossError::from);
    Ok(Some(Box::new(metric.map_err(SelectedError::from)?)))
}
