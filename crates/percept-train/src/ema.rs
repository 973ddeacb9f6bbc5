//! A moving average of a network's weights.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::params::{Change, Look, change, look_at};

/// The exponential moving average of a module's float parameters, on the plain device (no gradient).
#[derive(Clone, Debug)]
pub struct Ema<M: Module> {
    decay: f64,
    average: M,
}

impl<M: Module> Ema<M> {
    /// An average that starts as `module`. `decay` in `[0, 1)` is the share of the past.
    pub fn new(module: &M, decay: f64) -> Self {
        Self { decay, average: module.valid() }
    }

    /// Takes in the module after a step: `average ← decay · average + (1 − decay) · module`.
    pub fn update(&mut self, module: &M) {
        let mut current = Current(BTreeMap::new());
        look_at(module, &mut current);
        let mut blend = Blend { current: current.0, decay: self.decay };
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
