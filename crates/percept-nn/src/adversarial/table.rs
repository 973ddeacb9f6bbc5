//! The discriminators that there are, by name.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use percept_conv::{AllReduce, Conv};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DiscriminatorError;
use super::architecture::{Architecture, Judge};
use crate::network::Init;
use crate::weights::StateDict;

/// A discriminator as a listing shows it.
#[derive(Clone, Copy, Debug)]
pub struct DiscriminatorKind {
    /// Name in a config.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Its settings, all at their defaults.
    pub config: fn() -> DiscriminatorConfig,
}

/// Everything that is made of the table: a line is `file { network, settings }`, and the file's name is the
/// discriminator's.
macro_rules! discriminators {
    ($($file:ident { $network:ident, $config:ident })*) => {
        $(pub use super::$file::{$config, $network};)*

        /// The discriminators that there are.
        pub const DISCRIMINATORS: &[DiscriminatorKind] = &[$(DiscriminatorKind {
            name: stringify!($file),
            about: $config::ABOUT,
            config: || DiscriminatorConfig::$network($config::default()),
        }),*];

        /// `network_d`: the discriminator of an adversarial loss.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type", rename_all = "lowercase")]
        #[allow(missing_docs, reason = "settings say what they are for, and the schema quotes them")]
        pub enum DiscriminatorConfig {
            $($network($config),)*
        }

        /// A discriminator.
        #[derive(Module, Debug)]
        #[allow(missing_docs, reason = "networks say what they are")]
        #[allow(clippy::large_enum_variant, reason = "a run has one of it")]
        pub enum Discriminator {
            $($network($network),)*
        }

        impl DiscriminatorConfig {
            /// Name as in a config.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$network(_) => stringify!($file),)*
                }
            }

            /// Checks the numbers.
            ///
            /// # Errors
            /// Names the key that makes no discriminator.
            pub fn validate(&self) -> Result<(), DiscriminatorError> {
                let checked = match self {
                    $(Self::$network(config) => config.check(),)*
                };
                checked.map_err(|(key, problem)| DiscriminatorError { discriminator: self.name(), key, problem })
            }

            /// The discriminator with initial weights that depend on `seed` and on nothing else.
            ///
            /// # Errors
            /// As [`validate`](Self::validate).
            pub fn init(&self, seed: u64, device: &Device) -> Result<Discriminator, DiscriminatorError> {
                self.init_in(Conv::default(), seed, device)
            }

            /// [`init`](Self::init) of a discriminator that multiplies as `products` does, of which nothing else counts.
            ///
            /// # Errors
            /// As [`validate`](Self::validate).
            pub fn init_in(
                &self,
                products: Conv,
                seed: u64,
                device: &Device,
            ) -> Result<Discriminator, DiscriminatorError> {
                self.validate()?;
                let init = Init::new(seed, device).with_products(products).at_once();
                Ok(match self {
                    $(Self::$network(config) => Discriminator::$network(config.init(&init)),)*
                })
            }

            /// The shortest side of images that it can judge.
            pub fn min_side(&self) -> usize {
                match self {
                    $(Self::$network(config) => config.min_side(),)*
                }
            }

            /// Published weights of this discriminator under the names that percept's network has; what it does not know
            /// stays as it is.
            #[must_use]
            pub fn with_our_names(&self, state: StateDict) -> StateDict {
                match self {
                    $(Self::$network(_) => $config::with_our_names(state),)*
                }
            }
        }

        impl Discriminator {
            /// sRGB `[N, H, W, 3]` in `[0, 1]` → logits `[N, h, w, 1]`: the larger, the more it takes that place for a
            /// photo. Both sides must be at least [`min_side`](DiscriminatorConfig::min_side).
            pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
                match self {
                    $(Self::$network(network) => network.forward(x),)*
                }
            }

            /// With what does not learn by gradient brought up to the weights: the vectors of spectral norms make one
            /// power iteration. To be called once a step, before the first [`forward`](Self::forward).
            #[must_use]
            pub fn renewed(self) -> Self {
                match self {
                    $(Self::$network(network) => Self::$network(network.renewed()),)*
                }
            }

            /// From now on it sees a part of each batch; `all` have the others. What it takes over a batch is that of the
            /// whole.
            pub fn see_a_part(&mut self, all: &AllReduce) {
                match self {
                    $(Self::$network(network) => network.see_a_part(all),)*
                }
            }
        }
    };
}

discriminators! {
    vgg { Vgg, VggConfig }
    unet { UNet, UNetConfig }
    patch { Patch, PatchConfig }
}
