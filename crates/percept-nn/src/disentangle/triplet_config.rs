//! What can be chosen about a selection that is learned by a triplet, and what guards it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Anchor;

/// Which images the contrastive module compares. `ŷ` is the result, `y` the target, `x̃` the distorted
/// image at the target's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Contrast {
    /// Across image contents: the result of one photo must be closer to its target than the distorted
    /// image of *another* photo is to its own. Keeps the channels that answer to the distortion
    /// whatever the content. Ours, not the paper's; needs at least two images a batch.
    #[default]
    Across,
    /// The abstract, to the letter: anchor = distorted, positive = result, negative = target.
    Literal,
    /// Anchor = result, positive = target, negative = distorted, all of the same photo.
    Conventional,
    /// The selection stays as it starts: the baselines (`start = "photos" | "uniform" | "random" | "lpips"`).
    None,
}

/// How the free parameters become weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// `w = floor + (1 − floor) · C · softmax(θ)`: mean 1 and bounded, so neither `w → 0` nor `w → ∞`
    /// lowers the triplet.
    #[default]
    Softmax,
    /// `w = softplus(θ)`: free in size. For ablations: it shows what the normalisation guards against.
    Softplus,
    /// `M = floor · I + (1 − floor) · C · PPᵀ / tr(PPᵀ)`: distances are measured after a 1×1 projection, which may mix
    /// channels. Bounded as with `softmax`; an entry of `P` moves a 25th of `lr` a step.
    Projection,
}

/// What a channel's distance is divided by before channels are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponseScale {
    /// The running mean of that channel's own distance `δ_c(x̃, y)`.
    #[default]
    Channel,
    /// The running mean of the whole tap's distance: loud channels stay loud.
    Tap,
    /// Nothing. For ablations: the tap with the largest features drowns the others.
    None,
}

/// Where the selection starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// As `percept select` learned it from photos alone, without labels: bundled for VGG16's relu1_2, relu2_2 and relu3_3
    /// and for AlexNet's five activations. At other taps every channel counts the same.
    #[default]
    Photos,
    /// Every channel counts the same.
    Uniform,
    /// Random weights of a given concentration: the baseline that a selection has to beat.
    Random,
    /// The supervised channel weights of LPIPS v0.1 (VGG16 or AlexNet taps that LPIPS uses).
    Lpips,
    /// A safetensors file with one array of channel weights for every tap, named as the tap.
    File(String),
}

/// The feature selection layer and the triplet that trains it, by gradient descent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TripletConfig {
    /// What is contrasted: `across` (default), `literal`, `conventional` or `none`.
    pub contrast: Contrast,
    /// Which image stands for the distortion: `input` (default), `blurred` (the target, blurred) or `earlier` (the
    /// result of the averaged network).
    pub anchor: Anchor,
    /// Where the selection starts: `photos` (default; learned beforehand without labels, bundled for VGG16's relu1_2, relu2_2
    /// and relu3_3 and for AlexNet, uniform at other taps), `uniform`, `random`, `lpips`, or `{ file = "PATH" }`, as `percept
    /// select` writes it.
    pub start: Start,
    /// For `start = "random"`: effective number of channels as a share of all, in (0, 1].
    pub concentration: f64,
    /// For `start = "random"`: its seed.
    pub start_seed: u64,
    /// Margin of the triplet. For `literal` and `conventional` a multiple of the uniform distance
    /// between distorted image and target; for `across` a difference of logarithms. 0 to 100.
    pub margin: f64,
    /// Whether the hinge's margin follows the uniform distance. Off, it is an absolute number that
    /// loses its meaning as the result approaches the target.
    pub relative_margin: bool,
    /// Softness of the `across` margin, in logarithms, 0.001 to 100; smaller is harder.
    pub temperature: f64,
    /// Share of every weight that stays uniform, in [0, 1): what G does in suppressed channels keeps
    /// being seen.
    pub floor: f64,
    /// Weight of the entropy bonus that keeps one channel from taking everything, 0 to 100.
    pub entropy: f64,
    /// Learning rate of the selection (Adam), 1e-9 to 10. Where the selection does not rest it has to be slow against G's
    /// progress (0.01), so that the two do not chase each other.
    pub lr: f64,
    /// Decay of the moving average of `w` that the transformation step uses, in [0, 1). It steadies a selection that
    /// does not rest (0.95).
    pub ema: f64,
    /// Batches in which the transformation step still sees the uniform weights.
    pub warmup: usize,
    /// Batches from one selection step to the next, at least 1. In those between, the distorted image is not
    /// looked at and `w` stays.
    pub every: usize,
    /// Batches after which the selection stays as it is; what it costs ends there. 0: never. One that never rests
    /// keeps narrowing: after a thousand selection steps a tenth of the channels was left, and results were worse.
    pub until: usize,
    /// What distances are divided by before channels are compared.
    pub response_scale: ResponseScale,
    /// Whether the transformation step divides by it too. Off, loud channels stay loud in the loss and `w` alone
    /// weighs them.
    pub equalize: bool,
    /// Decay of those running means, in [0, 1).
    pub scale_decay: f64,
    /// How parameters become weights: `softmax` (default; one a channel, bounded), `softplus` (one a channel, free in
    /// size) or `projection` (channels may be mixed).
    pub gate: Gate,
    /// Whether the selected distance, summed over the taps, is rescaled to the size of the uniform one, so that a comparison
    /// with the plain loss is one of direction and not of learning rate.
    pub match_uniform: bool,
    /// Whether each tap's selected distance is rescaled to its uniform one, so that `layer_weights` alone say how much a
    /// tap counts. Implies `match_uniform`.
    pub match_taps: bool,
}

impl Default for TripletConfig {
    fn default() -> Self {
        Self {
            contrast: Contrast::Across,
            anchor: Anchor::Input,
            start: Start::Photos,
            concentration: 0.3,
            start_seed: 0,
            margin: 0.2,
            relative_margin: true,
            temperature: 0.1,
            floor: 0.4,
            entropy: 0.02,
            lr: 0.05,
            ema: 0.0,
            warmup: 20,
            every: 2,
            until: 80,
            response_scale: ResponseScale::Channel,
            equalize: false,
            scale_decay: 0.95,
            gate: Gate::Softmax,
            match_uniform: true,
            match_taps: false,
        }
    }
}

impl TripletConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// A sentence that names the first key whose value is outside of its range, and the range.
    pub fn validate(&self) -> Result<(), String> {
        let unit = 0.0..1.0;
        let checks = [
            (self.concentration > 0.0 && self.concentration <= 1.0, "concentration must be in (0, 1]"),
            ((0.0..=100.0).contains(&self.margin), "margin must be from 0 to 100"),
            ((1e-3..=100.0).contains(&self.temperature), "temperature must be from 0.001 to 100"),
            (unit.contains(&self.floor), "floor must be in [0, 1)"),
            ((0.0..=100.0).contains(&self.entropy), "entropy must be from 0 to 100"),
            ((1e-9..=10.0).contains(&self.lr), "lr must be from 1e-9 to 10"),
            (unit.contains(&self.ema), "ema must be in [0, 1)"),
            (self.every > 0, "every must be at least 1"),
            (unit.contains(&self.scale_decay), "scale_decay must be in [0, 1)"),
        ];
        match checks.iter().find(|(ok, _)| !ok) {
            Some((_, message)) => Err((*message).to_string()),
            None => Ok(()),
        }
    }

    /// Whether distances to the distorted image are needed at all.
    pub(super) fn needs_distorted(&self) -> bool {
        let equalizes = self.equalize && self.response_scale == ResponseScale::Channel;
        self.contrast != Contrast::None || equalizes
    }
}
