//! The feature selection layer: when its weights move, and what they are.

use burn::tensor::{Device, Tensor};

use super::closed::Closed;
use super::learned::Learned;
use super::{SelectionConfig, StartError, TapGate, TripletDistances};
use crate::backbone::Tap;
use crate::weights::{Array, StateDict, WeightError, WeightStore};

/// A selection step in which less than this share is active hardly teaches anything,
pub(super) const IDLE_SHARE: f32 = 0.05;
/// and after so many of them in a row that is a warning.
pub(super) const IDLE_STEPS: usize = 20;

/// What one selection step did.
#[derive(Clone, Copy, Debug, Default)]
pub struct SelectionStep {
    /// What the weights go down: the contrast with its entropy bonus; of a closed form `−mean_c w_c s_c`, mean over taps.
    pub loss: f32,
    /// How much acts: the share of triplets that violated their margin; of a closed form the share of channels that could
    /// be scored. At 0 nothing is learned.
    pub active: f32,
    /// Whether it is now that 20 steps in a row had less than 5 % active: once in the life of a selection.
    /// [`SelectionConfig::idle`] says it in words.
    pub idle: bool,
}

/// The weights of one tap, to write down or to draw.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct TapWeights {
    /// The tap.
    pub name: String,
    /// One weight a channel, mean 1: those that the transformation step uses. Of a projection, the diagonal of its matrix.
    pub weights: Vec<f32>,
    /// Effective number of channels, from 1 to all; of a projection, of directions.
    pub effective: f64,
}

/// Channel weights `w` of a backbone's taps, or a projection of each, moved online by the rule of its configuration.
#[derive(Clone)]
pub struct Selection {
    config: SelectionConfig,
    rule: Rule,
    /// Batches so far.
    batches: usize,
    /// What the last selection step did.
    last: SelectionStep,
    /// Selection steps in a row in which hardly anything was active; stays at [`IDLE_STEPS`] once it is there.
    idle: usize,
    /// The device of the weights, without autodiff.
    device: Device,
    taps: Vec<Tap>,
}

#[derive(Clone)]
enum Rule {
    Closed(Closed),
    Learned(Learned),
}

impl std::fmt::Debug for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Selection").field("config", &self.config).field("batches", &self.batches).finish()
    }
}

impl Selection {
    /// A selection over `taps`, at its start.
    ///
    /// # Errors
    /// When the start asks for weights that are missing or do not fit, or the floor does not allow the concentration.
    pub fn new(
        config: impl Into<SelectionConfig>,
        backbone: &str,
        taps: &[Tap],
        store: &WeightStore,
        device: &Device,
    ) -> Result<Self, StartError> {
        let (config, device) = (config.into(), device.clone().inner());
        let rule = match &config {
            SelectionConfig::Closed(config) => {
                Rule::Closed(Closed::new(config.clone(), taps, device.clone())?)
            }
            SelectionConfig::Triplet(config) => {
                Rule::Learned(Learned::new(config.clone(), backbone, taps, store, device.clone())?)
            }
        };
        let (last, taps) = (SelectionStep::default(), taps.to_vec());
        Ok(Self { config, rule, batches: 0, last, idle: 0, device, taps })
    }

    /// The settings it was made with.
    pub fn config(&self) -> &SelectionConfig {
        &self.config
    }

    /// Counts a batch, and moves `w` if it is one of those in which it moves: `distances` is asked for what is contrasted
    /// then only. Says what the last selection step did; `None` where `w` follows nothing that it sees.
    pub fn batch(
        &mut self,
        distances: impl FnOnce(&SelectionConfig) -> TripletDistances,
    ) -> Option<SelectionStep> {
        let (every, until) = self.config.pace();
        let rests = until > 0 && self.batches >= until;
        let mut now_idle = false;
        if self.batches.is_multiple_of(every) && !rests && self.config.observes() {
            let distances = distances(&self.config).inner();
            self.last = match &mut self.rule {
                Rule::Closed(closed) => closed.step(&distances),
                Rule::Learned(learned) => learned.step(&distances),
            };
            now_idle = self.count_idle();
        }
        self.batches += 1;
        self.config.learns().then_some(SelectionStep { idle: now_idle, ..self.last })
    }

    /// Counts the steps in which hardly anything was active, and says whether it is enough of them now.
    fn count_idle(&mut self) -> bool {
        if self.is_idle() {
            return false;
        }
        self.idle = if self.last.active < IDLE_SHARE { self.idle + 1 } else { 0 };
        self.is_idle()
    }

    /// Whether there were 20 selection steps in a row, at any time so far, in which less than 5 % was active.
    pub fn is_idle(&self) -> bool {
        self.idle >= IDLE_STEPS && self.config.learns()
    }

    /// What the transformation step measures each tap with, constants on the plain device. Uniform during the warm-up.
    pub fn gates(&self) -> Vec<TapGate> {
        if self.config.warmup().is_some_and(|warmup| self.batches <= warmup) {
            let uniform = |tap: &Tap| TapGate::Channels(Tensor::ones([tap.channels], &self.device));
            return self.taps.iter().map(uniform).collect();
        }
        match &self.rule {
            Rule::Closed(closed) => closed.gates(self.batches),
            Rule::Learned(learned) => learned.gates(),
        }
    }

    /// The weights as they stand.
    pub fn weights(&self) -> Vec<TapWeights> {
        match &self.rule {
            Rule::Closed(closed) => closed.weights(self.batches),
            Rule::Learned(learned) => learned.weights(),
        }
    }

    /// Everything that the next step depends on, for a checkpoint. `batches` is exact up to 2²⁴.
    pub fn state_dict(&self) -> StateDict {
        let mut state = match &self.rule {
            Rule::Closed(closed) => closed.state_dict(),
            Rule::Learned(learned) => learned.state_dict(),
        };
        let SelectionStep { loss, active, .. } = self.last;
        let scalars = [
            ("batches", self.batches as f32),
            ("loss", loss),
            ("active", active),
            ("idle", self.idle as f32),
        ];
        for (name, value) in scalars {
            state.insert(name, Array { shape: vec![1], data: vec![value] });
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
        self.last = SelectionStep { loss: scalar("loss")?, active: scalar("active")?, idle: false };
        // Older checkpoints did not count.
        self.idle = if state.get("idle").is_some() { scalar("idle")? as usize } else { 0 };
        match &mut self.rule {
            Rule::Closed(closed) => closed.load_state_dict(state),
            Rule::Learned(learned) => learned.load_state_dict(state),
        }
    }
}
