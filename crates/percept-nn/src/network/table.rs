//! The architectures that there are, and their networks by name.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use percept_conv::Conv;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NetworkError;
use super::architecture::{Architecture, Extent, Pool, Transform};
use super::border::Border;
use super::init::Init;
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// An architecture as a listing shows it.
#[derive(Clone, Copy, Debug)]
pub struct NetworkKind {
    /// Name in a config and on the command line.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// How many times it can enlarge.
    pub scales: &'static [usize],
    /// Its settings, all at their defaults.
    pub config: fn() -> NetworkConfig,
}

/// Everything that is made of the table: a line is `file { network, settings }`, and the file's name is the architecture's.
macro_rules! networks {
    ($($file:ident { $network:ident, $config:ident })*) => {
        $(pub use super::$file::{$config, $network};)*

        /// The architectures that there are.
        pub const NETWORKS: &[NetworkKind] = &[$(NetworkKind {
            name: stringify!($file),
            about: $config::ABOUT,
            scales: $config::SCALES,
            config: || NetworkConfig::$network($config::default()),
        }),*];

        /// `network_g`: the transformation network.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type", rename_all = "lowercase")]
        #[allow(missing_docs, reason = "settings say what they are for, and the schema quotes them")]
        pub enum NetworkConfig {
            $($network($config),)*
        }

        /// A transformation network.
        #[derive(Module, Debug)]
        #[allow(missing_docs, reason = "networks say what they are")]
        #[allow(clippy::large_enum_variant, reason = "there is one where a network is trained or applied")]
        pub enum Network {
            $($network($network),)*
        }

        impl NetworkConfig {
            /// Name as in a config.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$network(_) => stringify!($file),)*
                }
            }

            /// Checks the numbers against each other and against `scale`.
            ///
            /// # Errors
            /// Names the key that makes no network, or the scales that there are.
            pub fn validate(&self, scale: usize) -> Result<(), NetworkError> {
                let network = self.name();
                let (scales, checked) = match self {
                    $(Self::$network(config) => ($config::SCALES, config.check().and_then(|()| config.check_scale(scale))),)*
                };
                if !scales.contains(&scale) {
                    return Err(NetworkError::Scale { network, scale, scales });
                }
                checked.map_err(|(key, problem)| NetworkError::Value { network, key, problem })
            }

            /// The network with initial weights that depend on `seed` and on nothing else. It reads `in_channels`
            /// channels and writes 3, or 1 where it reads 1, `scale` times larger.
            ///
            /// # Errors
            /// As [`validate`](Self::validate).
            pub fn init(
                &self,
                scale: usize,
                in_channels: usize,
                seed: u64,
                device: &Device,
            ) -> Result<Network, NetworkError> {
                self.init_in(Conv::default(), scale, in_channels, seed, device)
            }

            /// [`init`](Self::init) of a network that multiplies as `products` does, of which nothing else counts.
            ///
            /// # Errors
            /// As [`validate`](Self::validate).
            pub fn init_in(
                &self,
                products: Conv,
                scale: usize,
                in_channels: usize,
                seed: u64,
                device: &Device,
            ) -> Result<Network, NetworkError> {
                self.validate(scale)?;
                let init = Init::new(seed, device).with_products(products);
                Ok(match self {
                    $(Self::$network(config) => Network::$network(config.init(scale, in_channels, &init)),)*
                })
            }

            /// Published weights of this architecture under the names that percept's network has; what it does not know
            /// stays as it is.
            #[must_use]
            pub fn with_our_names(&self, state: StateDict) -> StateDict {
                match self {
                    $(Self::$network(_) => $config::with_our_names(state),)*
                }
            }

            /// These settings with the sizes of `state`, which has [our names](Self::with_our_names). What weights do not
            /// show stays.
            #[must_use]
            pub fn fitted(&self, state: &StateDict) -> Self {
                match self {
                    $(Self::$network(config) => Self::$network(config.fitted(state)),)*
                }
            }

            /// How many times a network of these weights, which have [our names](Self::with_our_names), enlarges; `None`
            /// where they do not show it. Only of networks that read photos.
            pub fn scale(&self, state: &StateDict) -> Option<usize> {
                match self {
                    $(Self::$network(config) => config.scale(state),)*
                }
            }

            /// Channels that a network of these weights, which have [our names](Self::with_our_names), reads of a photo: 3,
            /// or 1 where it knows no colour.
            pub fn in_channels(&self, state: &StateDict) -> usize {
                match self {
                    $(Self::$network(config) => config.in_channels(state),)*
                }
            }

            /// These settings with all defaults written out.
            #[must_use]
            pub fn completed(&self) -> Self {
                match self {
                    $(Self::$network(config) => Self::$network(config.completed()),)*
                }
            }

            /// The settings of a network of these when it is saved.
            #[must_use]
            pub(crate) fn as_saved(&self) -> Self {
                match self {
                    $(Self::$network(config) => Self::$network(config.as_saved()),)*
                }
            }

            /// What these settings, [`fitted`](Self::fitted) from `asked`, take for granted though results depend on it and
            /// weights do not show it, and what to do if that is wrong.
            pub fn assumption(&self, asked: &Self) -> Option<String> {
                match (self, asked) {
                    $((Self::$network(config), Self::$network(asked)) => config.assumption(asked),)*
                    _ => None,
                }
            }

            /// Tiles that start at multiples of it are computed as the whole image is.
            pub(crate) fn alignment(&self, scale: usize) -> usize {
                match self {
                    $(Self::$network(config) => lcm(config.alignment(), config.extent(scale).multiple),)*
                }
            }

            /// How a photo whose sides do not fit is continued.
            pub(crate) fn border(&self, scale: usize) -> Border {
                match self {
                    $(Self::$network(config) => config.border(config.extent(scale).multiple),)*
                }
            }

            /// What cutting an image into tiles has to know, where the network enlarges `scale` times.
            pub(crate) fn extent(&self, scale: usize) -> Extent {
                match self {
                    $(Self::$network(config) => config.extent(scale),)*
                }
            }
        }

        /// As a config has it, in one line.
        impl std::fmt::Display for NetworkConfig {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
            }
        }

        impl Network {
            /// `[N, H, W, in]` → `[N, H·scale, W·scale, 3]`, or 1 channel where `in` is 1.
            pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
                match self {
                    $(Self::$network(network) => network.forward(x),)*
                }
            }

            /// The parameters as other tools open them.
            pub(crate) fn saved(&self) -> StateDict {
                match self {
                    $(Self::$network(network) => network.saved(StateDict::of(network)),)*
                }
            }

            /// [`forward`](Self::forward) as a graph.
            pub(crate) fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
                match self {
                    $(Self::$network(network) => network.draw(graph, x),)*
                }
            }

            /// [`forward`](Self::forward) where means over the image come from `pool`; `None` when it stops.
            pub(crate) fn forward_pooled(&self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
                match self {
                    $(Self::$network(network) => network.forward_pooled(x, pool),)*
                }
            }
        }
    };
}

/// The least number that both divide.
fn lcm(a: usize, b: usize) -> usize {
    let (mut one, mut other) = (a, b);
    while other > 0 {
        (one, other) = (other, one % other);
    }
    a / one.max(1) * b
}

networks! {
    srresnet { SrResNet, SrResNetConfig }
    edsr { Edsr, EdsrConfig }
    rrdbnet { RrdbNet, RrdbNetConfig }
    compact { Compact, CompactConfig }
    nafnet { NafNet, NafNetConfig }
    span { Span, SpanConfig }
    realplksr { RealPlksr, RealPlksrConfig }
    swinir { SwinIr, SwinIrConfig }
    scunet { ScuNet, ScuNetConfig }
    restormer { Restormer, RestormerConfig }
    dat { Dat, DatConfig }
    drunet { DruNet, DruNetConfig }
    fbcnn { Fbcnn, FbcnnConfig }
}
