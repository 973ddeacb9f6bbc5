//! A selection that was learned from photos alone, and the distance in what it selects.

use std::ops::RangeInclusive;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use percept_conv::{channel_distance, unit};
use percept_image::{Better, Cost, Image, Metric, MetricError, Srgb};

use super::score::score;
use crate::backbone::{Backbone, BackboneConfig, BackboneError, Precision};
use crate::weights::{Array, StateDict, WeightError, WeightStore};

/// Where a selection's file says what it belongs to.
const CARD: &str = "selection";

/// `1 − (2σ_ab + k) / (σ_a² + σ_b² + k)` by image and channel, two `[N, H, W, C]` → `[N, C]` in `[0, 2]`; 0 for equal
/// maps. `usual` (`[C]`) is `k`, each channel's usual variance: where there is less of a pattern than usual, it counts less.
///
/// The structure term of SSIM (Wang, Bovik, Sheikh, Simoncelli, *Image Quality Assessment: From Error Visibility to
/// Structural Similarity*, 2004) over a whole feature map, as DISTS has it (Ding, Ma, Wang, Simoncelli, *Image Quality
/// Assessment: Unifying Structure and Texture Similarity*, 2020): an error counts less where the photo itself is busy.
///
/// # Panics
/// If the dimensions differ.
pub fn channel_structure(a: Tensor<4>, b: Tensor<4>, usual: &Tensor<1>) -> Tensor<2> {
    let centred = |map: Tensor<4>| {
        let mean = map.clone().mean_dim(1).mean_dim(2);
        map - mean
    };
    let [n, _, _, c] = a.dims();
    let mean = |map: Tensor<4>| map.mean_dim(1).mean_dim(2).reshape([n, c]);
    let (a, b) = (centred(a), centred(b));
    let steady = usual.clone().add_scalar(1e-12).unsqueeze::<2>();
    let both = mean(a.clone() * b.clone()).mul_scalar(2.0) + steady.clone();
    let each = mean(a.square()) + mean(b.square()) + steady;
    (both / each).neg().add_scalar(1.0)
}

/// How far apart two feature maps are, channel by channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelDistance {
    /// Their mean squared difference: what the feature loss descends, so the one to start a training from.
    #[default]
    Squared,
    /// How unlike their patterns are ([`channel_structure`]).
    Structure,
    /// Their mean squared difference with the features of every position at unit length, as LPIPS has them (Zhang,
    /// Isola, Efros, Shechtman, Wang, *The Unreasonable Effectiveness of Deep Features as a Perceptual Metric*, 2018):
    /// photos of strong and of weak contrast can be compared.
    Unit,
}

/// Added to the squared length of a feature vector.
const EPSILON: f64 = 1e-10;

impl ChannelDistance {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Squared, Self::Structure, Self::Unit];

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Squared => "Their mean squared difference, which the feature loss descends",
            Self::Structure => "How unlike their patterns are",
            Self::Unit => {
                "Their mean squared difference with the features of every position at unit length, as LPIPS has them"
            }
        }
    }

    /// By image and channel, two `[N, H, W, C]` → `[N, C]`; `usual` (`[C]`) is each channel's usual variance.
    ///
    /// # Panics
    /// If the dimensions differ.
    pub fn of(self, a: Tensor<4>, b: Tensor<4>, usual: &Tensor<1>) -> Tensor<2> {
        match self {
            Self::Squared => channel_distance(a, b),
            Self::Structure => channel_structure(a, b, usual),
            Self::Unit => {
                let [n, h, w, c] = a.dims();
                let at_length_one =
                    |map: Tensor<4>| unit(map.reshape([n, h * w, c]), EPSILON).reshape([n, h, w, c]);
                channel_distance(at_length_one(a), at_length_one(b))
            }
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Squared => "squared",
            Self::Structure => "structure",
            Self::Unit => "unit",
        }
    }
}

/// What was selected of one tap. All have one number a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectedTap {
    /// The tap.
    pub name: String,
    /// The weights, at least 0, mean 1.
    pub weights: Vec<f32>,
    /// The mean distance of the distortions that they were learned from, which distances are divided by.
    pub response: Vec<f32>,
    /// The usual variance of the features.
    pub variance: Vec<f32>,
}

/// A selection by itself: channel weights of a backbone that were learned from photos, without a network to train.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectionFile {
    /// The network.
    pub backbone: BackboneConfig,
    /// The distance that was contrasted.
    pub distance: ChannelDistance,
    /// What is selected of it.
    pub taps: Vec<SelectedTap>,
    /// How it was learned, in words.
    pub learned: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct FileCard {
    backbone: BackboneConfig,
    distance: ChannelDistance,
    taps: Vec<String>,
    learned: String,
}

impl SelectionFile {
    /// As arrays: the weights under the tap's name, so that the file can start a training's selection too.
    pub fn state_dict(&self) -> StateDict {
        let mut state = StateDict::new();
        for tap in &self.taps {
            let parts = [("", &tap.weights), (".response", &tap.response), (".variance", &tap.variance)];
            for (part, data) in parts {
                let array = Array { shape: vec![data.len()], data: data.clone() };
                state.insert(&format!("{}{part}", tap.name), array);
            }
        }
        let taps = self.taps.iter().map(|tap| tap.name.clone()).collect();
        let Self { distance, backbone, learned, .. } = self.clone();
        let card = FileCard { backbone, distance, taps, learned };
        // A structure of strings is always JSON.
        state.set_metadata(CARD, &serde_json::to_string(&card).unwrap_or_default());
        state
    }

    /// What a file holds; `None` where it is another kind of file.
    ///
    /// # Errors
    /// When arrays are missing, or hold other numbers than a selection can have.
    pub fn from_state_dict(state: &StateDict) -> Result<Option<Self>, WeightError> {
        let Some(card) = state.metadata().get(CARD) else { return Ok(None) };
        let malformed =
            |problem: String| WeightError::Malformed { origin: state.origin().to_string(), problem };
        let card: FileCard = serde_json::from_str(card)
            .map_err(|error| malformed(format!("its card `{CARD}` cannot be read: {error}")))?;
        let tap = |name: String| {
            let length = state.get(&name).map_or(0, |array| array.data.len());
            let part = |part: &str| {
                let key = format!("{name}{part}");
                let data = state.require(&key, &[length])?.data.clone();
                match data.iter().all(|value| *value >= 0.0) {
                    true => Ok(data),
                    false => Err(malformed(format!("`{key}` holds negative numbers"))),
                }
            };
            let (weights, response, variance) = (part("")?, part(".response")?, part(".variance")?);
            match weights.iter().any(|weight| *weight > 0.0) {
                true => Ok(SelectedTap { name, weights, response, variance }),
                false => Err(malformed(format!("`{name}` selects nothing"))),
            }
        };
        let taps = card.taps.clone().into_iter().map(tap).collect::<Result<Vec<_>, WeightError>>()?;
        let FileCard { backbone, distance, learned, .. } = card;
        Ok(Some(Self { backbone, distance, taps, learned }))
    }

    /// Writes it by a temporary file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), WeightError> {
        self.state_dict().save(path)
    }
}

/// The distance in the channels of a [`SelectionFile`] (`selected:FILE`): by channel it is weighted and divided
/// by what distortions usually do to it, averaged over channels and taps. 0 for equal images, about 1 for the distortions
/// that it was learned from.
pub struct SelectedByPhotos {
    name: String,
    protocol: String,
    backbone: Box<dyn Backbone>,
    distance: ChannelDistance,
    taps: Vec<TapFactors>,
    device: Device,
}

impl std::fmt::Debug for SelectedByPhotos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SelectedByPhotos")
            .field("name", &self.name)
            .field("protocol", &self.protocol)
            .finish()
    }
}

struct TapFactors {
    /// Weight over response, `[C]`.
    factor: Tensor<1>,
    variance: Tensor<1>,
}

impl SelectedByPhotos {
    /// The score of a selection; `name` is what was asked for.
    ///
    /// # Errors
    /// When the network's weights are missing or wrong, or the selection does not fit it.
    pub fn new(
        name: &str,
        selection: &SelectionFile,
        store: &WeightStore,
        device: &Device,
    ) -> Result<Self, BackboneError> {
        let device = device.clone().inner();
        let names: Vec<String> = selection.taps.iter().map(|tap| tap.name.clone()).collect();
        let backbone = BackboneConfig { precision: Precision::F32, ..selection.backbone.clone() };
        let backbone = backbone.init(&names, store, &device)?;
        let state = selection.state_dict().with_origin(name);
        let tensor = |data: &[f32]| Tensor::from_data(TensorData::new(data.to_vec(), [data.len()]), &device);
        let taps = backbone.taps().iter().zip(&selection.taps).map(|(tap, selected)| {
            state.require(&tap.name, &[tap.channels])?;
            let usual = selected.response.iter().sum::<f32>() / tap.channels as f32;
            // A channel that hardly ever answered is not blown up.
            let factor =
                selected.weights.iter().zip(&selected.response).map(|(w, r)| w / (r + 1e-3 * usual + 1e-12));
            let factor: Vec<f32> = factor.collect();
            Ok::<_, BackboneError>(TapFactors {
                factor: tensor(&factor),
                variance: tensor(&selected.variance),
            })
        });
        let taps = taps.collect::<Result<_, _>>()?;
        let protocol = format!(
            "{} distance of {} features at {}, channels selected without labels ({}), sha256 {}, sRGB [0, 1], full size, f32",
            selection.distance.name(),
            backbone.name(),
            names.join(", "),
            selection.learned,
            state.sha256().chars().take(8).collect::<String>()
        );
        Ok(Self { name: name.to_string(), protocol, backbone, distance: selection.distance, taps, device })
    }

    /// The distance of two `[N, H, W, 3]`, sRGB in `[0, 1]`: `[N]`, differentiable.
    ///
    /// # Panics
    /// When the shapes differ, or a side is shorter than the backbone's shortest.
    pub fn distance(&self, a: Tensor<4>, b: Tensor<4>) -> Tensor<1> {
        let n = a.dims()[0];
        let (a, b) = (self.backbone.features(a), self.backbone.features(b));
        let distances = a.into_iter().zip(b).zip(&self.taps).map(|((a, b), tap)| {
            let distance = self.distance.of(a, b, &tap.variance) * tap.factor.clone().unsqueeze::<2>();
            distance.mean_dim(1).reshape([n])
        });
        let sum = distances.reduce(|sum, distance| sum + distance);
        let taps = self.taps.len().max(1) as f64;
        sum.map_or_else(|| Tensor::zeros([n], &self.device), |sum| sum.div_scalar(taps))
    }
}

impl Metric for SelectedByPhotos {
    fn name(&self) -> &str {
        &self.name
    }

    fn protocol(&self) -> String {
        self.protocol.clone()
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "percept select; the idea after Mei, Lu, Yi, Wu, Li, Huang, Disentangle Perceptual Learning through Online Contrastive Learning, 2020"
    }

    fn cost(&self) -> Cost {
        Cost::Network
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let min_side = self.backbone.min_side();
        score(&self.name, min_side, &self.device, reference, test, |a, b| self.distance(a, b))
    }
}
