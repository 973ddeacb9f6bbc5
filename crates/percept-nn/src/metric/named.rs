//! The table of scores: each by the name that it has in a config or a call.

use burn::tensor::Device;
use percept_image::{
    BandEnergy, Brisque, Butteraugli, Ciede2000, Dss, Flip, Fsim, Gmsd, Grid, HaarPsi, IwSsim, Mdsi, Metric,
    MsGmsd, MsSsim, Niqe, Nlpd, Noise, Piqe, Psnr, Shift, Ssim, Ssimulacra2, TotalVariation, Vifp, Vsi,
};

use super::a_dists::ADists;
use super::ms_swd::MsSwd;
use super::{SelectedByPhotos, SelectionFile};
use crate::distance::{Dists, Lpips};
use crate::loss::LossError;
use crate::weights::{StateDict, WeightError, WeightStore};

/// A score, or why its weights cannot be used.
pub type MadeMetric = Result<Box<dyn Metric>, LossError>;

/// A score that has a name.
pub struct NamedMetric {
    /// The name.
    pub name: &'static str,
    /// Makes it. Classical scores leave out `crop` pixels at each border; learned ones look at whole images. Those that multiply much
    /// do it on the device.
    pub make: fn(crop: usize, &WeightStore, &Device) -> MadeMetric,
}

/// A row of the table for a score that needs no weights.
macro_rules! classical {
    ($name:literal, $make:expr) => {
        NamedMetric { name: $name, make: |crop, _, _| Ok(Box::new($make(crop))) }
    };
}

/// A row of the table for a score with weights.
macro_rules! learned {
    ($name:literal, $make:expr) => {
        NamedMetric { name: $name, make: |_, store, device| Ok(Box::new($make(store, device)?)) }
    };
}

/// All scores: classical ones against a reference, learned ones, those without a reference.
pub const METRICS: &[NamedMetric] = &[
    classical!("psnr-y", Psnr::y),
    classical!("psnr-rgb", Psnr::rgb),
    classical!("ssim-y", Ssim::y),
    classical!("ssim-rgb", Ssim::rgb),
    classical!("ms-ssim-y", MsSsim::y),
    classical!("ms-ssim-rgb", MsSsim::rgb),
    classical!("iw-ssim", IwSsim::new),
    classical!("vifp", Vifp::new),
    classical!("gmsd", Gmsd::new),
    classical!("ms-gmsd", MsGmsd::new),
    classical!("fsim", Fsim::luma),
    classical!("fsimc", Fsim::colour),
    classical!("vsi", Vsi::new),
    classical!("haarpsi", HaarPsi::new),
    classical!("mdsi", Mdsi::new),
    classical!("dss", Dss::new),
    classical!("nlpd", Nlpd::new),
    classical!("flip", Flip::new),
    classical!("ssimulacra2", Ssimulacra2::new),
    classical!("butteraugli", Butteraugli::largest),
    classical!("butteraugli-3", Butteraugli::three),
    classical!("ciede2000", Ciede2000::new),
    NamedMetric { name: "ms-swd", make: |crop, _, device| Ok(Box::new(MsSwd::new(crop, device))) },
    classical!("luminance-shift", Shift::luminance),
    classical!("saturation-shift", Shift::saturation),
    classical!("sharpness-shift", Shift::sharpness),
    classical!("band-energy", BandEnergy::new),
    classical!("grid", Grid::new),
    learned!("lpips-alex", Lpips::alex),
    learned!("lpips-vgg", Lpips::vgg),
    learned!("dists", Dists::new),
    learned!("a-dists", ADists::new),
    learned!("vgg", Lpips::uniform),
    learned!("selected-alex", bundled_selection),
    classical!("niqe", Niqe::new),
    classical!("piqe", Piqe::new),
    classical!("brisque", Brisque::new),
    classical!("tv", TotalVariation::new),
    classical!("noise", Noise::new),
];

impl NamedMetric {
    /// The score of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// All names, in the order of the table.
    pub fn names() -> impl Iterator<Item = &'static str> {
        METRICS.iter().map(|metric| metric.name)
    }
}

/// `selected-alex`: what `percept select` learned in AlexNet.
fn bundled_selection(store: &WeightStore, device: &Device) -> Result<SelectedByPhotos, LossError> {
    let state: StateDict = store.load("selected-alexnet")?;
    let unfit = || WeightError::Malformed {
        origin: state.origin().to_string(),
        problem: "no file of `percept select`".to_string(),
    };
    let selection = SelectionFile::from_state_dict(&state)?.ok_or_else(unfit)?;
    Ok(SelectedByPhotos::new("selected-alex", &selection, store, device)?)
}
