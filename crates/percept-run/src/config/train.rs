//! `train`, `val` and `logger`: losses, optimiser, schedule, validation, logs.

use percept_nn::backbone::Precision;
use percept_nn::loss::{GanLoss, LossConfig, Term};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `train`: the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Steps of the whole run. Default 10000.
    pub total_iter: u64,
    /// Batches whose mean gradient makes a step, 1 to 1024: as a batch so many times larger, in the memory of one. Steps are
    /// those of the optimizer everywhere: in `total_iter`, schedules, averages and logs. A selection moves by the first batch
    /// of a step. Default 1.
    pub accumulate: u64,
    /// What the products of `network_g` and `network_d` are made of, forward and for their gradients: `"f32"` (default) or
    /// `"bf16"`, which is faster and less exact on processors with AVX512-BF16. Weights, sums, averages, losses and
    /// selections stay `f32`. On other processors and devices both are `f32`, which the log says. What losses look through
    /// has a `precision` of its own.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(example = Precision::Bf16)]
    pub precision: Precision,
    /// Decay of the moving average of the network's weights, in [0, 1); 0 keeps none. Validation and the
    /// saved model use the average. In an early step t it is no more than (1 + t) / (10 + t), so that short
    /// trainings are not judged by their start. Default 0.999.
    pub ema_decay: f64,
    /// Steps in which the learning rate rises from 0 to its full value. Default 0.
    pub warmup_iter: u64,
    /// The optimiser.
    pub optim_g: OptimConfig,
    /// The discriminator's optimiser. Left out: as `optim_g`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({}))]
    pub optim_d: Option<OptimConfig>,
    /// How the learning rate changes.
    pub scheduler: SchedulerConfig,
    /// How the discriminator's learning rate changes. Left out: as `scheduler`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "type": "constant" }))]
    pub scheduler_d: Option<SchedulerConfig>,
    /// The losses compare a part of each crop that is so many pixels smaller and lies elsewhere in each step: 0 to
    /// half of `gt_size`.
    /// Frozen networks and discriminators see an image on a grid of their own (4 pixels at relu3_3); the idea is that a
    /// network cannot learn to draw a grid that moves. Tried once, it did not help. Default 0: whole crops.
    pub jitter: usize,
    /// The losses, at least one. The network descends their sum.
    pub losses: Vec<Term>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            total_iter: 10_000,
            accumulate: 1,
            precision: Precision::F32,
            ema_decay: 0.999,
            warmup_iter: 0,
            optim_g: OptimConfig::default(),
            optim_d: None,
            scheduler: SchedulerConfig::Constant,
            scheduler_d: None,
            jitter: 0,
            losses: Vec::new(),
        }
    }
}

impl TrainConfig {
    /// What the discriminator learns by.
    pub fn learning_d(&self) -> (&OptimConfig, &SchedulerConfig) {
        let (optim, scheduler) = (self.optim_d.as_ref(), self.scheduler_d.as_ref());
        (optim.unwrap_or(&self.optim_g), scheduler.unwrap_or(&self.scheduler))
    }

    /// Writes out what depends on the kind of optimiser.
    pub fn complete(&mut self) {
        for optim in std::iter::once(&mut self.optim_g).chain(&mut self.optim_d) {
            *optim = optim.clone().completed();
        }
    }

    /// The adversarial term, with its name.
    pub fn gan(&self) -> Option<(&str, &GanLoss)> {
        self.losses.iter().find_map(|term| match &term.loss {
            LossConfig::Gan(gan) => Some((term.name.as_str(), gan)),
            _ => None,
        })
    }

    /// The first term that has a selection.
    pub fn selecting(&self) -> Option<&Term> {
        self.losses.iter().find(|term| term.loss.selection().is_some())
    }
}

/// Which optimiser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptimType {
    /// Adam; its weight decay is added to the gradient.
    #[default]
    Adam,
    /// AdamW; its weight decay shrinks the weights themselves, as it does in all that follow.
    Adamw,
    /// Adan (Xie et al., 2022).
    Adan,
    /// Lion (Chen et al., 2023): the sign of an average; takes a rate three to ten times smaller than Adam's.
    Lion,
    /// Muon (Jordan et al., 2024; Liu et al., 2025) for weights of two dimensions and more, seen as matrices, with AdamW's
    /// rates; AdamW for the others, with `betas` 0.9 and 0.99.
    Muon,
    /// Stochastic gradient descent with momentum; its weight decay is added to the gradient.
    Sgd,
}

impl OptimType {
    /// The usual `betas`.
    pub fn betas(self) -> &'static [f64] {
        match self {
            Self::Adam | Self::Adamw | Self::Lion => &[0.9, 0.99],
            Self::Adan => &[0.98, 0.92, 0.99],
            Self::Muon => &[0.95],
            Self::Sgd => &[0.9],
        }
    }
}

/// `train.optim_g`: the optimiser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OptimConfig {
    /// `adam` (default), `adamw`, `adan`, `lion`, `muon` or `sgd`.
    #[serde(rename = "type")]
    pub kind: OptimType,
    /// Learning rate, 1e-12 to 1. Default 2e-4.
    pub lr: f64,
    /// Decay of the averages, each from 0 to 0.99999. Of gradient and squared gradient for `adam` and `adamw`, [0.9, 0.99]
    /// where it is left out; of `lion` [0.9, 0.99]; of gradient, its change and its square for `adan`, [0.98, 0.92, 0.99];
    /// the momentum of `muon`, [0.95], and `sgd`, [0.9].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub betas: Option<Vec<f64>>,
    /// Weight decay, 0 to 1. Default 0.
    pub weight_decay: f64,
    /// Added to the root of the averaged squared gradient, 1e-12 to 1; `lion` and `sgd` have none. Default 1e-8.
    pub eps: f64,
    /// Largest norm of the whole gradient, 1e-9 to 1e9; a larger gradient is scaled down to it. Left out: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 1.0)]
    pub grad_clip: Option<f64>,
}

impl Default for OptimConfig {
    fn default() -> Self {
        Self { kind: OptimType::Adam, lr: 2e-4, betas: None, weight_decay: 0.0, eps: 1e-8, grad_clip: None }
    }
}

impl OptimConfig {
    /// With the usual `betas` written out, where there are none.
    pub(super) fn completed(mut self) -> Self {
        self.betas.get_or_insert_with(|| self.kind.betas().to_vec());
        self
    }

    /// Decay of the averages.
    pub fn betas(&self) -> &[f64] {
        self.betas.as_deref().unwrap_or(self.kind.betas())
    }
}

/// `train.scheduler`: how the learning rate changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SchedulerConfig {
    /// It stays.
    #[default]
    Constant,
    /// It falls along half a cosine over the whole run.
    Cosine(CosineConfig),
    /// It falls at milestones.
    Multistep(MultistepConfig),
}

/// Settings of `type = "cosine"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CosineConfig {
    /// Learning rate at the end, from 0 to `optim_g.lr`. Default 1e-7.
    pub eta_min: f64,
}

impl Default for CosineConfig {
    fn default() -> Self {
        Self { eta_min: 1e-7 }
    }
}

/// Settings of `type = "multistep"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MultistepConfig {
    /// Numbers of steps after which the learning rate falls, rising. Default none.
    pub milestones: Vec<u64>,
    /// What it is multiplied by, in (0, 1]. Default 0.5.
    pub gamma: f64,
}

impl Default for MultistepConfig {
    fn default() -> Self {
        Self { milestones: Vec::new(), gamma: 0.5 }
    }
}

/// `val`: the validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ValConfig {
    /// Steps between validations, at least 1. Default 500.
    pub val_freq: u64,
    /// Scores that are computed, such as `psnr-y`, `ssim-y`, `lpips-alex`. Default psnr-y and ssim-y.
    pub metrics: Vec<String>,
    /// Whether the restored photos are saved. Default true.
    pub save_img: bool,
    /// One of `metrics`: the model that was best by it is kept beside the newest, as `model_best.safetensors`. What is best
    /// on these photos is better there than elsewhere: judge it on others. Left out: none is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"psnr-y")]
    pub save_best: Option<String>,
    /// Validations in a row without a better `save_best` after which the run ends, at least 1. Left out: it does all steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 5)]
    pub early_stop: Option<u64>,
}

impl Default for ValConfig {
    fn default() -> Self {
        Self {
            val_freq: 500,
            metrics: vec!["psnr-y".to_string(), "ssim-y".to_string()],
            save_img: true,
            save_best: None,
            early_stop: None,
        }
    }
}

/// `logger`: what is written down, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoggerConfig {
    /// Steps between lines of the log, at least 1. Default 100.
    pub print_freq: u64,
    /// Steps between checkpoints, at least 1. Default 500.
    pub save_checkpoint_freq: u64,
    /// How many of the newest checkpoints are kept, at least 1. With 1 a damaged one is a lost run. Default 2.
    pub keep_checkpoints: usize,
    /// Whether event files for TensorBoard are written. Default true.
    pub use_tb_logger: bool,
}

impl Default for LoggerConfig {
    fn default() -> Self {
        Self { print_freq: 100, save_checkpoint_freq: 500, keep_checkpoints: 2, use_tb_logger: true }
    }
}
