//! Optimisers, with the norm of the gradient and a state that goes into a checkpoint.

mod rule;

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use percept_nn::weights::{StateDict, WeightError};

use crate::params::{Change, Look, change, look_at};
use percept_run::config::OptimConfig;
use rule::{Rule, State};

/// A gradient that no step can be made with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gradient of `{parameter}` is NaN or infinite; lower the learning rate or set `grad_clip`")]
pub struct GradientError {
    /// Path of the first such parameter.
    pub parameter: String,
}

/// What one step did.
#[derive(Clone, Debug)]
pub struct Stepped<M> {
    /// The module after the step.
    pub module: M,
    /// Norm of the whole gradient before clipping.
    pub gradient_norm: f64,
}

/// One of burn's optimisers over all parameters of a module that
/// require a gradient. Its state is keyed by the paths of the parameters.
#[derive(Clone)]
pub struct Optimizer {
    rule: Rule,
    grad_clip: Option<f64>,
    states: BTreeMap<String, State>,
}

impl std::fmt::Debug for Optimizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Optimizer").field("parameters", &self.states.len()).finish_non_exhaustive()
    }
}

impl Optimizer {
    /// An optimiser that has made no step.
    pub fn new(config: &OptimConfig) -> Self {
        Self { rule: Rule::new(config), grad_clip: config.grad_clip, states: BTreeMap::new() }
    }

    /// One step with learning rate `lr` down the gradients of `module`. A parameter without a gradient stays.
    ///
    /// # Errors
    /// When a gradient is NaN or infinite (or its squares are); nothing has been changed then.
    pub fn step<M: Module>(
        &mut self,
        module: M,
        grads: GradientsParams,
        lr: f64,
    ) -> Result<Stepped<M>, GradientError> {
        let gradient_norm = gradient_norm(&module, &grads)?;
        let scale = match self.grad_clip {
            Some(limit) if gradient_norm > limit => Some(limit / gradient_norm),
            _ => None,
        };
        let module = change(module, &mut Step { optimizer: self, grads, lr, scale });
        Ok(Stepped { module, gradient_norm })
    }

    /// Everything that the next step depends on, by a letter and the path of every parameter: `m.PATH` the average of the
    /// gradient, `v.PATH` that of its square, `d.PATH` that of its change, `g.PATH` the last one, `t.PATH` the number of
    /// steps (exact up to 2²⁴). Which of them, the kind of the optimiser says.
    pub fn state_dict(&self) -> StateDict {
        let mut state = StateDict::new();
        self.states.iter().for_each(|(path, of)| of.save(path, &mut state));
        state
    }

    /// Continues exactly where [`state_dict`](Self::state_dict) was taken; `device` is that of the parameters.
    ///
    /// # Errors
    /// When an array is missing, has another length than its partner or holds NaN or infinity.
    pub fn load_state_dict(&mut self, state: &StateDict, device: &Device) -> Result<(), WeightError> {
        let device = device.clone().inner();
        let load = |(path, _): (&str, &_)| Ok((path.to_string(), self.rule.load(path, state, &device)?));
        let states: Result<_, WeightError> = state.section("m.").iter().map(load).collect();
        self.states = states?;
        Ok(())
    }
}

/// Norm of all gradients together, each of them finite.
fn gradient_norm<M: Module>(module: &M, grads: &GradientsParams) -> Result<f64, GradientError> {
    let mut squares = Squares { grads, names: Vec::new(), sums: Vec::new() };
    look_at(module, &mut squares);
    if squares.sums.is_empty() {
        return Ok(0.0);
    }
    // One transfer from the device for all parameters.
    let sums: Vec<f32> = Tensor::cat(squares.sums, 0).into_data().try_into_vec_as().unwrap_or_default();
    match squares.names.iter().zip(&sums).find(|(_, sum)| !sum.is_finite()) {
        Some((name, _)) => Err(GradientError { parameter: name.clone() }),
        None => Ok(sums.iter().map(|sum| f64::from(*sum)).sum::<f64>().sqrt()),
    }
}

struct Squares<'a> {
    grads: &'a GradientsParams,
    names: Vec<String>,
    sums: Vec<Tensor<1>>,
}

impl Look for Squares<'_> {
    fn look<const D: usize>(&mut self, path: &str, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            self.names.push(path.to_string());
            self.sums.push(grad.square().sum());
        }
    }
}

struct Step<'a> {
    optimizer: &'a mut Optimizer,
    grads: GradientsParams,
    lr: f64,
    scale: Option<f64>,
}

impl Change for Step<'_> {
    fn change<const D: usize>(&mut self, path: &str, param: &Param<Tensor<D>>) -> Option<Tensor<D>> {
        let mut grad = self.grads.remove::<D>(param.id)?;
        if let Some(scale) = self.scale {
            grad = grad.mul_scalar(scale);
        }
        let state = self.optimizer.states.remove(path);
        let (value, state) = self.optimizer.rule.step(self.lr, param.val().inner(), grad, state);
        self.optimizer.states.insert(path.to_string(), state);
        Some(value)
    }
}
