//! Running means that keep taps and channels comparable.

use burn::tensor::{Device, Tensor, TensorData};

use crate::weights::Array;

/// An exponential moving average of a vector; the first observation is its start.
#[derive(Clone, Debug)]
pub struct Running {
    decay: f64,
    mean: Option<Tensor<1>>,
}

impl Running {
    /// An average that has seen nothing; `decay` in `[0, 1)` is the share of the past.
    pub fn new(decay: f64) -> Self {
        Self { decay, mean: None }
    }

    /// Takes in one observation and returns the mean after it. Nothing is differentiated through it.
    pub fn observe(&mut self, value: Tensor<1>) -> Tensor<1> {
        let value = value.detach();
        let mean = match self.mean.take() {
            Some(mean) => mean.mul_scalar(self.decay) + value.mul_scalar(1.0 - self.decay),
            None => value,
        };
        self.mean = Some(mean.clone());
        mean
    }

    /// The mean so far.
    pub fn mean(&self) -> Option<Tensor<1>> {
        self.mean.clone()
    }

    /// The mean so far as plain numbers, for a checkpoint.
    pub fn to_array(&self) -> Option<Array> {
        self.mean.as_ref().map(|mean| to_array(mean.clone()))
    }

    /// Continues from a saved mean.
    pub fn restore(&mut self, saved: &Array, device: &Device) {
        self.mean = Some(from_array(saved, device));
    }
}

pub(super) fn to_array(tensor: Tensor<1>) -> Array {
    let shape = tensor.dims().to_vec();
    // Reading back f32 as f32 cannot fail on a tensor that this module made.
    let data = tensor.into_data().try_to_vec::<f32>().unwrap_or_default();
    Array { shape, data }
}

pub(super) fn from_array(array: &Array, device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(array.data.clone(), [array.data.len()]), device)
}
