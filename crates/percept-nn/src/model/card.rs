//! What a model file says about itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::network::NetworkConfig;

/// What a model is and where it comes from: JSON under [`Card::KEY`] in the metadata of its safetensors file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Card {
    /// The architecture, all sizes written out.
    pub network_g: NetworkConfig,
    /// What the network undoes: `sr`, `denoise`, `raw2rgb`, …
    pub task: String,
    /// How many times larger than the photo the result is; 1 where the size stays. For a RAW the photo is what the
    /// sensor sees, twice the size of the packed Bayer image that the network reads.
    pub scale: usize,
    /// Channels that the network reads: 3 for a photo, 1 for the brightness of a photo, 4 for a packed Bayer RAW.
    pub in_channels: usize,
    /// The losses it was trained with, as in the configuration.
    pub losses: serde_json::Value,
    /// Seed of the training.
    pub seed: u64,
    /// What it was trained on: folders, number of photos.
    pub data: serde_json::Value,
    /// Training steps that were done.
    pub iter: u64,
    /// Whether these are all steps of its training, the last validation included.
    #[serde(default)]
    pub finished: bool,
    /// Version of percept that wrote the file.
    pub percept: String,
    /// Sum over names, shapes and values of all tensors, in the order of the names. Saving fills it in.
    pub sha256: String,
}

impl Card {
    /// The metadata key.
    pub const KEY: &str = "percept";

    /// Channels of the images that are given to it: the brightness of a photo is taken from its colours.
    pub fn image_channels(&self) -> usize {
        if self.in_channels == 1 { 3 } else { self.in_channels }
    }

    /// How many times larger than its input the network's output is: a packed RAW has half the photo's size.
    pub fn network_scale(&self) -> usize {
        if self.in_channels == 4 { 2 * self.scale } else { self.scale }
    }
}
