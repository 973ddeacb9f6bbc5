//! What an optimiser does to one parameter, and what it remembers of it.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::{MomentumConfig, MomentumState};
use burn::optim::{
    Adam, AdamConfig, AdamState, Adan, AdanConfig, AdanState, AdaptiveMomentumState,
    AdaptiveNesterovMomentumState, AdjustLrFn, Lion, LionConfig, LionState, Muon, MuonConfig, MuonState,
    Optimizer as _, RecordState, Sgd, SgdConfig, SgdState, StateSink,
};
use burn::tensor::{Device, Tensor};
use percept_nn::weights::{Array, StateDict, WeightError};
use percept_run::config::{OptimConfig, OptimType};

/// The `betas` of what Muon leaves to AdamW.
const BESIDE_MUON: [f32; 2] = [0.9, 0.99];

/// One of burn's optimisers. Parameters are given to it as vectors; to Muon as matrices, where they are any.
#[derive(Clone)]
pub(super) enum Rule {
    /// With the decay of the weights themselves that makes it AdamW.
    Adam(Adam, f64),
    Adan(Adan),
    Lion(Lion),
    /// With AdamW for what is no matrix.
    Muon(Muon, Adam, f64),
    Sgd(Sgd),
}

/// What is remembered of a parameter.
#[derive(Clone)]
pub(super) enum State {
    Adam(AdamState<1>),
    Adan(AdanState<1>),
    Lion(LionState<1>),
    Muon(MuonState<2>),
    Sgd(SgdState<1>),
}

impl Rule {
    pub fn new(config: &OptimConfig) -> Self {
        let beta = |at: usize| config.betas().get(at).map_or(0.0, |beta| *beta as f32);
        let (epsilon, decay) = (config.eps as f32, config.weight_decay as f32);
        let adam = |[first, second]: [f32; 2]| {
            AdamConfig::new().with_beta_1(first).with_beta_2(second).with_epsilon(epsilon)
        };
        let some_decay = (decay > 0.0).then(|| WeightDecayConfig::new(decay));
        let momentum =
            |nesterov: bool| MomentumConfig { momentum: f64::from(beta(0)), dampening: 0.0, nesterov };
        let betas = [beta(0), beta(1)];
        match config.kind {
            OptimType::Adam => Self::Adam(adam(betas).with_weight_decay(some_decay).build(), 0.0),
            OptimType::Adamw => Self::Adam(adam(betas).build(), config.weight_decay),
            OptimType::Adan => {
                let adan = AdanConfig::new().with_beta_1(beta(0)).with_beta_2(beta(1)).with_beta_3(beta(2));
                Self::Adan(adan.with_epsilon(epsilon).with_weight_decay(decay).build())
            }
            OptimType::Lion => {
                let lion = LionConfig::new().with_beta_1(beta(0)).with_beta_2(beta(1));
                Self::Lion(lion.with_weight_decay(decay).build())
            }
            OptimType::Muon => {
                let muon = MuonConfig::new().with_momentum(momentum(true)).with_weight_decay(some_decay);
                // Its steps are as long as AdamW's then, and one rate fits both.
                let muon = muon.with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW).build();
                Self::Muon(muon, adam(BESIDE_MUON).build(), config.weight_decay)
            }
            OptimType::Sgd => Self::Sgd(
                SgdConfig::new().with_momentum(Some(momentum(false))).with_weight_decay(some_decay).build(),
            ),
        }
    }

    /// A parameter after a step, and what is remembered of it. A state of another kind of optimiser is as none.
    pub fn step<const D: usize>(
        &self,
        lr: f64,
        value: Tensor<D>,
        grad: Tensor<D>,
        state: Option<State>,
    ) -> (Tensor<D>, State) {
        let shape = value.dims();
        let len = shape.iter().product::<usize>();
        if let (Self::Muon(muon, ..), true) = (self, is_matrix(&shape)) {
            let matrix = [shape[0], len / shape[0].max(1)];
            let before = if let Some(State::Muon(state)) = state { Some(state) } else { None };
            let velocity = grad.reshape(matrix);
            let (value, state) = muon.step(lr, value.reshape(matrix), velocity.clone(), before);
            let state = state.unwrap_or_else(|| MuonState::new(MomentumState::new(velocity)));
            return (value.reshape(shape), State::Muon(state));
        }
        let (value, grad) = (value.reshape([len]), grad.reshape([len]));
        let (value, state) = match (self, state) {
            (Self::Adam(adam, shrink) | Self::Muon(_, adam, shrink), state) => {
                let value = if *shrink > 0.0 { value.mul_scalar(1.0 - lr * shrink) } else { value };
                let before = if let Some(State::Adam(state)) = state { Some(state) } else { None };
                let none =
                    || AdamState::new(AdaptiveMomentumState::new(0, grad.zeros_like(), grad.zeros_like()));
                let (value, state) = adam.step(lr, value, grad.clone(), before);
                (value, State::Adam(state.unwrap_or_else(none)))
            }
            (Self::Adan(adan), state) => {
                let before = if let Some(State::Adan(state)) = state { Some(state) } else { None };
                let zeros = || grad.zeros_like();
                let none = || {
                    AdanState::new(AdaptiveNesterovMomentumState::new(0, zeros(), zeros(), zeros(), zeros()))
                };
                let (value, state) = adan.step(lr, value, grad.clone(), before);
                (value, State::Adan(state.unwrap_or_else(none)))
            }
            (Self::Lion(lion), state) => {
                let before = if let Some(State::Lion(state)) = state { Some(state) } else { None };
                let (value, state) = lion.step(lr, value, grad.clone(), before);
                (value, State::Lion(state.unwrap_or_else(|| LionState::new(grad.zeros_like()))))
            }
            (Self::Sgd(sgd), state) => {
                let before = if let Some(State::Sgd(state)) = state { Some(state) } else { None };
                let (value, state) = sgd.step(lr, value, grad, before);
                (value, State::Sgd(state.unwrap_or_else(|| SgdState::new(None))))
            }
        };
        (value.reshape(shape), state)
    }

    /// What [`State::save`] has written.
    pub fn load(&self, path: &str, state: &StateDict, device: &Device) -> Result<State, WeightError> {
        let shape = state.get(&format!("m.{path}")).map(|m| m.shape.clone()).unwrap_or_default();
        let len = shape.iter().product();
        let tensor = |letter: char| state.tensor(&format!("{letter}.{path}"), [len], device);
        let time = || Ok::<_, WeightError>(state.require(&format!("t.{path}"), &[1])?.data[0] as usize);
        let adam = || -> Result<State, WeightError> {
            Ok(State::Adam(AdamState::new(AdaptiveMomentumState::new(time()?, tensor('m')?, tensor('v')?))))
        };
        match (self, shape.as_slice()) {
            (Self::Muon(..), [rows, columns]) => {
                let velocity = state.tensor(&format!("m.{path}"), [*rows, *columns], device)?;
                Ok(State::Muon(MuonState::new(MomentumState::new(velocity))))
            }
            (Self::Adam(..) | Self::Muon(..), _) => adam(),
            (Self::Adan(_), _) => {
                let momentum = AdaptiveNesterovMomentumState::new(
                    time()?,
                    tensor('m')?,
                    tensor('v')?,
                    tensor('d')?,
                    tensor('g')?,
                );
                Ok(State::Adan(AdanState::new(momentum)))
            }
            (Self::Lion(_), _) => Ok(State::Lion(LionState::new(tensor('m')?))),
            (Self::Sgd(_), _) => Ok(State::Sgd(SgdState::new(Some(MomentumState::new(tensor('m')?))))),
        }
    }
}

impl State {
    /// Puts it into `state`, under a letter and the path of its parameter.
    pub fn save(&self, path: &str, state: &mut StateDict) {
        let mut put = |letter: char, array: Array| state.insert(&format!("{letter}.{path}"), array);
        let time = |steps: usize| Array { shape: vec![1], data: vec![steps as f32] };
        match self {
            Self::Adam(AdamState { momentum }) => {
                put('m', array(momentum.moment_1.clone()));
                put('v', array(momentum.moment_2.clone()));
                put('t', time(momentum.time));
            }
            Self::Adan(AdanState { momentum }) => {
                put('m', array(momentum.exp_avg.clone()));
                put('v', array(momentum.exp_avg_sq.clone()));
                put('d', array(momentum.exp_avg_diff.clone()));
                put('g', array(momentum.neg_pre_grad.clone()));
                put('t', time(momentum.time));
            }
            Self::Lion(LionState { momentum }) => put('m', array(momentum.clone())),
            Self::Muon(muon) => velocity(&muon.momentum).into_iter().for_each(|array| put('m', array)),
            Self::Sgd(sgd) => sgd.momentum.iter().flat_map(velocity).for_each(|array| put('m', array)),
        }
    }
}

/// Whether a parameter of that shape is a matrix, or several: not a bias, and not a row of factors.
fn is_matrix(shape: &[usize]) -> bool {
    shape.iter().filter(|side| **side > 1).count() >= 2
}

/// What a momentum holds: it is told to recorders alone.
fn velocity<const D: usize>(momentum: &MomentumState<D>) -> Option<Array> {
    let mut sink = StateSink::default();
    momentum.state_flatten("", &mut sink);
    let (_, data) = sink.tensors.into_iter().next()?;
    let shape = data.shape().to_vec();
    Some(Array { shape, data: data.try_into_vec_as().unwrap_or_default() })
}

fn array<const D: usize>(tensor: Tensor<D>) -> Array {
    let shape = tensor.dims().to_vec();
    // Floats always convert to f32. Were it ever to fail, the length would betray it when saved.
    Array { shape, data: tensor.into_data().try_into_vec_as().unwrap_or_default() }
}
