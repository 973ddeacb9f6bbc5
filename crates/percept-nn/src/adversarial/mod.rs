//! The adversarial game: a discriminator learns to tell photos from results, and the network learns from it what photos
//! look like (Goodfellow et al., *Generative Adversarial Nets*, NeurIPS 2014).
//!
//! A [`DiscriminatorConfig`] names a discriminator and [`init`](DiscriminatorConfig::init) makes it; [`DISCRIMINATORS`]
//! lists them. [`AdversarialType`] is what both sides descend, and [`approximate_r1`] a term that keeps the discriminator
//! smooth. A step of the game, with the network's `result` and the photo `y`, both `[N, H, W, 3]`:
//!
//! ```
//! use burn::module::Module;
//! use burn::tensor::{Device, Distribution, Tensor};
//! use percept_nn::adversarial::{AdversarialType, DiscriminatorConfig, VggConfig};
//!
//! let device = Device::flex().autodiff();
//! let config = DiscriminatorConfig::Vgg(VggConfig { num_feat: 4, num_down: 1 });
//! let discriminator = config.init(0, &device)?;
//! let [y, result] = [(); 2].map(|()| Tensor::<4>::random([1, 8, 8, 3], Distribution::Uniform(0.0, 1.0), &device));
//! let result = result.require_grad();
//!
//! // Once a step, before the discriminator is asked.
//! let discriminator = discriminator.renewed();
//! // The network's side: the discriminator is a constant.
//! let judge = discriminator.clone().no_grad();
//! let game = AdversarialType::Relativistic;
//! let l_g_gan = game.generator(judge.forward(result.clone()), || judge.forward(y.clone()), None);
//! // The discriminator's side: the result is a constant.
//! let (l_d_real, l_d_fake) =
//!     game.discriminator(discriminator.forward(y.clone()), discriminator.forward(result.detach()), None);
//! # let _ = (l_g_gan.backward(), (l_d_real + l_d_fake).backward());
//! # Ok::<(), percept_nn::adversarial::DiscriminatorError>(())
//! ```
//!
//! Adding a discriminator: a file here that holds its settings and its network and implements `Architecture` and `Judge`,
//! and a line of the table in `table.rs`.

mod architecture;
mod criterion;
mod error;
mod norm;
mod patch;
mod penalty;
mod spectral;
mod table;
mod unet;
mod vgg;

pub use criterion::AdversarialType;
pub use error::DiscriminatorError;
pub use penalty::{R1_SIGMA, approximate_r1, r1_noise};
pub use table::*;

/// The slope of every leaky ReLU of a discriminator where its input is negative.
const SLOPE: f32 = 0.2;
