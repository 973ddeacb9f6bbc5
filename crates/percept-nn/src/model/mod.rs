//! A trained network that is ready to be used: weights, what they are, and how an image goes through.

mod card;
mod tiling;

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use percept_image::{Image, PackedBayer, Space, Srgb};

pub use card::Card;
pub use tiling::Tiling;

use crate::network::{Network, NetworkConfig, NetworkError, from_esrgan};
use crate::weights::{StateDict, WeightError};

/// Where the card and the sum of the weights are in a file's metadata.
const CARD: &str = "percept";
const SHA256: &str = "sha256";

/// Why a model cannot be loaded, saved or used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The weights.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The architecture.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A weight file that says nothing about its network.
    #[error("{origin}: the file does not say what network it holds; name it with --network and --scale")]
    NoCard {
        /// The file.
        origin: String,
    },
    /// A card that cannot be read.
    #[error("{origin}: the model's card is not sound ({problem}); copy the file again")]
    Card {
        /// The file.
        origin: String,
        /// What is wrong.
        problem: String,
    },
    /// Weights that are not what was saved.
    #[error(
        "{origin}: the weights are not those that were saved (their sha256 differs); copy the file again"
    )]
    Damaged {
        /// The file.
        origin: String,
    },
    /// A network for photos was given a RAW, or the other way round.
    #[error("the network reads {reads} channels, the image has {has}; use a model for this kind of image")]
    Channels {
        /// Channels of the network's input.
        reads: usize,
        /// Channels of the image.
        has: usize,
    },
    /// The result holds NaN or infinity.
    #[error("the network's result is not a number in places: its weights are broken; use another model")]
    NotFinite,
}

/// A network with its card.
#[derive(Clone, Debug)]
pub struct Model {
    network: Network,
    card: Card,
}

impl Model {
    /// A network that was just trained; it is kept without autodiff.
    pub fn new(network: &Network, card: Card) -> Self {
        Self { network: network.valid(), card }
    }

    /// The model in a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// When the file cannot be read, has no card, or its weights are damaged, not finite or not those of the
    /// network on the card.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        let state = StateDict::load(path)?;
        let origin = path.display().to_string();
        let entry = |key: &str| state.metadata().get(key).cloned();
        let (Some(card), Some(sha256)) = (entry(CARD), entry(SHA256)) else {
            return Err(ModelError::NoCard { origin });
        };
        let card: Card = serde_json::from_str(&card)
            .map_err(|error| ModelError::Card { origin: origin.clone(), problem: error.to_string() })?;
        if state.sha256() != sha256 {
            return Err(ModelError::Damaged { origin });
        }
        let network = card.network_g.init(card.network_scale, card.in_channels, 0, device)?;
        Ok(Self { network: state.apply(network)?, card })
    }

    /// A network for photos from public weights, which have no card: the original SRResNet, EDSR, RRDBNet
    /// (ESRGAN's first names too) or NAFNet of that `scale`.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit the network.
    pub fn import(
        path: &Path,
        network_g: NetworkConfig,
        scale: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let network = network_g.init(scale, 3, 0, device)?;
        let network = from_esrgan(StateDict::load(path)?).apply(network)?;
        let card = Card {
            network_g,
            task: "imported".to_string(),
            scale,
            network_scale: scale,
            in_channels: 3,
            losses: serde_json::Value::Null,
            seed: 0,
            data: serde_json::Value::Null,
            iter: 0,
            percept: env!("CARGO_PKG_VERSION").to_string(),
        };
        Ok(Self { network, card })
    }

    /// Writes weights and card into one safetensors file, by a temporary one.
    ///
    /// # Errors
    /// When the file cannot be written; what was there before is untouched.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let origin = || path.display().to_string();
        let card = serde_json::to_string(&self.card)
            .map_err(|error| ModelError::Card { origin: origin(), problem: error.to_string() })?;
        let mut state = StateDict::of(&self.network);
        state.set_metadata(SHA256, &state.sha256());
        state.set_metadata(CARD, &card);
        Ok(state.save(path)?)
    }

    /// What the model is.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// A photo, restored: values in `[0, 1]`, sides `scale` times longer.
    ///
    /// Tiles with the default overlap give what one piece gives, to less than 1/255. A network that looks at
    /// the mean of the whole image ([`Network::is_global`]) is never cut: its memory grows with the image.
    ///
    /// # Errors
    /// When the network reads RAW, or its result holds NaN.
    pub fn restore(&self, image: &Image<Srgb>, tiling: Tiling) -> Result<Image<Srgb>, ModelError> {
        self.through(image, 3, tiling)
    }

    /// A packed RAW, developed and restored, as [`restore`](Self::restore).
    ///
    /// # Errors
    /// When the network reads photos, or its result holds NaN.
    pub fn restore_bayer(&self, raw: &Image<PackedBayer>, tiling: Tiling) -> Result<Image<Srgb>, ModelError> {
        self.through(raw, 4, tiling)
    }

    fn through<S: Space>(
        &self,
        image: &Image<S>,
        has: usize,
        tiling: Tiling,
    ) -> Result<Image<Srgb>, ModelError> {
        let reads = self.card.in_channels;
        if reads != has {
            return Err(ModelError::Channels { reads, has });
        }
        let device = self.network.devices().first().cloned().unwrap_or_default();
        let ((width, height), scale) = (image.size(), self.card.network_scale);
        let tiling = if self.network.is_global() { Tiling { size: 0, ..tiling } } else { tiling };
        let mut restored = Image::<Srgb>::from_fn(width * scale, height * scale, |_, _, _| 0.0);
        for tile in tiling.tiles(width, height, self.card.network_g.radius()) {
            let [x, y] = tile.seen;
            let seen = image.crop(x.start, y.start, x.len(), y.len()).into_vec();
            let input = Tensor::<4>::from_data(TensorData::new(seen, [1, y.len(), x.len(), has]), &device);
            let output = self.network.forward(input);
            let [left, top] = [0, 1].map(|axis| (tile.kept[axis].start - tile.seen[axis].start) * scale);
            let [w, h] = tile.kept.map(|span| span.len() * scale);
            let kept = output.narrow(1, top, h).narrow(2, left, w).clamp(0.0, 1.0);
            let kept: Vec<f32> = kept.into_data().try_into_vec_as().unwrap_or_default();
            if kept.len() != w * h * 3 || kept.iter().any(|value| !value.is_finite()) {
                return Err(ModelError::NotFinite);
            }
            let (x, y) = (tile.kept[0].start * scale, tile.kept[1].start * scale);
            let into = restored.data_mut();
            for (row, values) in kept.chunks_exact(w * 3).enumerate() {
                let at = ((y + row) * width * scale + x) * 3;
                into[at..at + w * 3].copy_from_slice(values);
            }
        }
        Ok(restored)
    }
}
