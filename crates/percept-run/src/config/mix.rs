//! `datasets.train.augment` and `datasets.train.progressive`: mixes of samples, and crops that grow.

use percept_image::degrade::Strength;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[[datasets.train.augment]]`: a mix of samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum MixConfig {
    /// The weighted mean of two samples (Zhang et al., mixup, 2018).
    Mixup(MixupConfig),
    /// A rectangle of another sample (Yun et al., CutMix, 2019).
    Cutmix(CutmixConfig),
    /// A rectangle of the input, or all around it, shows the target, as small as the input is: the network learns where there
    /// is nothing to do (Yoo et al., CutBlur, 2020). Not for `raw2rgb`, and of no effect where inputs are shrunk targets and
    /// no more.
    Cutblur(CutblurConfig),
}

/// Settings of `type = "mixup"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MixupConfig {
    /// How many of the samples, 0 to 1. Default 0.3.
    pub prob: f64,
    /// Both parameters of the Beta distribution that the weight is drawn from, 0.01 to 100. Default 1.2.
    pub alpha: f64,
}

/// Settings of `type = "cutmix"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CutmixConfig {
    /// How many of the samples, 0 to 1. Default 0.3.
    pub prob: f64,
    /// Side of the rectangle, of that of the crop, 0 to 1. Default [0.2, 0.8].
    pub side: Strength,
}

/// Settings of `type = "cutblur"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CutblurConfig {
    /// How many of the samples, 0 to 1. Default 0.3.
    pub prob: f64,
    /// Side of the rectangle, of that of the crop, 0 to 1. Default [0.2, 0.8].
    pub side: Strength,
}

/// `[[datasets.train.progressive]]`: from a step on, other sizes of crops and batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageConfig {
    /// Steps that are done before; larger from stage to stage.
    pub after: u64,
    /// Side of the crops, as `gt_size`.
    pub gt_size: usize,
    /// Crops a step, 1 to 256. Left out: as many as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
}

const PROB: f64 = 0.3;
const SIDE: Strength = Strength::Between([0.2, 0.8]);

impl Default for MixupConfig {
    fn default() -> Self {
        Self { prob: PROB, alpha: 1.2 }
    }
}

impl Default for CutmixConfig {
    fn default() -> Self {
        Self { prob: PROB, side: SIDE }
    }
}

impl Default for CutblurConfig {
    fn default() -> Self {
        Self { prob: PROB, side: SIDE }
    }
}

impl MixConfig {
    /// How many of the samples.
    pub fn prob(&self) -> f64 {
        match self {
            Self::Mixup(mix) => mix.prob,
            Self::Cutmix(mix) => mix.prob,
            Self::Cutblur(mix) => mix.prob,
        }
    }
}
