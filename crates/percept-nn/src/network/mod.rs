//! Transformation networks, named as their originals so that public weights load.
//!
//! A [`NetworkConfig`] names one and [`init`](NetworkConfig::init) makes it; [`Network`] is what is trained,
//! saved and applied. Inputs and outputs are `[N, H, W, C]`. [`NETWORKS`] lists the architectures, and
//! [`detect`](NetworkConfig::detect) tells which of them weights are of.
//!
//! Adding one: a file here that holds its settings and its network and implements `Architecture` and `Transform`, and a
//! line of the table in `table.rs`.

mod architecture;
mod border;
mod compact;
mod covariance;
mod dat;
mod detect;
mod drunet;
mod dysample;
mod edsr;
mod error;
mod fbcnn;
mod init;
mod layer;
mod layers;
mod nafnet;
mod order;
mod realplksr;
mod restormer;
mod rrdbnet;
mod scunet;
mod span;
mod srresnet;
mod strided;
mod swinir;
mod table;
mod upsampler;
mod window;

pub(crate) use architecture::{Extent, MOST_CHANNELS, Mean, Pool, Unfit, within};
pub(crate) use border::{Border, Edges};
pub use compact::ActType;
pub use detect::{Misfit, Nearest, Unrecognised};
pub use error::NetworkError;
pub(crate) use init::Init;
pub(crate) use layer::{ConvLayer, enlarge_bilinear};
pub use layers::Layers;
pub use restormer::LayerNormType;
pub use table::*;
pub use upsampler::{ResiConnection, Upsampler};
