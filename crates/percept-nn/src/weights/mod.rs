//! Weight files: reading, checking, writing, and moving weights into and out of modules.
//!
//! A [`StateDict`] is an ordered map from name to [`Array`] with string metadata. It is read from
//! safetensors and from PyTorch's `.pth` (pickles are parsed, never executed), written as safetensors,
//! and applied to a Burn module strictly: every name, every shape and every value has to be right.
//! The [`WeightStore`] finds the weights that percept itself needs and checks their sha256.

mod array;
mod error;
mod hash;
mod known;
mod module;
pub(crate) mod ncnn;
mod provenance;
mod pth;
mod safetensors;
mod state_dict;
mod store;
mod wrapper;
mod zip_end;

pub use array::Array;
pub use error::WeightError;
pub use hash::sha256_hex;
pub use known::{KNOWN, KnownFile, KnownWeights};
pub use module::Differences;
pub use provenance::Provenance;
pub use state_dict::StateDict;
pub use store::{StoredWeights, WeightStore};
pub(crate) use wrapper::is_averaged;
