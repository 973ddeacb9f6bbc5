//! Losses by the name that they have in a config.
//!
//! A training descends a sum of [`Term`]s, each a loss with its weight. A loss is one file here and one line of the table in
//! `table.rs`: its settings, what it is in words, and what it becomes to train with ([`TrainLoss`]). Losses that measure in
//! a perceptual space, `feature`, `contextual`, `swd` and `wasserstein_distortion`, can carry a selection
//! ([`crate::disentangle`]).

mod colour;
mod contextual;
mod dists;
mod error;
mod feature;
mod features;
mod fft;
mod gan;
mod ldl;
mod lpips;
mod ms_ssim;
mod phase;
mod pixel;
mod squares;
mod style;
mod swd;
mod table;
mod term;
mod wasserstein;

pub use crate::distance::Criterion;
pub use colour::ColourSpace;
pub use error::LossError;
pub use lpips::LpipsNet;
pub use table::*;
pub use term::Term;

use burn::tensor::{Device, Tensor};

use crate::backbone::BackboneConfig;
use crate::disentangle::{PerceptualSpace, SelectionConfig};
use crate::weights::WeightStore;

/// A loss of two images alone.
pub trait Loss: Send + Sync {
    /// The loss of `result` towards `target` (both `[N, H, W, 3]`, sRGB in `[0, 1]`), unweighted, `[1]`.
    /// Gradient flows to `result`.
    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1>;

    /// The shortest side of images that it can compare.
    fn min_side(&self) -> usize {
        1
    }
}

/// The settings of a loss, and what they make.
pub(crate) trait LossSettings: Clone + Default {
    /// What it is, in a line of a listing.
    const ABOUT: &'static str;

    /// Checks every range.
    ///
    /// # Errors
    /// A sentence that names the first key whose value is outside of its range, and the range.
    fn validate(&self) -> Result<(), String>;

    /// The loss on `device`.
    ///
    /// # Errors
    /// When weights are missing or wrong, or a tap does not exist.
    fn init(&self, store: &WeightStore, device: &Device) -> Result<TrainLoss, LossError>;

    /// What it compares, in the words of a page: `L1 of the pixels`.
    fn words(&self) -> String;

    /// The frozen network that it looks through.
    fn backbone(&self) -> Option<BackboneConfig> {
        None
    }

    /// Its settings, where they can be set.
    fn backbone_mut(&mut self) -> Option<&mut BackboneConfig> {
        None
    }

    /// The selection, where it has one.
    fn selection(&self) -> Option<&SelectionConfig> {
        None
    }

    /// The same, to be changed.
    fn selection_mut(&mut self) -> Option<&mut SelectionConfig> {
        None
    }
}

/// A loss, ready to train with.
pub enum TrainLoss {
    /// Of two images alone.
    Images(Box<dyn Loss>),
    /// In a perceptual space, of which a part may be selected.
    Space(Box<PerceptualSpace>),
    /// Beside what the averaged network makes of the same input.
    Artefacts(LdlLoss),
    /// Against a discriminator, which is another player.
    Adversarial(GanLoss),
}
