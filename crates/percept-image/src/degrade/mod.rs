//! What spoils photos: each kind one file, one table of the configuration, one [`Degradation`].
//!
//! Seeded: the same image and generator state give the same bytes. Composable: a [`Pipeline`] applies a list
//! of them in order, each drawing its strength anew for every image.

mod blur;
mod config;
mod downscale;
mod gaussian_noise;
mod jpeg;
mod low_light;
mod mosaic;
mod pipeline;
mod poisson_noise;
mod rain;
mod sensor;
mod strength;

pub use blur::GaussianBlur;
pub use config::{ConfigError, DegradationConfig};
pub use downscale::Downscale;
pub use gaussian_noise::GaussianNoise;
pub use jpeg::Jpeg;
pub use low_light::LowLight;
pub use mosaic::{Mosaic, demosaic};
pub use pipeline::Pipeline;
pub use poisson_noise::PoissonNoise;
pub use rain::Rain;
pub use strength::Strength;

use crate::{Image, Rng, Srgb};

/// One way of spoiling a photo.
pub trait Degradation: Send + Sync {
    /// The spoiled photo, values in `[0, 1]`. All chance comes from `rng`.
    fn apply(&self, image: Image<Srgb>, rng: &mut Rng) -> Image<Srgb>;
}
