//! Batch normalisation as a discriminator needs it.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{AllReduce, batch_norm_leaky};

use super::SLOPE;
use crate::network::Init;

/// Keeps the root away from 0, as in PyTorch's default.
const EPSILON: f64 = 1e-5;

/// Batch normalisation (Ioffe and Szegedy, ICML 2015): every channel less its mean over batch and positions, divided by
/// its deviation there, times `weight`, plus `bias` (both `[C]`).
///
/// The statistics are always those of the batch at hand. A discriminator is only used in training, so there are no running
/// ones.
#[derive(Module, Debug)]
pub(super) struct BatchNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    /// Who have the other parts of each batch.
    #[module(skip)]
    all: Option<AllReduce>,
}

impl BatchNorm {
    pub fn new(init: &Init, channels: usize) -> Self {
        Self { weight: init.full([channels], 1.0), bias: init.full([channels], 0.0), all: None }
    }

    /// From now on it sees a part of each batch.
    pub fn see_a_part(&mut self, all: &AllReduce) {
        self.all = Some(all.clone());
    }

    /// `leaky_relu(norm(x))`.
    pub fn forward_leaky(&self, x: Tensor<4>) -> Tensor<4> {
        batch_norm_leaky(x, self.weight.val(), self.bias.val(), EPSILON, SLOPE, self.all.as_ref())
    }
}
