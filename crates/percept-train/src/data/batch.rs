//! A batch of samples, and its tensors.

use burn::tensor::{Device, Tensor, TensorData};
use percept_nn::weights::{Array, StateDict};

use super::Sample;

/// The samples of one step, each kind in one buffer of `[N, H, W, C]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Its number, counted from 1: its step where each has one batch.
    pub number: u64,
    /// Names of the photos.
    pub names: Vec<String>,
    /// Targets.
    pub gt: Vec<f32>,
    /// Inputs of the network.
    pub lq: Vec<f32>,
    /// Inputs as pictures of the targets' size.
    pub distorted: Vec<f32>,
    /// `[N, H, W, 3]` of `gt` and `distorted`.
    pub gt_dims: [usize; 4],
    /// `[N, h, w, C]` of `lq`.
    pub lq_dims: [usize; 4],
}

/// A batch on a device.
#[derive(Clone, Debug)]
pub struct BatchTensors {
    /// Targets, `[N, H, W, 3]`.
    pub gt: Tensor<4>,
    /// Inputs of the network, `[N, h, w, C]`.
    pub lq: Tensor<4>,
    /// Inputs as pictures of the targets' size, `[N, H, W, 3]`.
    pub distorted: Tensor<4>,
}

impl Batch {
    /// Samples of equal sizes, one after the other.
    pub(super) fn new(number: u64, samples: &[Sample]) -> Self {
        let n = samples.len();
        let (width, height) = samples.first().map_or((0, 0), |sample| sample.gt.size());
        let (w, h) = samples.first().map_or((0, 0), |sample| sample.lq.size());
        let channels = samples.first().map_or(0, |sample| sample.lq.channels());
        Self {
            number,
            names: samples.iter().map(|sample| sample.name.clone()).collect(),
            gt: samples.iter().flat_map(|sample| sample.gt.data()).copied().collect(),
            lq: samples.iter().flat_map(|sample| sample.lq.data()).copied().collect(),
            distorted: samples.iter().flat_map(|sample| sample.distorted.data()).copied().collect(),
            gt_dims: [n, height, width, 3],
            lq_dims: [n, h, w, channels],
        }
    }

    /// The same as arrays, to be saved; the metadata `names` holds the photos, one a line.
    pub fn to_state_dict(&self) -> StateDict {
        let mut state = StateDict::new();
        let arrays = [
            ("gt", &self.gt, self.gt_dims),
            ("lq", &self.lq, self.lq_dims),
            ("distorted", &self.distorted, self.gt_dims),
        ];
        for (name, data, dims) in arrays {
            state.insert(name, Array { shape: dims.to_vec(), data: data.clone() });
        }
        state.set_metadata("names", &self.names.join("\n"));
        state.set_metadata("number", &self.number.to_string());
        state
    }

    /// The same on a device.
    pub fn to_tensors(&self, device: &Device) -> BatchTensors {
        let tensor =
            |data: &[f32], dims: [usize; 4]| Tensor::from_data(TensorData::new(data.to_vec(), dims), device);
        BatchTensors {
            gt: tensor(&self.gt, self.gt_dims),
            lq: tensor(&self.lq, self.lq_dims),
            distorted: tensor(&self.distorted, self.gt_dims),
        }
    }
}
