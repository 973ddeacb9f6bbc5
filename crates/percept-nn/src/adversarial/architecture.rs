//! What a discriminator knows of itself.

use burn::tensor::Tensor;
use percept_conv::AllReduce;

use crate::network::{Init, Unfit};
use crate::weights::StateDict;

/// The settings of a discriminator, and all that is known of its kind. It stands in one file, `adversarial/NAME.rs`; a line
/// of the table in `table.rs` makes it known to configs.
pub(crate) trait Architecture: Clone + Default {
    /// The network that these settings make.
    type Network: Judge;

    /// What it is, in a line of a listing.
    const ABOUT: &'static str;

    /// Whether these numbers make a network.
    fn check(&self) -> Result<(), Unfit>;

    /// The network with initial weights.
    fn init(&self, init: &Init) -> Self::Network;

    /// The shortest side of images that it can judge.
    fn min_side(&self) -> usize;

    /// Published weights under the names that percept's network has; what it does not know stays as it is.
    fn with_our_names(state: StateDict) -> StateDict {
        state
    }
}

/// A discriminator in use.
pub(crate) trait Judge: Sized {
    /// sRGB `[N, H, W, 3]` in `[0, 1]` → logits `[N, h, w, 1]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4>;

    /// With what does not learn by gradient brought up to the weights.
    fn renewed(self) -> Self {
        self
    }

    /// From now on it sees a part of each batch; `all` have the others.
    fn see_a_part(&mut self, all: &AllReduce) {
        let _ = all;
    }
}
