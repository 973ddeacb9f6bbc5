//! What spoils photos: each kind one file, one table of the configuration, one [`Degradation`].
//!
//! Seeded: the same image and generator state give the same bytes. Composable: a [`Pipeline`] applies a list of [`Step`]s in
//! order, each drawing its strength anew for every image; [`OneOf`], [`Shuffle`], [`Repeat`] and [`Sequence`] are steps that hold
//! steps. [`Published`] has pipelines of papers.

mod blur;
mod config;
mod correlated_noise;
mod downscale;
mod gaussian_noise;
mod jpeg;
mod kernel;
mod kernel_blur;
mod level;
mod low_light;
mod mosaic;
mod one_of;
mod pipeline;
mod poisson_noise;
mod published;
mod quantise;
mod rain;
mod repeat;
mod resize;
mod sensor;
mod sequence;
mod shuffle;
mod sinc_blur;
mod step;
mod strength;
mod unsharp_mask;
mod webp;

pub use blur::GaussianBlur;
pub use config::{ConfigError, DegradationConfig};
pub use correlated_noise::CorrelatedNoise;
pub use downscale::Downscale;
pub use gaussian_noise::GaussianNoise;
pub use jpeg::{Jpeg, Subsampling};
pub use kernel_blur::{KernelBlur, Shape};
pub use low_light::LowLight;
pub use mosaic::{Mosaic, demosaic};
pub use one_of::OneOf;
pub use pipeline::Pipeline;
pub use poisson_noise::PoissonNoise;
pub use published::Published;
pub use quantise::Quantise;
pub use rain::Rain;
pub use repeat::Repeat;
pub use resize::{Resize, Whole};
pub use sequence::Sequence;
pub use shuffle::Shuffle;
pub use sinc_blur::SincBlur;
pub use step::Step;
pub use strength::Strength;
pub use unsharp_mask::UnsharpMask;
pub use webp::WebP;

use crate::{Image, Rng, Srgb};

/// One way of spoiling a photo.
pub trait Degradation: Send + Sync {
    /// The spoiled photo, values in `[0, 1]`. All chance comes from `rng`.
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb>;

    /// The same as a step of a pipeline that began with a photo of that width and height.
    fn apply_within(&self, image: Image<Srgb>, _photo: (usize, usize), rng: &mut Rng) -> Image<Srgb> {
        self.apply(image, rng)
    }

    /// How many times longer a side can become, at least 1.
    fn growth(&self) -> f64 {
        1.0
    }
}
