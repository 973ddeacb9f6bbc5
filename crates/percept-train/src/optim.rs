//! Adam and AdamW, with the norm of the gradient and a state that goes into a checkpoint.

use std::collections::BTreeMap;

use burn::module::{Module, Param, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, GradientsParams, Optimizer as _};
use burn::tensor::{Device, Gradients, Tensor};
use percept_nn::weights::{Array, StateDict, WeightError};

use crate::params::{Change, Look, change, look_at};
use percept_run::config::{OptimConfig, OptimType};

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

/// Adam (Kingma and Ba, 2015) or AdamW (Loshchilov and Hutter, 2019) over all parameters of a module that
/// require a gradient. Its state is keyed by the paths of the parameters.
#[derive(Clone)]
pub struct Optimizer {
    adam: Adam,
    /// Decay of the weights themselves: AdamW.
    shrink: f64,
    grad_clip: Option<f64>,
    moments: BTreeMap<String, AdamState<1>>,
}

impl std::fmt::Debug for Optimizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Optimizer").field("parameters", &self.moments.len()).finish_non_exhaustive()
    }
}

impl Optimizer {
    /// An optimiser that has made no step.
    pub fn new(config: &OptimConfig) -> Self {
        let [beta_1, beta_2] = config.betas;
        let adam = AdamConfig::new()
            .with_beta_1(beta_1 as f32)
            .with_beta_2(beta_2 as f32)
            .with_epsilon(config.eps as f32);
        let (adam, shrink) = match config.kind {
            OptimType::Adamw => (adam, config.weight_decay),
            OptimType::Adam if config.weight_decay > 0.0 => {
                let decay = WeightDecayConfig::new(config.weight_decay as f32);
                (adam.with_weight_decay(Some(decay)), 0.0)
            }
            OptimType::Adam => (adam, 0.0),
        };
        Self { adam: adam.build(), shrink, grad_clip: config.grad_clip, moments: BTreeMap::new() }
    }

    /// One step with learning rate `lr` down the gradients of `module`. A parameter without a gradient stays.
    ///
    /// # Errors
    /// When a gradient is NaN or infinite (or its squares are); nothing has been changed then.
    pub fn step<M: Module>(
        &mut self,
        module: M,
        mut grads: Gradients,
        lr: f64,
    ) -> Result<Stepped<M>, GradientError> {
        let grads = GradientsParams::from_module(&mut grads, &module);
        let gradient_norm = gradient_norm(&module, &grads)?;
        let scale = match self.grad_clip {
            Some(limit) if gradient_norm > limit => Some(limit / gradient_norm),
            _ => None,
        };
        let module = change(module, &mut Step { optimizer: self, grads, lr, scale });
        Ok(Stepped { module, gradient_norm })
    }

    /// Everything that the next step depends on: `m.PATH`, `v.PATH` and the number of steps `t.PATH` (exact
    /// up to 2²⁴) of every parameter.
    pub fn state_dict(&self) -> StateDict {
        let mut state = StateDict::new();
        for (path, AdamState { momentum }) in &self.moments {
            state.insert(&format!("m.{path}"), array(momentum.moment_1.clone()));
            state.insert(&format!("v.{path}"), array(momentum.moment_2.clone()));
            state.insert(&format!("t.{path}"), Array { shape: vec![1], data: vec![momentum.time as f32] });
        }
        state
    }

    /// Continues exactly where [`state_dict`](Self::state_dict) was taken; `device` is that of the parameters.
    ///
    /// # Errors
    /// When an array is missing, has another length than its partner or holds NaN or infinity.
    pub fn load_state_dict(&mut self, state: &StateDict, device: &Device) -> Result<(), WeightError> {
        let device = device.clone().inner();
        let mut moments = BTreeMap::new();
        for (path, times) in state.section("t.").iter() {
            let len = state.get(&format!("m.{path}")).map_or(0, |m| m.data.len());
            let time = times.data.first().copied().unwrap_or(0.0) as usize;
            let m = state.tensor(&format!("m.{path}"), [len], &device)?;
            let v = state.tensor(&format!("v.{path}"), [len], &device)?;
            moments.insert(path.to_string(), AdamState::new(AdaptiveMomentumState::new(time, m, v)));
        }
        self.moments = moments;
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

impl Step<'_> {
    fn gradient<const D: usize>(&mut self, id: ParamId) -> Option<Tensor<D>> {
        let grad = self.grads.remove::<D>(id)?;
        Some(match self.scale {
            Some(scale) => grad.mul_scalar(scale),
            None => grad,
        })
    }
}

impl Change for Step<'_> {
    fn change<const D: usize>(&mut self, path: &str, param: &Param<Tensor<D>>) -> Option<Tensor<D>> {
        let grad = self.gradient::<D>(param.id)?;
        let value = param.val().inner();
        let shape = value.dims();
        let len = shape.iter().product::<usize>();
        let (mut value, grad) = (value.reshape([len]), grad.reshape([len]));
        if self.optimizer.shrink > 0.0 {
            value = value.mul_scalar(1.0 - self.lr * self.optimizer.shrink);
        }
        let moments = self.optimizer.moments.remove(path);
        let (value, moments) = self.optimizer.adam.step(self.lr, value, grad, moments);
        if let Some(moments) = moments {
            self.optimizer.moments.insert(path.to_string(), moments);
        }
        Some(value.reshape(shape))
    }
}

fn array(tensor: Tensor<1>) -> Array {
    let shape = tensor.dims().to_vec();
    // Floats always convert to f32. Were it ever to fail, the length would betray it when saved.
    Array { shape, data: tensor.into_data().try_into_vec_as().unwrap_or_default() }
}
