//! A trained network with its card: saved, loaded, and applied to images.
//!
//! A model file is safetensors: the network's parameters under their usual names, and a [`Card`] in the metadata that
//! says which network they belong to. [`Model::restore`] takes images of any size and cuts large ones into
//! overlapping tiles, as its [`Tiling`] says.

mod card;
mod error;
mod extent;
mod fit;
mod restore;
mod tiling;

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use percept_image::{Image, PackedBayer, Space, Srgb};

pub use card::Card;
pub use error::ModelError;
pub use tiling::Tiling;

use crate::network::{Network, NetworkConfig, from_esrgan};
use crate::weights::{StateDict, WeightError};
use extent::Extent;

/// A network that is ready to be applied, and what it is.
#[derive(Clone, Debug)]
pub struct Model {
    network: Network,
    card: Card,
    /// For messages.
    name: String,
}

impl Model {
    /// A model of a network as `card` describes it; its gradients are left behind.
    pub fn new(network: Network, card: Card) -> Self {
        let name = format!("the model ({}, step {})", card.network_g.name(), card.iter);
        Self { network: network.valid(), card, name }
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, has no card, or its card and weights do not fit together.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let state = StateDict::load(path)?;
        let Some(card) = state.metadata().get(Card::KEY) else {
            let is_checkpoint = ["iter", "card"].iter().all(|key| state.metadata().contains_key(*key));
            let path = path.to_path_buf();
            return Err(if is_checkpoint {
                ModelError::Checkpoint { path }
            } else {
                ModelError::NoCard { path }
            });
        };
        let unfit = |reason: String| ModelError::Card { path: path.to_path_buf(), reason };
        let card: Card = serde_json::from_str(card).map_err(|error| unfit(error.to_string()))?;
        if state.sha256() != card.sha256 {
            return Err(ModelError::Damaged { path: path.to_path_buf() });
        }
        if !matches!(card.in_channels, 3 | 4) {
            return Err(unfit(format!("a network cannot read {} channels", card.in_channels)));
        }
        let found = fit::fitted(&card.network_g, &state);
        if found != card.network_g {
            return Err(unfit(format!("it says {:?}, the weights are of {found:?}", card.network_g)));
        }
        Self::build(path, state, card, device)
    }

    /// Reads public weights, which have no card: safetensors or `.pth` of an SRResNet, EDSR, RRDBNet (ESRGAN's first
    /// names too) or NAFNet that enlarges `scale` times. Widths and depths are read off the weights; `network_g` says
    /// the architecture, and what weights do not show.
    ///
    /// # Errors
    /// When the file cannot be read, or holds weights of another network or scale.
    pub fn import(
        path: impl AsRef<Path>,
        network_g: &NetworkConfig,
        scale: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let state = from_esrgan(StateDict::load(path)?);
        let card = Card {
            network_g: fit::fitted(network_g, &state),
            task: if scale > 1 { "sr" } else { "restoration" }.to_string(),
            scale,
            in_channels: 3,
            losses: serde_json::Value::Null,
            seed: 0,
            data: serde_json::Value::Null,
            iter: 0,
            finished: false,
            percept: env!("CARGO_PKG_VERSION").to_string(),
            sha256: state.sha256(),
        };
        Self::build(path, state, card, device)
    }

    fn build(path: &Path, state: StateDict, card: Card, device: &Device) -> Result<Self, ModelError> {
        let failed = |source| ModelError::Network { path: path.to_path_buf(), source };
        card.network_g.validate(card.network_scale()).map_err(failed)?;
        if !fit::is_plausible(&card.network_g, &state) {
            let problem = format!("it has too few values for {:?}", card.network_g);
            return Err(WeightError::Malformed { origin: state.origin().to_string(), problem }.into());
        }
        let network =
            card.network_g.init(card.network_scale(), card.in_channels, 0, device).map_err(failed)?;
        let network = state.apply(network)?.valid();
        Ok(Self { network, card, name: path.display().to_string() })
    }

    /// Writes a model file by a temporary one, so that a kill leaves the old or the new. The card's `sha256` is filled
    /// in.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        let path = path.as_ref();
        let mut state = StateDict::of(&self.network);
        let card = Card { sha256: state.sha256(), ..self.card.clone() };
        let card = serde_json::to_string(&card)
            .map_err(|error| ModelError::Card { path: path.to_path_buf(), reason: error.to_string() })?;
        state.set_metadata(Card::KEY, &card);
        Ok(state.save(path)?)
    }

    /// What the model is.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The network, without gradients.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The photo as the network makes it, `scale` times larger, every value in `[0, 1]`.
    ///
    /// Tiles and the whole image give the same within a level of 8 bits. Sides that the network cannot halve as often
    /// as it has to are continued by their mirror image, and the result is cut. A network that pools over the whole
    /// image (NAFNet) goes through the tiles of a large photo once for every pooling, because the mean of a tile is
    /// not the mean of the photo: exact, in bounded memory, and several times slower than `Tiling::whole()`.
    ///
    /// # Errors
    /// When the model reads RAW, or its result is not finite.
    pub fn restore(&self, photo: &Image<Srgb>, tiling: Tiling) -> Result<Image<Srgb>, ModelError> {
        self.apply(photo, tiling)
    }

    /// The photo of a packed RAW, at `2 · scale` times the packed size, every value in `[0, 1]`; otherwise as
    /// [`restore`](Self::restore).
    ///
    /// # Errors
    /// When the model reads photos, or its result is not finite.
    pub fn restore_bayer(&self, raw: &Image<PackedBayer>, tiling: Tiling) -> Result<Image<Srgb>, ModelError> {
        self.apply(raw, tiling)
    }

    fn apply<S: Space>(&self, image: &Image<S>, tiling: Tiling) -> Result<Image<Srgb>, ModelError> {
        if S::CHANNELS != self.card.in_channels {
            let reads = if self.card.in_channels == 4 { "packed Bayer RAWs" } else { "photos" };
            return Err(ModelError::Input { model: self.name.clone(), reads, given: S::NAME });
        }
        let scale = self.card.network_scale();
        let extent = Extent::of(&self.card.network_g, scale);
        let padded = restore::padded(image, extent.multiple);
        let tiles = tiling.cut(padded.width(), padded.height(), extent);
        let device = self.network.devices().first().cloned().unwrap_or_else(Device::flex);
        let result = restore::tiled(&self.network, &padded, &tiles, scale, &device);
        if result.data().iter().any(|value| !value.is_finite()) {
            return Err(ModelError::NotFinite { model: self.name.clone() });
        }
        let (width, height) = image.size();
        Ok(result.crop(0, 0, width * scale, height * scale).map(|value| value.clamp(0.0, 1.0)))
    }
}
