//! A trained network with its card: saved, loaded, and applied to images.
//!
//! A model file is safetensors: the network's parameters under their usual names, and a [`Card`] in the metadata that
//! says which network they belong to. [`Model::restore`] takes images of any size and cuts large ones into
//! overlapping tiles, as its [`Tiling`] says; [`Model::restore_rows`] needs neither image nor result in memory.

mod brightness;
mod card;
mod error;
mod export;
mod restore;
mod rows;
mod tiling;
mod turn;
mod window;

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use percept_conv::{Conv, Precision};
use percept_image::{Image, PackedBayer, Space, Srgb};

pub use card::Card;
pub use error::ModelError;
pub use rows::{ImageRows, Rows};
pub use tiling::Tiling;
pub use turn::Ensemble;

use self::brightness::Seeing;
use self::restore::Pass;
use crate::network::{Extent, Network, NetworkConfig};
use crate::weights::ncnn::RESIZED;
use crate::weights::{Array, StateDict};

/// What is said of a file of weights; what is left out is read off it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The architecture, with what weights do not show; sizes are those of the weights.
    pub network_g: Option<&'a NetworkConfig>,
    /// How many times it enlarges.
    pub scale: Option<usize>,
}

/// A network that is ready to be applied, and what it is.
#[derive(Clone, Debug)]
pub struct Model {
    network: Network,
    card: Card,
    /// For messages.
    name: String,
    /// What was taken for granted about public weights.
    assumption: Option<String>,
}

impl Model {
    /// A model of a network as `card` describes it; its gradients are left behind.
    pub fn new(network: Network, card: Card) -> Self {
        let name = format!("the model ({}, step {})", card.network_g.name(), card.iter);
        let card = Card { network_g: card.network_g.completed(), ..card };
        Self { network: network.valid(), card, name, assumption: None }
    }

    /// Reads a model file: percept's own by its card, public weights as [`import`](Self::import) does.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, is of no architecture that percept knows, or its card and weights do not
    /// fit together.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self, ModelError> {
        Self::of_weights(StateDict::load(path.as_ref())?, path.as_ref(), Asked::default(), device)
    }

    /// Reads a model file and checks it against what is said of it. Public weights have no card: safetensors or `.pth` under
    /// the names of their authors. Architecture, widths, depths and the scale are read off them; `network_g` says the
    /// architecture, and what weights do not show. What is taken for granted then is the model's
    /// [`assumption`](Self::assumption). A file with a card is read by it, if that is of the same architecture.
    ///
    /// # Errors
    /// As [`load`](Self::load), or when the file holds weights of another network or of another scale than was said.
    pub fn import(path: impl AsRef<Path>, asked: Asked<'_>, device: &Device) -> Result<Self, ModelError> {
        Self::of_weights(StateDict::load(path.as_ref())?, path.as_ref(), asked, device)
    }

    /// [`import`](Self::import) of weights that were read already, from `path`.
    ///
    /// # Errors
    /// As [`import`](Self::import).
    pub fn of_weights(
        state: StateDict,
        path: &Path,
        asked: Asked<'_>,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let other = |what: &'static str, asked: String, found: String| {
            Err(ModelError::Other { path: path.to_path_buf(), what, asked, found })
        };
        let Asked { network_g, scale } = asked;
        if let Some(card) = state.metadata().get(Card::KEY).cloned() {
            let fitted = |asked: &NetworkConfig| asked.fitted(&asked.with_our_names(state.clone()));
            let asked = network_g.map(|asked| (asked, fitted(asked)));
            let model = Self::carded(path, state, &card, device)?;
            let found = &model.card.network_g;
            if let Some((asked, fitted)) = asked {
                if found.name() != asked.name() {
                    return other("network", asked.name().to_string(), found.name().to_string());
                }
                // Where something is left open, the card says it.
                if fitted.assumption(asked).is_none() && fitted != *found {
                    return other("network", fitted.to_string(), found.to_string());
                }
            }
            return match scale {
                Some(scale) if scale != model.card.scale => {
                    other("scale", scale.to_string(), model.card.scale.to_string())
                }
                _ => Ok(model),
            };
        }
        if ["iter", "card"].iter().all(|key| state.metadata().contains_key(*key)) {
            return Err(ModelError::Checkpoint { path: path.to_path_buf() });
        }
        let state = NetworkConfig::unwrapped(state);
        let resized = state.metadata().get(RESIZED).and_then(|factor| factor.parse::<f64>().ok());
        let detected = || {
            NetworkConfig::detect(&state)
                .map_err(|source| ModelError::Unrecognised { path: path.to_path_buf(), source })
        };
        let asked = network_g.map_or_else(detected, |network_g| Ok(network_g.clone()))?;
        let state = asked.with_our_names(state);
        let fitted = asked.fitted(&state);
        let (found, in_channels) = (fitted.scale(&state), fitted.in_channels(&state));
        let contradicted = scale.filter(|asked| found.is_some_and(|found| found != *asked));
        let scale = found.or(scale).unwrap_or(1);
        let card = Card {
            network_g: fitted.completed(),
            task: if scale > 1 { "sr" } else { "restoration" }.to_string(),
            scale,
            in_channels,
            losses: serde_json::Value::Null,
            seed: 0,
            data: serde_json::Value::Null,
            iter: 0,
            finished: false,
            percept: env!("CARGO_PKG_VERSION").to_string(),
            sha256: state.sha256(),
        };
        let left_out = resized.map(|factor| {
            format!(
                "the file resizes the network's result to {factor} of its sides, which percept leaves out: the result is {scale} \
                 times larger; `apply` makes it {0} times with --outscale {0}",
                scale as f64 * factor
            )
        });
        let assumption = fitted.assumption(&asked).or(left_out);
        let model = Self { assumption, ..Self::build(path, state, card, device)? };
        // Only weights of this architecture say anything about the scale.
        match contradicted {
            Some(asked) => other("scale", asked.to_string(), scale.to_string()),
            None => Ok(model),
        }
    }

    fn carded(path: &Path, state: StateDict, card: &str, device: &Device) -> Result<Self, ModelError> {
        let unfit = |reason: String| ModelError::Card { path: path.to_path_buf(), reason };
        let card: Card = serde_json::from_str(card).map_err(|error| unfit(in_words(&error.to_string())))?;
        if state.sha256() != card.sha256 {
            return Err(ModelError::Damaged { path: path.to_path_buf() });
        }
        if !matches!(card.in_channels, 1 | 3 | 4) {
            return Err(unfit(format!("a network cannot read {} channels", card.in_channels)));
        }
        let state = card.network_g.with_our_names(state);
        let found = card.network_g.fitted(&state);
        if found != card.network_g {
            return Err(unfit(format!("it says {}, the weights are of {found}", card.network_g)));
        }
        Self::build(path, state, card, device)
    }

    fn build(path: &Path, state: StateDict, card: Card, device: &Device) -> Result<Self, ModelError> {
        let failed = |source| ModelError::Network { path: path.to_path_buf(), source };
        let network =
            card.network_g.init(card.network_scale(), card.in_channels, 0, device).map_err(failed)?;
        let network = state.apply(network)?.valid();
        Ok(Self { network, card, name: path.display().to_string(), assumption: None })
    }

    /// The same model, whose products are of `precision` from now on, as far as results stay within a level of 8 bits: 3×3
    /// layers that are computed by minimal filtering stay `f32`, since rounding would cost a photo up to 34 levels. Where the
    /// processor or the device has nothing but `f32`, it all stays as it is.
    ///
    /// # Errors
    /// When the network cannot be made anew.
    pub fn in_precision(&self, precision: Precision) -> Result<Self, ModelError> {
        let card = &self.card;
        let (device, products) =
            (self.device(), Conv::default().with_precision(precision).with_exact_filtering());
        let network = card
            .network_g
            .init_in(products, card.network_scale(), card.in_channels, 0, &device)
            .map_err(|source| ModelError::Network { path: self.name.clone().into(), source })?;
        let network = StateDict::of(&self.network).apply(network)?.valid();
        Ok(Self { network, ..self.clone() })
    }

    /// Where the network is.
    fn device(&self) -> Device {
        self.network.devices().first().cloned().unwrap_or_else(Device::flex)
    }

    /// Between this model and `other`, which is of the same network: every value `share` of this one and the rest of the
    /// other, as ESRGAN's network interpolation (Wang et al., 2018). 1 is this model, 0 the other.
    ///
    /// # Errors
    /// When the two are not of the same network.
    pub fn mixed(&self, other: &Self, share: f64) -> Result<Self, ModelError> {
        let (ours, theirs) = (&self.card, &other.card);
        if (&ours.network_g, ours.scale, ours.in_channels)
            != (&theirs.network_g, theirs.scale, theirs.in_channels)
        {
            return Err(ModelError::Unlike {
                one: format!("{} is {}, scale {}", self.name, ours.network_g, ours.scale),
                other: format!("{} is {}, scale {}", other.name, theirs.network_g, theirs.scale),
            });
        }
        let mut state = StateDict::of(&self.network);
        let others = StateDict::of(&other.network);
        for (name, array) in others.iter() {
            let Some(mine) = state.remove(name) else { continue };
            let mix = |(a, b): (&f32, &f32)| (share * f64::from(*a) + (1.0 - share) * f64::from(*b)) as f32;
            let data = mine.data.iter().zip(&array.data).map(mix).collect();
            state.insert(name, Array { shape: mine.shape, data });
        }
        let network = state.apply(self.network.clone())?;
        let data = serde_json::json!({"mixed": {&self.name: share, &other.name: 1.0 - share}});
        Ok(Self { network, card: Card { data, finished: false, ..ours.clone() }, ..self.clone() })
    }

    /// Writes a model file by a temporary one, so that a kill leaves the old or the new. The card's `sha256` is filled
    /// in.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        let path = path.as_ref();
        let mut state = self.network.saved();
        let network_g = self.card.network_g.as_saved();
        let card = Card { network_g, sha256: state.sha256(), ..self.card.clone() };
        let card = serde_json::to_string(&card)
            .map_err(|error| ModelError::Card { path: path.to_path_buf(), reason: error.to_string() })?;
        state.set_metadata(Card::KEY, &card);
        Ok(state.save(path)?)
    }

    /// What the model is.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// What was taken for granted about public weights though results depend on it, and what to do if that is wrong.
    pub fn assumption(&self) -> Option<&str> {
        self.assumption.as_deref()
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
    /// When the model reads RAW, or its result is not finite or does not fit into memory.
    pub fn restore(&self, photo: &Image<Srgb>, tiling: Tiling) -> Result<Image<Srgb>, ModelError> {
        self.apply(photo, tiling)
    }

    /// The photo of a packed RAW, at `2 · scale` times the packed size, every value in `[0, 1]`; otherwise as
    /// [`restore`](Self::restore).
    ///
    /// # Errors
    /// When the model reads photos, or its result is not finite or does not fit into memory.
    pub fn restore_bayer(&self, raw: &Image<PackedBayer>, tiling: Tiling) -> Result<Image<Srgb>, ModelError> {
        self.apply(raw, tiling)
    }

    /// [`restore`](Self::restore) of rows, which gives the rows of the result to `take`, from the top. Neither image nor result
    /// is in memory as a whole: no more than a band of tiles reads and makes ([`memory_of_rows`](Self::memory_of_rows)). A
    /// network that pools over the whole image goes through the rows of a large one several times.
    ///
    /// # Errors
    /// When the model reads RAW, its result is not finite, and what the rows and `take` return.
    pub fn restore_rows<R: Rows>(
        &self,
        rows: &mut R,
        tiling: Tiling,
        ensemble: Ensemble,
        take: impl FnMut(&[f32]) -> Result<(), R::Error>,
    ) -> Result<(), R::Error> {
        self.apply_rows::<Srgb, R>(rows, tiling, ensemble, take)
    }

    /// About how many bytes [`restore_rows`](Self::restore_rows) takes for a photo of this size: what the network reads, the
    /// largest tile at its peak, and what a band of tiles makes.
    pub fn memory_of_rows(&self, width: usize, height: usize, tiling: Tiling) -> u64 {
        let scale = self.card.network_scale();
        let (extent, border) = (self.card.network_g.extent(scale), self.card.network_g.border(scale));
        let [wide, high] = [width, height].map(|side| border.continued(side));
        let tiles = tiling.cut(wide, high, self.aligned(extent, scale), scale);
        let largest = tiles.iter().map(|tile| tile.x.length() * tile.y.length()).max().unwrap_or(0);
        let read = tiles.iter().map(|tile| tile.y.length()).max().unwrap_or(0);
        let made = tiles.iter().map(|tile| tile.y.to - tile.y.from).max().unwrap_or(0);
        bytes([largest, extent.floats, 1])
            .saturating_add(bytes([width, read + border.reach(), self.card.image_channels()]))
            .saturating_add(bytes([wide * scale, made * scale, 3]))
    }

    /// For tiles that start where they are computed as the whole image is.
    fn aligned(&self, extent: Extent, scale: usize) -> Extent {
        Extent { multiple: self.card.network_g.alignment(scale), ..extent }
    }

    fn apply<S: Space>(&self, image: &Image<S>, tiling: Tiling) -> Result<Image<Srgb>, ModelError> {
        let scale = self.card.network_scale();
        let [width, height] = [image.width(), image.height()].map(|side| side.saturating_mul(scale));
        // Where memory is short this is an error, and later it would be the end of the program.
        let mut values = Vec::new();
        let count = width.saturating_mul(height).saturating_mul(3);
        values.try_reserve_exact(count).map_err(|_| ModelError::Memory {
            model: self.name.clone(),
            width,
            height,
        })?;
        let take = |row: &[f32]| {
            values.extend_from_slice(row);
            Ok(())
        };
        self.apply_rows::<S, _>(&mut ImageRows::new(image), tiling, Ensemble::One, take)?;
        // Without pixels there are no rows either.
        values.resize(count, 0.0);
        Ok(Image::from_vec(width, height, values).unwrap_or_else(|_| Image::from_fn(0, 0, |_, _, _| 0.0)))
    }

    fn apply_rows<S: Space, R: Rows>(
        &self,
        rows: &mut R,
        tiling: Tiling,
        ensemble: Ensemble,
        mut take: impl FnMut(&[f32]) -> Result<(), R::Error>,
    ) -> Result<(), R::Error> {
        if S::CHANNELS != self.card.image_channels() {
            let reads = if self.card.in_channels == 4 { "packed Bayer RAWs" } else { "photos" };
            return Err(ModelError::Input { model: self.name.clone(), reads, given: S::NAME }.into());
        }
        let scale = self.card.network_scale();
        let (extent, border) = (self.card.network_g.extent(scale), self.card.network_g.border(scale));
        let (width, height) = rows.size();
        let [wide, high] = [width, height].map(|side| border.continued(side));
        let pass = Pass {
            network: Seeing { network: &self.network, brightness: self.card.in_channels == 1, scale },
            tiles: &tiling.cut(wide, high, self.aligned(extent, scale), scale),
            scale,
            channels: S::CHANNELS,
            border,
            ensemble,
            device: &self.device(),
        };
        let mut line = Vec::new();
        pass.rows(rows, |row| {
            if row.iter().any(|value| !value.is_finite()) {
                return Err(ModelError::NotFinite { model: self.name.clone() }.into());
            }
            line.clear();
            line.extend(row.iter().map(|value| value.clamp(0.0, 1.0)));
            take(&line)
        })
    }
}

/// Of so many floats.
fn bytes(factors: [usize; 3]) -> u64 {
    let floats = factors.iter().fold(1u64, |all, n| all.saturating_mul(*n as u64));
    floats.saturating_mul(size_of::<f32>() as u64)
}

/// A parser's complaint without the names of types.
fn in_words(complaint: &str) -> String {
    let words = [
        ("expected usize", "expected a whole number from 0 on"),
        ("expected u64", "expected a whole number from 0 on"),
        ("expected f64", "expected a number"),
    ];
    words.iter().fold(complaint.to_string(), |text, (name, words)| text.replace(name, words))
}
