//! Frozen classification networks, whose inner layers tell how alike two images look.
//!
//! A [`Backbone`] turns an image into features at its taps. Taps have their usual names: `relu3_3` is
//! behind the activation, `conv3_3` before it; in AlexNet `relu1` … `relu5` and `conv1` … `conv5`.
//! Nothing deeper than the deepest tap is loaded or computed, and no weight has a gradient; gradients
//! flow through to the image.

mod alexnet;
mod config;
mod error;
mod frozen;
mod layers;
mod step;
mod trunk;
mod vgg;
mod view;

pub use config::{BackboneConfig, BackboneKind, WeightSource};
pub use error::BackboneError;
pub use percept_conv::Precision;
pub use trunk::random_weights;
pub use view::View;

pub(crate) use config::architecture;
pub(crate) use frozen::constant;
pub(crate) use step::Pooling;
pub(crate) use trunk::{Scaling, Trunk};

use burn::tensor::Tensor;

/// A place in a network at which features are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Its usual name, such as `relu3_3`.
    pub name: String,
    /// Channels of its features.
    pub channels: usize,
}

/// A frozen network that turns images into features.
pub trait Backbone: Send + Sync {
    /// Name as in a config: `vgg16`, `vgg19`, `alexnet`.
    fn name(&self) -> &str;

    /// The taps that were asked for, in that order.
    fn taps(&self) -> &[Tap];

    /// Features of `image` (`[N, H, W, 3]`, sRGB in `[0, 1]`), one `[N, h, w, channels]` for every tap.
    ///
    /// The network's input normalisation happens inside. Gradients flow to a tracked image; for any
    /// other nothing is stored.
    ///
    /// # Panics
    /// When a side of the image is shorter than [`min_side`](Self::min_side).
    fn features(&self, image: Tensor<4>) -> Vec<Tensor<4>>;

    /// The shortest side of an image that still has one position at every tap; 1 where nothing shrinks.
    fn min_side(&self) -> usize {
        1
    }
}
