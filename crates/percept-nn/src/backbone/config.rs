//! A backbone as a config names it.

use std::path::PathBuf;

use burn::tensor::Device;
use percept_conv::Precision;
use percept_image::expand_home;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layers::Architecture;
use super::{Backbone, BackboneError, Pooling, Scaling, Trunk, alexnet::alexnet, random_weights, vgg};
use crate::weights::{StateDict, WeightStore};

/// Which classification network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BackboneKind {
    /// VGG16, 13 convolutions. Taps `conv1_1`, `relu1_1` … `conv5_3`, `relu5_3`.
    #[default]
    Vgg16,
    /// VGG19, 16 convolutions. Taps `conv1_1`, `relu1_1` … `conv5_4`, `relu5_4`.
    Vgg19,
    /// AlexNet, 5 convolutions. Taps `conv1`, `relu1` … `conv5`, `relu5`.
    Alexnet,
}

impl BackboneKind {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Alexnet, Self::Vgg16, Self::Vgg19];

    /// Name as in a config.
    pub fn name(self) -> &'static str {
        architecture(self).name
    }

    /// The taps at which most losses and scores read it.
    pub fn usual_taps(self) -> &'static [&'static str] {
        match self {
            Self::Alexnet => &["relu1", "relu2", "relu3", "relu4", "relu5"],
            Self::Vgg16 => &["relu1_2", "relu2_2", "relu3_3"],
            Self::Vgg19 => &["relu1_2", "relu2_2", "relu3_4"],
        }
    }
}

/// Where a backbone's weights come from: `"bundled"`, `"random"`, or the path of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum WeightSource {
    /// The weights that percept knows by the network's name, checked by sha256.
    #[default]
    Bundled,
    /// Random weights, the same ones every time: for ablations.
    Random,
    /// A safetensors or `.pth` file with torchvision's names.
    Path(PathBuf),
}

impl From<String> for WeightSource {
    fn from(text: String) -> Self {
        match text.as_str() {
            "bundled" => Self::Bundled,
            "random" => Self::Random,
            _ => Self::Path(expand_home(text)),
        }
    }
}

impl From<WeightSource> for String {
    fn from(source: WeightSource) -> Self {
        match source {
            WeightSource::Bundled => "bundled".to_string(),
            WeightSource::Random => "random".to_string(),
            WeightSource::Path(path) => path.display().to_string(),
        }
    }
}

/// A frozen classification network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BackboneConfig {
    /// `vgg16` (default), `vgg19` or `alexnet`.
    #[serde(rename = "type")]
    pub kind: BackboneKind,
    /// `"bundled"` (default): the known weights, checked; `"random"`: untrained, for ablations; or the path
    /// of a safetensors or `.pth` file with torchvision's names (`features.0.weight`, …).
    #[schemars(with = "String")]
    pub weights: WeightSource,
    /// What the network's products are made of: `"f32"` (default) or `"bf16"`, which is faster and less exact on processors
    /// with AVX512-BF16: losses and their gradients change a little. On other processors and devices both are `f32`.
    /// Scores are never computed with it.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(example = Precision::Bf16)]
    pub precision: Precision,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl BackboneConfig {
    /// The network on `device`, up to the deepest of `taps`, whose order its features will have.
    ///
    /// # Errors
    /// When a tap does not exist or none is given, and when weights are missing, wrong or broken.
    pub fn init(
        &self,
        taps: &[String],
        store: &WeightStore,
        device: &Device,
    ) -> Result<Box<dyn Backbone>, BackboneError> {
        let architecture = architecture(self.kind);
        let positions = architecture.positions(taps)?;
        let state = match &self.weights {
            WeightSource::Bundled => store.load(architecture.name)?,
            WeightSource::Random => random_weights(self.kind),
            WeightSource::Path(path) => StateDict::load(path)?,
        };
        let (pooling, scaling) = (Pooling::Max, Scaling::IMAGENET);
        let trunk = Trunk::new(&architecture, &positions, pooling, scaling, &state, self.precision, device)?;
        Ok(Box::new(trunk))
    }
}

/// The layers of a kind.
pub(crate) fn architecture(kind: BackboneKind) -> Architecture {
    match kind {
        BackboneKind::Vgg16 => vgg::vgg16(),
        BackboneKind::Vgg19 => vgg::vgg19(),
        BackboneKind::Alexnet => alexnet(),
    }
}
