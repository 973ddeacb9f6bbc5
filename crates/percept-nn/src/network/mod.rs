//! Transformation networks, named as their originals so that public weights load.
//!
//! A [`NetworkConfig`] names one and [`init`](NetworkConfig::init) makes it; [`Network`] is what is trained,
//! saved and applied. Inputs and outputs are `[N, H, W, C]`.

mod compact;
mod config;
mod edsr;
mod init;
mod key_map;
mod layer;
mod nafnet;
mod rrdbnet;
mod srresnet;

pub use compact::Compact;
pub use config::{
    CompactConfig, EdsrConfig, NafNetConfig, Network, NetworkConfig, NetworkError, RrdbNetConfig,
    SrResNetConfig,
};
pub use edsr::Edsr;
pub use key_map::from_esrgan;
pub use nafnet::NafNet;
pub(crate) use nafnet::Pool;
pub use rrdbnet::RrdbNet;
pub use srresnet::SrResNet;
