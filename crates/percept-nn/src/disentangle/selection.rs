//! The feature selection layer and the step that trains it.

use burn::optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, Optimizer};
use burn::tensor::{Device, Tensor};

use super::running::{from_array, to_array};
use super::start::start_weights;
use super::triplet::contrast;
use super::{Contrast, ResponseScale, Running, SelectionConfig, StartError, TapGate, TripletDistances};
use crate::backbone::Tap;
use crate::weights::{Array, StateDict, WeightError, WeightStore};

/// Share of the tap's mean response that is added to every channel's, so that a channel which hardly
/// ever answers is not blown up to the size of the others.
const RESPONSE_EPSILON: f64 = 1e-3;

/// What one selection step did.
#[derive(Clone, Copy, Debug)]
pub struct SelectionStep {
    /// The contrast with its entropy bonus.
    pub loss: f32,
    /// Share of triplets that violated their margin: at 0 nothing is learned from the contrast.
    pub active: f32,
}

/// The weights of one tap, to write down or to draw.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct TapWeights {
    /// The tap.
    pub name: String,
    /// One weight a channel, mean 1: the moving average that the transformation step uses. Of a projection, the
    /// diagonal of its matrix.
    pub weights: Vec<f32>,
    /// Effective number of channels, from 1 to all; of a projection, of directions.
    pub effective: f64,
}

/// Channel weights `w` of a backbone's taps, or a projection of each, trained online by a triplet.
///
/// G and its images live on an autodiff device; the selection keeps its own state on the device below
/// and opens a graph of its own for every step, so no gradient can pass between the two.
#[derive(Clone)]
pub struct Selection {
    config: SelectionConfig,
    taps: Vec<TapSelection>,
    adam: Adam,
    /// Batches so far.
    batches: usize,
    /// What the last selection step did.
    last: SelectionStep,
    /// The device that holds the state, without autodiff.
    device: Device,
}

impl std::fmt::Debug for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Selection").field("config", &self.config).field("batches", &self.batches).finish()
    }
}

#[derive(Clone)]
struct TapSelection {
    tap: Tap,
    /// Free parameters `[C]`; of a projection `[C²]`.
    theta: Tensor<1>,
    adam: Option<AdamState<1>>,
    /// Running `δ(x̃, y)` by channel.
    response: Running,
    /// Moving average of the weights.
    average: Tensor<1>,
}

impl Selection {
    /// A selection over `taps`, at its start.
    ///
    /// # Errors
    /// When the start asks for weights that are missing or do not fit.
    pub fn new(
        config: SelectionConfig,
        backbone: &str,
        taps: &[Tap],
        store: &WeightStore,
        device: &Device,
    ) -> Result<Self, StartError> {
        let device = device.clone().inner();
        let starts = start_weights(&config, backbone, taps, store)?;
        let taps = taps.iter().zip(starts).map(|(tap, start)| {
            let data = config.gate.parameters(&start);
            let theta = from_array(&Array { shape: vec![data.len()], data }, &device);
            TapSelection {
                tap: tap.clone(),
                average: config.gate.weights(theta.clone(), config.floor),
                theta,
                adam: None,
                response: Running::new(config.scale_decay),
            }
        });
        let taps = taps.collect();
        let adam = AdamConfig::new().with_epsilon(1e-8).build();
        let last = SelectionStep { loss: 0.0, active: 0.0 };
        Ok(Self { config, taps, adam, batches: 0, last, device })
    }

    /// The settings it was made with.
    pub fn config(&self) -> &SelectionConfig {
        &self.config
    }

    /// Counts a batch, and moves `w` if it is one of those in which it moves: `triplet` is asked for the distances
    /// then only. Says what the last selection step did; `None` where `w` never moves.
    pub fn batch(
        &mut self,
        triplet: impl FnOnce(&SelectionConfig) -> TripletDistances,
    ) -> Option<SelectionStep> {
        let Self { config, batches, .. } = &self;
        let rests = config.until > 0 && *batches >= config.until;
        let due = batches.is_multiple_of(config.every) && !rests;
        if due && config.needs_distorted() {
            let triplet = triplet(config);
            self.last = self.step(&triplet);
        }
        self.batches += 1;
        (self.config.contrast != Contrast::None).then_some(self.last)
    }

    /// One step of the contrast: only `w` moves, the distances are constants. Before it, the running responses take
    /// the batch in.
    fn step(&mut self, triplet: &TripletDistances) -> SelectionStep {
        let (triplet, gate) = (triplet.inner(), self.config.gate);
        for (tap, distance) in self.taps.iter_mut().zip(&triplet.distorted_target) {
            let channels = tap.tap.channels;
            let distance = gate.distances(distance.clone());
            tap.response.observe(distance.mean_dim(0).reshape([channels]));
        }
        if self.config.contrast == Contrast::None {
            return SelectionStep { loss: 0.0, active: 0.0 };
        }
        let theta: Vec<_> =
            self.taps.iter().map(|tap| Tensor::from_inner(tap.theta.clone()).require_grad()).collect();
        let weights: Vec<_> =
            theta.iter().map(|theta| gate.weights(theta.clone(), self.config.floor)).collect();
        let scales = self.taps.iter().map(|tap| Tensor::from_inner(gate.scales(self.scale(tap))));
        let scales: Vec<_> = scales.collect();
        let Some(contrasted) = contrast(&self.config, &triplet.on_graph(), &weights, &scales) else {
            return SelectionStep { loss: 0.0, active: 0.0 };
        };
        let spread = weights.iter().map(|w| gate.spread(w.clone())).reduce(|sum, e| sum + e);
        let loss = match spread {
            Some(spread) => contrasted.loss - spread.mul_scalar(self.config.entropy / weights.len() as f64),
            None => contrasted.loss,
        };
        let step = SelectionStep {
            loss: loss.clone().detach().into_scalar(),
            active: contrasted.active.into_scalar(),
        };
        let grads = loss.backward();
        for (tap, theta) in self.taps.iter_mut().zip(theta) {
            let Some(grad) = theta.grad(&grads) else { continue };
            let lr = self.config.lr * gate.pace();
            let (theta, adam) = self.adam.step(lr, tap.theta.clone(), grad, tap.adam.take());
            let weights = gate.weights(theta.clone(), self.config.floor);
            let past = self.config.ema;
            tap.average = tap.average.clone().mul_scalar(past) + weights.mul_scalar(1.0 - past);
            (tap.theta, tap.adam) = (theta, adam);
        }
        step
    }

    /// What the transformation step measures each tap with, constants on the plain device: `w`, brought to a common
    /// response if the config says so. Uniform during the warm-up.
    pub fn gates(&self) -> Vec<TapGate> {
        let warming = self.config.contrast != Contrast::None && self.batches <= self.config.warmup;
        let gate = |tap: &TapSelection| {
            if warming {
                let channels = [tap.tap.channels];
                return TapGate::Channels(Tensor::ones(channels, &self.device));
            }
            let weights = match (self.config.response_scale, tap.response.mean()) {
                (ResponseScale::Channel, Some(response)) if self.config.equalize => {
                    let relative = response.mean() / self.scale(tap);
                    tap.average.clone() * self.config.gate.scales(relative)
                }
                _ => tap.average.clone(),
            };
            self.config.gate.of_tap(weights)
        };
        self.taps.iter().map(gate).collect()
    }

    /// What a tap's distances are divided by before they are compared: `[C]`.
    fn scale(&self, tap: &TapSelection) -> Tensor<1> {
        match (self.config.response_scale, tap.response.mean()) {
            (ResponseScale::None, _) | (_, None) => Tensor::ones([tap.tap.channels], &self.device),
            (ResponseScale::Tap, Some(response)) => response.ones_like() * response.mean().add_scalar(1e-20),
            (ResponseScale::Channel, Some(response)) => {
                let floor = response.clone().mean().mul_scalar(RESPONSE_EPSILON).add_scalar(1e-20);
                response + floor
            }
        }
    }

    /// The weights as they stand.
    pub fn weights(&self) -> Vec<TapWeights> {
        let weights = |tap: &TapSelection| {
            let (weights, effective) = self.config.gate.by_channel(to_array(tap.average.clone()).data);
            TapWeights { name: tap.tap.name.clone(), weights, effective }
        };
        self.taps.iter().map(weights).collect()
    }

    /// Everything that the next step depends on, for a checkpoint. `batches` is exact up to 2²⁴.
    pub fn state_dict(&self) -> StateDict {
        let mut state = StateDict::new();
        let SelectionStep { loss, active } = self.last;
        for (name, value) in [("batches", self.batches as f32), ("loss", loss), ("active", active)] {
            state.insert(name, Array { shape: vec![1], data: vec![value] });
        }
        for tap in &self.taps {
            let mut put = |what: &str, array: Array| state.insert(&format!("{}.{what}", tap.tap.name), array);
            put("theta", to_array(tap.theta.clone()));
            put("average", to_array(tap.average.clone()));
            if let Some(response) = tap.response.to_array() {
                put("response", response);
            }
            if let Some(adam) = &tap.adam {
                put("moment_1", to_array(adam.momentum.moment_1.clone()));
                put("moment_2", to_array(adam.momentum.moment_2.clone()));
                put("time", Array { shape: vec![1], data: vec![adam.momentum.time as f32] });
            }
        }
        state
    }

    /// Continues exactly where [`state_dict`](Self::state_dict) was taken.
    ///
    /// # Errors
    /// When an array is missing or has another length.
    pub fn load_state_dict(&mut self, state: &StateDict) -> Result<(), WeightError> {
        let scalar = |name: &str| {
            Ok::<_, WeightError>(state.require(name, &[1])?.data.first().copied().unwrap_or(0.0))
        };
        self.batches = scalar("batches")? as usize;
        self.last = SelectionStep { loss: scalar("loss")?, active: scalar("active")? };
        for tap in &mut self.taps {
            let name = |what: &str| format!("{}.{what}", tap.tap.name);
            let shape = tap.theta.dims();
            let tensor = |what: &str| {
                Ok::<_, WeightError>(from_array(state.require(&name(what), &shape)?, &self.device))
            };
            tap.theta = tensor("theta")?;
            tap.average = tensor("average")?;
            if state.get(&name("response")).is_some() {
                let response = state.require(&name("response"), &[tap.tap.channels])?;
                tap.response.restore(response, &self.device);
            }
            if state.get(&name("time")).is_some() {
                let time = scalar(&name("time"))? as usize;
                let momentum = AdaptiveMomentumState::new(time, tensor("moment_1")?, tensor("moment_2")?);
                tap.adam = Some(AdamState::new(momentum));
            }
        }
        Ok(())
    }
}

impl TripletDistances {
    /// The same numbers without any graph.
    fn inner(&self) -> Self {
        self.map(|distance| if distance.device().is_autodiff() { distance.inner() } else { distance })
    }

    /// The same numbers as constants on the autodiff device.
    fn on_graph(&self) -> Self {
        self.map(Tensor::from_inner)
    }

    fn map(&self, f: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        let all = |distances: &[Tensor<2>]| distances.iter().cloned().map(&f).collect::<Vec<_>>();
        Self {
            result_target: all(&self.result_target),
            distorted_target: all(&self.distorted_target),
            distorted_result: self.distorted_result.as_deref().map(all),
        }
    }
}
