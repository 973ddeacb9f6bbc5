//! The selection in closed form: channels ranked by a score, a stated share of them effective.
//!
//! Why there is one. The abstract's triplet pulls weights along its gradient, which for channel `c` is `−s_c / C`, with
//! `s_c = δ_c(x̃,y) − δ_c(x̃,ŷ)`. So what it looks for is the `w` with the largest `Σ_c w_c s_c`. Without a limit that is
//! one channel alone. If `w` may be only so concentrated (a stated entropy), the answer is known: `w ∝ softmax(k · s)`, with
//! the one `k` that has this entropy. It can be computed from the running mean of `s` in every batch, and nothing has to be
//! tuned so that it acts. Other scores in the place of `s` are other readings of the abstract: [`Score`].

use burn::tensor::{Device, Tensor};
use percept_image::rng_for;
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::concentration::{concentrated, floored, least_share};
use super::running::{from_array, to_array};
use super::score::ChannelDistances;
use super::{
    Control, Score, SelectionStep, StartError, TapGate, TapWeights, TripletDistances, effective_channels,
};
use crate::backbone::Tap;
use crate::weights::{Array, StateDict, WeightError};

/// Scores whose deviation over a tap is smaller than this differ by rounding alone: their channels are equal.
const EQUAL: f64 = 1e-4;

/// Settings of a selection in closed form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClosedConfig {
    /// By what a channel rises: `literal` (default; the abstract to the letter), `conventional`, `left`, `systematic` or
    /// `random`, as in `score = { type = "literal" }`.
    pub score: Score,
    /// Share of a tap's channels that is effective (exponential of the weights' entropy), in (0, 1]; 1 is no selection.
    /// What `floor` does not allow is refused at the start. Where channels have exactly the same score they share, and
    /// more are effective.
    pub share: f64,
    /// Share of every weight that stays uniform, in [0, 1): what G does in suppressed channels keeps being seen.
    pub floor: f64,
    /// Decay of the running mean of scores from one selection step to the next, in [0, 1). A channel's first score is its
    /// start.
    pub decay: f64,
    /// Batches in which the transformation step still sees uniform weights.
    pub warmup: usize,
    /// Batches from one selection step to the next, at least 1. In those between, nothing is scored and the weights stay.
    pub every: usize,
    /// Batches after which the selection stays as it is. 0 (default): never; its concentration does not change.
    pub until: usize,
    /// Whether each tap's selected distance is rescaled to its uniform one, so that `layer_weights` alone say how much a
    /// tap counts, and a comparison with the plain loss is one of direction and not of learning rate.
    pub match_taps: bool,
    /// For comparisons: what makes the same weights say nothing. `inverted`, `permuted` or `redrawn`; left out, the
    /// selection is what it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
}

impl Default for ClosedConfig {
    fn default() -> Self {
        Self {
            score: Score::default(),
            share: 0.4,
            floor: 0.2,
            decay: 0.9,
            warmup: 20,
            every: 4,
            until: 0,
            match_taps: true,
            control: None,
        }
    }
}

impl ClosedConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// A sentence that names the first key whose value is outside of its range, and the range.
    pub fn validate(&self) -> Result<(), String> {
        let unit = 0.0..1.0;
        let window = match self.score {
            Score::Systematic { window } => (1..=1024).contains(&window),
            _ => true,
        };
        let checks = [
            (window, "score.window must be from 1 to 1024"),
            (self.share > 0.0 && self.share <= 1.0, "share must be in (0, 1]"),
            (unit.contains(&self.floor), "floor must be in [0, 1)"),
            (unit.contains(&self.decay), "decay must be in [0, 1)"),
            (self.every > 0, "every must be at least 1"),
        ];
        match checks.iter().find(|(ok, _)| !ok) {
            Some((_, message)) => Err((*message).to_string()),
            None => Ok(()),
        }
    }
}

/// The scores so far, and the weights that follow from them.
#[derive(Clone)]
pub(super) struct Closed {
    config: ClosedConfig,
    taps: Vec<ScoredTap>,
    /// The device of the weights, without autodiff.
    device: Device,
}

#[derive(Clone)]
struct ScoredTap {
    tap: Tap,
    /// Running score by channel; 0 where there is none yet.
    scores: Vec<f32>,
    /// Whether a channel was ever scored.
    known: Vec<bool>,
    /// What follows from the scores, before they are dealt.
    weights: Vec<f32>,
}

impl ScoredTap {
    /// Nothing is known: every channel counts the same.
    fn new(tap: &Tap) -> Self {
        let channels = tap.channels;
        Self {
            tap: tap.clone(),
            scores: vec![0.0; channels],
            known: vec![false; channels],
            weights: vec![1.0; channels],
        }
    }

    /// Takes in the scores of a batch, and says how many channels have one.
    fn observe(&mut self, observed: &[Option<f64>], decay: f64) -> usize {
        let channels = self.scores.iter_mut().zip(&mut self.known).zip(observed);
        for ((score, known), observed) in channels {
            let Some(observed) = *observed else { continue };
            *score = match *known {
                true => (decay * f64::from(*score) + (1.0 - decay) * observed) as f32,
                false => observed as f32,
            };
            *known = true;
        }
        observed.iter().flatten().count()
    }

    /// Scores with mean 0 and deviation 1; all 0 where they are equal. A channel that was never scored is in the middle.
    fn standardised(&self) -> Vec<f64> {
        let known = || self.scores.iter().zip(&self.known).filter(|(_, known)| **known);
        let count = known().count().max(1) as f64;
        let mean = known().map(|(score, _)| f64::from(*score)).sum::<f64>() / count;
        let variance = known().map(|(score, _)| (f64::from(*score) - mean).powi(2)).sum::<f64>() / count;
        let deviation = variance.sqrt();
        let one = |(score, known): (&f32, &bool)| match *known && deviation > EQUAL {
            true => (f64::from(*score) - mean) / deviation,
            false => 0.0,
        };
        self.scores.iter().zip(&self.known).map(one).collect()
    }

    fn weigh(&mut self, config: &ClosedConfig) {
        let sign = Control::sign(config.control);
        let z: Vec<f64> = self.standardised().iter().map(|z| sign * z).collect();
        self.weights = floored(&concentrated(&z, config.floor, config.share), config.floor);
    }

    /// `mean_c w_c s_c`: the score in the selected space.
    fn selected_score(&self) -> f64 {
        let products = self.scores.iter().zip(&self.weights).map(|(s, w)| f64::from(*s) * f64::from(*w));
        products.sum::<f64>() / self.scores.len().max(1) as f64
    }
}

impl Closed {
    /// With uniform weights, as nothing was scored yet; noise is known from the start.
    ///
    /// # Errors
    /// When the floor does not allow the share.
    pub(super) fn new(config: ClosedConfig, taps: &[Tap], device: Device) -> Result<Self, StartError> {
        for Tap { name, channels } in taps {
            let least = least_share(*channels, config.floor);
            if least > config.share {
                return Err(StartError::Concentration {
                    key: "share",
                    tap: name.clone(),
                    channels: *channels,
                    wanted: config.share,
                    floor: config.floor,
                    least,
                });
            }
        }
        let mut taps: Vec<ScoredTap> = taps.iter().map(ScoredTap::new).collect();
        for (at, tap) in taps.iter_mut().enumerate() {
            if let Score::Random { seed } = config.score {
                let noise = StandardNormal.sample_iter(rng_for(seed, 0, at as u64));
                let noise: Vec<_> = noise.take(tap.tap.channels).map(Some).collect();
                tap.observe(&noise, config.decay);
            }
            tap.weigh(&config);
        }
        Ok(Self { config, taps, device })
    }

    /// Scores the channels of a batch and weighs them by their running scores.
    pub(super) fn step(&mut self, distances: &TripletDistances) -> SelectionStep {
        let (mut scored, mut channels, mut selected) = (0, 0, 0.0);
        for (at, tap) in self.taps.iter_mut().enumerate() {
            let mean = |taps: Option<&[Tensor<2>]>| {
                taps.and_then(|taps| taps.get(at)).map(batch_mean).unwrap_or_default()
            };
            let distances = ChannelDistances {
                result_target: mean(Some(&distances.result_target)),
                distorted_target: mean(Some(&distances.distorted_target)),
                distorted_result: mean(distances.distorted_result.as_deref()),
                averaged: mean(distances.averaged.as_deref()),
            };
            scored += tap.observe(&self.config.score.of(&distances), self.config.decay);
            channels += tap.tap.channels;
            tap.weigh(&self.config);
            selected += tap.selected_score();
        }
        SelectionStep {
            loss: -(selected / self.taps.len().max(1) as f64) as f32,
            active: scored as f32 / channels.max(1) as f32,
            idle: false,
        }
    }

    /// What the transformation step measures each tap with in a batch, constants on the plain device.
    pub(super) fn gates(&self, batch: usize) -> Vec<TapGate> {
        let gate = |weights: Vec<f32>| {
            let array = Array { shape: vec![weights.len()], data: weights };
            TapGate::Channels(from_array(&array, &self.device))
        };
        self.dealt(batch).map(gate).collect()
    }

    /// The weights as they stand in a batch.
    pub(super) fn weights(&self, batch: usize) -> Vec<TapWeights> {
        let weights = |(tap, weights): (&ScoredTap, Vec<f32>)| TapWeights {
            name: tap.tap.name.clone(),
            effective: effective_channels(&weights),
            weights,
        };
        self.taps.iter().zip(self.dealt(batch)).map(weights).collect()
    }

    fn dealt(&self, batch: usize) -> impl Iterator<Item = Vec<f32>> {
        let control = self.config.control;
        self.taps.iter().enumerate().map(move |(at, tap)| Control::dealt(control, &tap.weights, batch, at))
    }

    /// The running scores. The weights follow from them.
    pub(super) fn state_dict(&self) -> StateDict {
        let mut state = StateDict::new();
        for ScoredTap { tap, scores, known, .. } in &self.taps {
            let known = known.iter().map(|known| f32::from(u8::from(*known))).collect();
            for (what, data) in [("score", scores.clone()), ("known", known)] {
                state.insert(&format!("{}.{what}", tap.name), Array { shape: vec![tap.channels], data });
            }
        }
        state
    }

    /// Continues exactly where [`state_dict`](Self::state_dict) was taken.
    ///
    /// # Errors
    /// When an array is missing or has another length.
    pub(super) fn load_state_dict(&mut self, state: &StateDict) -> Result<(), WeightError> {
        for tap in &mut self.taps {
            let array = |what: &str| state.require(&format!("{}.{what}", tap.tap.name), &[tap.tap.channels]);
            let (scores, known) = (array("score")?.data.clone(), array("known")?);
            tap.known = known.data.iter().map(|known| *known > 0.0).collect();
            tap.scores = scores;
            tap.weigh(&self.config);
        }
        Ok(())
    }
}

/// The mean over the images of a batch, by channel.
fn batch_mean(distances: &Tensor<2>) -> Vec<f64> {
    let [_, channels] = distances.dims();
    let mean = to_array(distances.clone().mean_dim(0).reshape([channels]));
    mean.data.into_iter().map(f64::from).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::super::triplet::contrast;
    use super::super::{Anchor, Contrast, TripletConfig};
    use super::*;

    const CHANNELS: usize = 24;

    /// Where the literal triplet acts, its gradient with respect to `w_c`, in units of `δ_c(x̃,y)`, is `−s_c / C`: what the
    /// closed form ranks channels by. So both raise the same ones.
    #[test]
    fn the_literal_score_is_the_gradient_of_the_literal_triplet() {
        let device = Device::flex().autodiff();
        let rows = |kind: usize| {
            let value = |at: usize| (1.3 + ((at * (kind + 3)) as f32).sin()) * (1.0 + (at % CHANNELS) as f32);
            let data: Vec<f32> = (0..2 * CHANNELS).map(value).collect();
            vec![Tensor::<2>::from_data(TensorData::new(data, [2, CHANNELS]), &device)]
        };
        let triplet = TripletDistances {
            result_target: rows(1),
            distorted_target: rows(2),
            distorted_result: Some(rows(3)),
            averaged: None,
        };
        let responses = batch_mean(&triplet.distorted_target[0]);
        let as_tensor = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
            Tensor::<1>::from_floats(values.as_slice(), &device)
        };
        let w = Tensor::<1>::ones([CHANNELS], &device).require_grad();
        let config = TripletConfig { contrast: Contrast::Literal, margin: 50.0, ..TripletConfig::default() };
        let contrasted =
            contrast(&config, &triplet, std::slice::from_ref(&w), &[as_tensor(&responses)]).unwrap();
        assert_eq!(contrasted.active.into_scalar::<f32>(), 1.0);
        let gradient = w.grad(&contrasted.loss.backward()).unwrap();
        let gradient: Vec<f32> = gradient.into_data().try_to_vec().unwrap();

        let tap = Tap { name: "relu1_2".to_string(), channels: CHANNELS };
        let score = Score::Literal { anchor: Anchor::Input };
        let config = ClosedConfig { score, ..ClosedConfig::default() };
        let mut closed = Closed::new(config, &[tap], device.clone().inner()).unwrap();
        closed.step(&triplet.inner());
        for (gradient, score) in gradient.iter().zip(&closed.taps[0].scores) {
            assert!((gradient + score / CHANNELS as f32).abs() < 1e-5, "{gradient}, {score}");
        }
        let weights = closed.weights(1).remove(0).weights;
        for (a, b) in (0..CHANNELS).flat_map(|a| (0..CHANNELS).map(move |b| (a, b))) {
            assert!(gradient[a] >= gradient[b] || weights[a] >= weights[b], "a steeper way down is not less");
        }
    }

    /// Weights `w` of mean 1 that are as spread as the closed form's have no larger `Σ w s`.
    #[test]
    fn the_closed_form_is_the_best_of_its_concentration() {
        let z: Vec<f64> = (0..CHANNELS).map(|at| ((at * at) as f64).sin()).collect();
        let gain = |weights: &[f32]| weights.iter().zip(&z).map(|(w, z)| f64::from(*w) * z).sum::<f64>();
        let best = gain(&concentrated(&z, 0.0, 0.4));
        for seed in 0..200 {
            let noise = StandardNormal.sample_iter(rng_for(seed, 0, 0)).take(CHANNELS);
            let bent: Vec<f64> = noise.zip(&z).map(|(n, z): (f64, &f64)| z + 0.3 * n).collect();
            assert!(gain(&concentrated(&bent, 0.0, 0.4)) <= best + 1e-3, "seed {seed}");
        }
    }
}
