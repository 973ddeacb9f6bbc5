//! A selection that is learned: its parameters descend the contrast's loss.

use burn::optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, Optimizer};
use burn::tensor::{Device, Tensor};

use super::running::{from_array, to_array};
use super::start::start_weights;
use super::triplet::contrast;
use super::{
    Contrast, ResponseScale, Running, SelectionStep, StartError, TapGate, TapWeights, TripletConfig,
    TripletDistances,
};
use crate::backbone::Tap;
use crate::weights::{Array, StateDict, WeightError, WeightStore};

/// Share of the tap's mean response that is added to every channel's, so that a channel which hardly
/// ever answers is not blown up to the size of the others.
const RESPONSE_EPSILON: f64 = 1e-3;

/// The parameters behind the weights of all taps, and how they move.
///
/// G and its images live on an autodiff device; the selection keeps its own state on the device below
/// and opens a graph of its own for every step, so no gradient can pass between the two.
#[derive(Clone)]
pub(super) struct Learned {
    config: TripletConfig,
    taps: Vec<LearnedTap>,
    adam: Adam,
    /// The device that holds the state, without autodiff.
    device: Device,
}

#[derive(Clone)]
struct LearnedTap {
    tap: Tap,
    /// Free parameters `[C]`; of a projection `[C²]`.
    theta: Tensor<1>,
    adam: Option<AdamState<1>>,
    /// Running `δ(x̃, y)` by channel.
    response: Running,
    /// Moving average of the weights.
    average: Tensor<1>,
}

impl Learned {
    /// At its start.
    ///
    /// # Errors
    /// When the start asks for weights that are missing or do not fit.
    pub(super) fn new(
        config: TripletConfig,
        backbone: &str,
        taps: &[Tap],
        store: &WeightStore,
        device: Device,
    ) -> Result<Self, StartError> {
        let starts = start_weights(&config, backbone, taps, store)?;
        let taps = taps.iter().zip(starts).map(|(tap, start)| {
            let data = config.gate.parameters(&start);
            let theta = from_array(&Array { shape: vec![data.len()], data }, &device);
            LearnedTap {
                tap: tap.clone(),
                average: config.gate.weights(theta.clone(), config.floor),
                theta,
                adam: None,
                response: Running::new(config.scale_decay),
            }
        });
        let taps = taps.collect();
        let adam = AdamConfig::new().with_epsilon(1e-8).build();
        Ok(Self { config, taps, adam, device })
    }

    /// One step of the contrast: only `w` moves, the distances are constants. Before it, the running responses take
    /// the batch in.
    pub(super) fn step(&mut self, triplet: &TripletDistances) -> SelectionStep {
        let gate = self.config.gate;
        for (tap, distance) in self.taps.iter_mut().zip(&triplet.distorted_target) {
            let channels = tap.tap.channels;
            let distance = gate.distances(distance.clone());
            tap.response.observe(distance.mean_dim(0).reshape([channels]));
        }
        if self.config.contrast == Contrast::None {
            return SelectionStep::default();
        }
        let theta: Vec<_> =
            self.taps.iter().map(|tap| Tensor::from_inner(tap.theta.clone()).require_grad()).collect();
        let weights: Vec<_> =
            theta.iter().map(|theta| gate.weights(theta.clone(), self.config.floor)).collect();
        let scales = self.taps.iter().map(|tap| Tensor::from_inner(gate.scales(self.scale(tap))));
        let scales: Vec<_> = scales.collect();
        let Some(contrasted) = contrast(&self.config, &triplet.on_graph(), &weights, &scales) else {
            return SelectionStep::default();
        };
        let spread = weights.iter().map(|w| gate.spread(w.clone())).reduce(|sum, e| sum + e);
        let loss = match spread {
            Some(spread) => contrasted.loss - spread.mul_scalar(self.config.entropy / weights.len() as f64),
            None => contrasted.loss,
        };
        let step = SelectionStep {
            loss: loss.clone().detach().into_scalar(),
            active: contrasted.active.into_scalar(),
            idle: false,
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
    /// response if the config says so.
    pub(super) fn gates(&self) -> Vec<TapGate> {
        let gate = |tap: &LearnedTap| {
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
    fn scale(&self, tap: &LearnedTap) -> Tensor<1> {
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
    pub(super) fn weights(&self) -> Vec<TapWeights> {
        let weights = |tap: &LearnedTap| {
            let (weights, effective) = self.config.gate.by_channel(to_array(tap.average.clone()).data);
            TapWeights { name: tap.tap.name.clone(), weights, effective }
        };
        self.taps.iter().map(weights).collect()
    }

    /// Parameters, averages and moments.
    pub(super) fn state_dict(&self) -> StateDict {
        let mut state = StateDict::new();
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
    pub(super) fn load_state_dict(&mut self, state: &StateDict) -> Result<(), WeightError> {
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
                let time = state.require(&name("time"), &[1])?.data.first().copied().unwrap_or(0.0) as usize;
                let momentum = AdaptiveMomentumState::new(time, tensor("moment_1")?, tensor("moment_2")?);
                tap.adam = Some(AdamState::new(momentum));
            }
        }
        Ok(())
    }
}
