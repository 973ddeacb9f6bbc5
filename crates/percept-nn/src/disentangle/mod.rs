//! The paper: *Disentangle Perceptual Learning through Online Contrastive Learning* (arXiv 2006.13511).
//!
//! A frozen classification network turns images into features ([`crate::backbone`]). Only some of
//! their channels have to do with what people see. This module finds them *during* the training of a
//! transformation network `ŷ = G(x)` towards targets `y`, without any label, and measures the training
//! loss in the space that they span. It is a reconstruction from the paper's abstract: no code of the
//! paper is public.
//!
//! | paper | here |
//! |---|---|
//! | pre-training part | a [`Backbone`](crate::backbone::Backbone) |
//! | feature selection layer | [`Selection`]: weights `w ≥ 0` by channel, mean 1 over a tap, or a projection |
//! | contrastive module | [`TripletDistances`] and [`Contrast`] |
//! | loss in the selected space | [`pointwise`] and [`contextual`] distances |
//! | all of it together | [`PerceptualSpace`] |
//!
//! Two steps alternate on every batch, and the training loop shows both:
//!
//! 1. [`PerceptualSpace::selection_step`] moves `w` alone, by a triplet over result `ŷ`, target `y` and
//!    distorted image `x̃`. The result is detached: G never sees this gradient.
//! 2. [`PerceptualSpace::transformation_loss`] is what G descends: the feature distance between `ŷ` and
//!    `y`, weighted by `w`. Here `w` is a constant.
//!
//! Everything is built on one quantity, the distance by image and channel
//! `δ_nc(a, b) = mean_hw (φ_c(a) − φ_c(b))²` (`[N, C]` for every tap). A projection weighs the products of different
//! channels' differences as well, of which these are the diagonal.

mod anchor;
mod config;
mod contextual;
mod gate;
mod pointwise;
mod running;
mod selection;
mod space;
mod start;
mod tap_gate;
mod triplet;

pub use anchor::{Anchor, blurred};
pub use config::{Contrast, Gate, ResponseScale, SelectionConfig, Start};
pub use contextual::{ContextualConfig, contextual};
pub use gate::effective_channels;
pub use pointwise::pointwise;
pub use running::Running;
pub use selection::{Selection, SelectionStep, TapWeights};
pub use space::{FeatureDistance, PerceptualSpace, Seen};
pub use start::StartError;
pub use tap_gate::TapGate;
pub use triplet::TripletDistances;
