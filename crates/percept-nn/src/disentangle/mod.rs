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
//! | contrastive module | [`TripletDistances`]; a [`Contrast`] that is learned, or a [`Score`] in closed form |
//! | loss in the selected space | [`pointwise`] and [`contextual`] distances |
//! | all of it together | [`PerceptualSpace`] |
//!
//! Two steps alternate on every batch, and the training loop shows both:
//!
//! 1. [`PerceptualSpace::selection_step`] moves `w` alone, by what result `ŷ`, target `y` and distorted image `x̃` are
//!    in a triplet. The result is detached: G never sees this gradient.
//! 2. [`PerceptualSpace::transformation_loss`] is what G descends: the feature distance between `ŷ` and
//!    `y`, weighted by `w`. Here `w` is a constant.
//!
//! Everything is built on one quantity, the distance by image and channel
//! `δ_nc(a, b) = mean_hw (φ_c(a) − φ_c(b))²` (`[N, C]` for every tap). A projection weighs the products of different
//! channels' differences as well, of which these are the diagonal.
//!
//! # Two rules for `w`
//!
//! The abstract says: a triplet loss activates the dimensions that matter to people and suppresses the others, with the
//! distorted image as anchor, the result as positive and the target as negative. To the letter, that loss is
//! `[D_w(x̃,ŷ) − D_w(x̃,y) + margin]₊`.
//!
//! - **Learned** ([`TripletConfig`]): parameters behind `w` descend that loss, with Adam. The margin says whether it acts
//!   at all: where it is small, the triplet is satisfied from the first step on and nothing is learned. A selection that
//!   is idle like this says so ([`SelectionStep::idle`]).
//! - **In closed form** ([`ClosedConfig`]): where the loss acts, its gradient in `w_c` is `−s_c / C` with
//!   `s_c = δ_c(x̃,y) − δ_c(x̃,ŷ)`. So `w` is pulled along `s`, and only a limit on its concentration stops it. With that
//!   limit the end of the pull is known: `w ∝ softmax(k · s)`, mixed with a floor, where `k` is such that a stated share of
//!   the channels is effective. No margin, no learning rate, no entropy term.
//!
//! What `s` is can be read in more than one way, and measurements have to decide: `literal` (as above), `conventional`
//! (the usual roles of a triplet), `left` (what is left to do, over-shoot included), `systematic` (the part of what is left
//! that is no accident). [`Score`] has the formulas; [`Control`] and `random` are what they have to beat.

mod anchor;
mod closed;
mod concentration;
mod config;
mod contextual;
mod control;
mod gate;
mod learned;
mod pointwise;
mod running;
mod score;
mod selection;
mod space;
mod start;
mod tap_gate;
mod triplet;
mod triplet_config;
mod window;

pub use anchor::{Anchor, blurred};
pub use closed::ClosedConfig;
pub use config::{SelectionConfig, SelectionRule};
pub use contextual::{ContextualConfig, contextual};
pub use control::Control;
pub use gate::effective_channels;
pub use pointwise::{Matched, pointwise};
pub use running::Running;
pub use score::Score;
pub use selection::{Selection, SelectionStep, TapWeights};
pub use space::{FeatureDistance, Gather, PerceptualSpace, Seen};
pub use start::StartError;
pub use tap_gate::TapGate;
pub use triplet::TripletDistances;
pub use triplet_config::{Contrast, Gate, ResponseScale, Start, TripletConfig};
