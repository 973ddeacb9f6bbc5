//! A moving average of a network's weights.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::params::{Change, Look, change, look_at};

/// The exponential moving average of a module's float parameters, on the plain device (no gradient).
///
/// A decay that fits ten thousands of steps would keep the untrained start for the first thousands, so an early step `t`, from 1, weighs
/// its past by no more than `(1 + t) / (10 + t)`, as TensorFlow's `ExponentialMovingAverage` does with `num_updates`.
#[derive(Clone, Debug)]
pub struct Ema<M: Module> {
    decay: f64,
    average: M,
}

impl<M: Module> Ema<M> {
    /// An average that starts as `module`. `decay` in `[0, 1)` is the largest share of the past.
    pub fn new(module: &M, decay: f64) -> Self {
        Self { decay, average: module.valid() }
    }

    /// Takes in the module after step `t`, from 1: `average ← d · average + (1 − d) · module` with `d = min(decay, (1 + t) / (10 + t))`.
    pub fn update(&mut self, module: &M, t: u64) {
        let early = (1 + t) as f64 / (10 + t) as f64;
        let mut current = Current(BTreeMap::new());
        look_at(module, &mut current);
        let mut blend = Blend { current: current.0, decay: self.decay.min(early) };
        self.average = change(self.average.clone(), &mut blend);
    }

    /// The average, ready to be used.
    pub fn module(&self) -> &M {
        &self.average
    }

    /// Continues from another average, as from a checkpoint.
    pub fn set(&mut self, average: M) {
        self.average = average.valid();
    }
}

/// The parameters as flat tensors.
struct Current(BTreeMap<String, Tensor<1>>);

impl Look for Current {
    fn look<const D: usize>(&mut self, path: &str, param: &Param<Tensor<D>>) {
        let value = param.val().inner();
        let len = value.dims().iter().product::<usize>();
        self.0.insert(path.to_string(), value.reshape([len]));
    }
}

struct Blend {
    current: BTreeMap<String, Tensor<1>>,
    decay: f64,
}

impl Change for Blend {
    fn change<const D: usize>(&mut self, path: &str, param: &Param<Tensor<D>>) -> Option<Tensor<D>> {
        let average = param.val().inner();
        let current = self.current.remove(path)?.reshape(average.dims());
        Some(average.mul_scalar(self.decay) + current.mul_scalar(1.0 - self.decay))
    }
}
