//! Networks by the name they have in a config.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::init::Init;
use super::{Compact, Edsr, NafNet, Pool, RrdbNet, SrResNet};

/// `network_g`: the transformation network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum NetworkConfig {
    /// SRResNet without batch normalisation, scales 1 to 4.
    SrResNet(SrResNetConfig),
    /// EDSR, scales 1 to 4.
    Edsr(EdsrConfig),
    /// RRDBNet, the generator of ESRGAN, scales 1, 2 and 4.
    RrdbNet(RrdbNetConfig),
    /// The compact network of Real-ESRGAN (`SRVGGNetCompact`), scales 1 to 4.
    Compact(CompactConfig),
    /// NAFNet, a U-Net for images that keep their size.
    NafNet(NafNetConfig),
}

/// Settings of `type = "srresnet"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SrResNetConfig {
    /// Channels of the features, at least 1. Default 64.
    pub num_feat: usize,
    /// Residual blocks. Default 16.
    pub num_block: usize,
}

impl Default for SrResNetConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_block: 16 }
    }
}

/// Settings of `type = "edsr"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EdsrConfig {
    /// Channels of the features, at least 1. Default 64.
    pub num_feat: usize,
    /// Residual blocks. Default 16.
    pub num_block: usize,
    /// Share of a block's output that is added to its input. Default 1; wide networks use 0.1.
    pub res_scale: f64,
}

impl Default for EdsrConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_block: 16, res_scale: 1.0 }
    }
}

/// Settings of `type = "rrdbnet"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RrdbNetConfig {
    /// Channels of the features, at least 1. Default 64.
    pub num_feat: usize,
    /// Residual-in-residual blocks. Default 23.
    pub num_block: usize,
    /// Channels that each convolution of a dense block adds, at least 1. Default 32.
    pub num_grow_ch: usize,
}

impl Default for RrdbNetConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_block: 23, num_grow_ch: 32 }
    }
}

/// Settings of `type = "compact"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompactConfig {
    /// Channels of the features, at least 1. Default 64.
    pub num_feat: usize,
    /// Convolutions between the first and the last. Default 16.
    pub num_conv: usize,
}

impl Default for CompactConfig {
    fn default() -> Self {
        Self { num_feat: 64, num_conv: 16 }
    }
}

/// Settings of `type = "nafnet"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NafNetConfig {
    /// Channels at the first level, doubled at each one below; at least 1. Default 32.
    pub width: usize,
    /// Blocks of the encoder by level. Default 1, 1, 1, 1.
    pub enc_blk_nums: Vec<usize>,
    /// Blocks at the bottom. Default 1.
    pub middle_blk_num: usize,
    /// Blocks of the decoder by level, from the bottom up; as many levels as the encoder. Default 1, 1, 1, 1.
    pub dec_blk_nums: Vec<usize>,
}

impl Default for NafNetConfig {
    fn default() -> Self {
        Self { width: 32, enc_blk_nums: vec![1; 4], middle_blk_num: 1, dec_blk_nums: vec![1; 4] }
    }
}

/// Why a network cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NetworkError {
    /// The architecture does not have that scale.
    #[error("{network} cannot enlarge {scale} times: its scales are {known}")]
    Scale {
        /// Name of the network.
        network: &'static str,
        /// What was asked for.
        scale: usize,
        /// What there is.
        known: &'static str,
    },
    /// A number that makes no network.
    #[error("network_g.{key} of {network}: {problem}")]
    Value {
        /// Name of the network.
        network: &'static str,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl NetworkConfig {
    /// Name as in a config.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SrResNet(_) => "srresnet",
            Self::Edsr(_) => "edsr",
            Self::RrdbNet(_) => "rrdbnet",
            Self::Compact(_) => "compact",
            Self::NafNet(_) => "nafnet",
        }
    }

    /// Checks the numbers against each other and against `scale`.
    ///
    /// # Errors
    /// Names the key that makes no network, or the scales that there are.
    pub fn validate(&self, scale: usize) -> Result<(), NetworkError> {
        let network = self.name();
        let known = match self {
            Self::SrResNet(_) | Self::Edsr(_) | Self::Compact(_) => ("1, 2, 3 and 4", matches!(scale, 1..=4)),
            Self::RrdbNet(_) => ("1, 2 and 4", matches!(scale, 1 | 2 | 4)),
            Self::NafNet(_) => ("1 alone", scale == 1),
        };
        if !known.1 {
            return Err(NetworkError::Scale { network, scale, known: known.0 });
        }
        let value = |key, problem| Err(NetworkError::Value { network, key, problem });
        match self {
            Self::SrResNet(SrResNetConfig { num_feat: 0, .. })
            | Self::Edsr(EdsrConfig { num_feat: 0, .. })
            | Self::RrdbNet(RrdbNetConfig { num_feat: 0, .. })
            | Self::Compact(CompactConfig { num_feat: 0, .. }) => value("num_feat", "must be at least 1"),
            Self::RrdbNet(RrdbNetConfig { num_grow_ch: 0, .. }) => value("num_grow_ch", "must be at least 1"),
            Self::Edsr(config) if !config.res_scale.is_finite() => value("res_scale", "must be a number"),
            Self::NafNet(NafNetConfig { width: 0, .. }) => value("width", "must be at least 1"),
            Self::NafNet(config) if config.enc_blk_nums.len() != config.dec_blk_nums.len() => {
                value("dec_blk_nums", "must have as many levels as enc_blk_nums")
            }
            Self::NafNet(config) if config.enc_blk_nums.len() > 8 => {
                value("enc_blk_nums", "must have at most 8 levels")
            }
            _ => Ok(()),
        }
    }

    /// The network with initial weights that depend on `seed` and on nothing else. It reads `in_channels`
    /// channels and writes 3, `scale` times larger.
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
        self.validate(scale)?;
        let init = Init::new(seed, device);
        Ok(match self {
            Self::SrResNet(config) => Network::SrResNet(SrResNet::new(config, scale, in_channels, &init)),
            Self::Edsr(config) => Network::Edsr(Edsr::new(config, scale, in_channels, &init)),
            Self::RrdbNet(config) => Network::RrdbNet(RrdbNet::new(config, scale, in_channels, &init)),
            Self::Compact(config) => Network::Compact(Compact::new(config, scale, in_channels, &init)),
            Self::NafNet(config) => Network::NafNet(NafNet::new(config, in_channels, &init)),
        })
    }
}

/// A transformation network.
#[derive(Module, Debug)]
pub enum Network {
    /// See [`SrResNet`].
    SrResNet(SrResNet),
    /// See [`Edsr`].
    Edsr(Edsr),
    /// See [`RrdbNet`].
    RrdbNet(RrdbNet),
    /// See [`Compact`].
    Compact(Compact),
    /// See [`NafNet`].
    NafNet(NafNet),
}

impl Network {
    /// `[N, H, W, in]` → `[N, H·scale, W·scale, 3]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::SrResNet(network) => network.forward(x),
            Self::Edsr(network) => network.forward(x),
            Self::RrdbNet(network) => network.forward(x),
            Self::Compact(network) => network.forward(x),
            Self::NafNet(network) => network.forward(x),
        }
    }

    /// [`forward`](Self::forward) where the means of channel attention come from `pool`; `None` when it stops.
    pub(crate) fn forward_pooled(&self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
        match self {
            Self::NafNet(network) => network.forward_pooled(x, pool),
            _ => Some(self.forward(x)),
        }
    }
}
