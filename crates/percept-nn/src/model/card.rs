//! What a model file says about itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::network::NetworkConfig;

/// The card in a model file: what the network is, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The architecture.
    pub network_g: NetworkConfig,
    /// What it was trained to do (`sr`, `denoise`, …).
    pub task: String,
    /// How many times larger than the degraded photo its result is.
    pub scale: usize,
    /// How many times larger than its input the network's output is: `scale`, and twice that for a packed RAW.
    pub network_scale: usize,
    /// Channels of its input: 3 for a photo, 4 for a packed RAW.
    pub in_channels: usize,
    /// The losses, as in the config.
    pub losses: Value,
    /// Seed of the run.
    pub seed: u64,
    /// The photos that it was trained on, as in the config, and their number.
    pub data: Value,
    /// Steps of training.
    pub iter: u64,
    /// Version of percept.
    pub percept: String,
}
