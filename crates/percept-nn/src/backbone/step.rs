//! One computation of a trunk.

use burn::tensor::{Tensor, TensorData};
use percept_conv::{Activation, Conv, FrozenStage, Precision, depthwise_conv2d};

use super::constant;

/// What stands between the blocks of a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// Max pooling, as the network was trained.
    Max,
    /// Root of the Hanning-weighted mean of squares, which does not alias (DISTS).
    L2,
}

/// Added under the root of L2 pooling, so that its gradient is finite at zero.
const L2_EPSILON: f64 = 1e-12;

/// A computation with its frozen weights.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Layers between two places at which something else happens, as one operation.
    Frozen(Box<FrozenStage>),
    L2Pool {
        filter: Box<Tensor<4>>,
    },
}

/// L2 pooling has a 3×3 window, two pixels apart, whatever pooling it replaces.
const L2_CONV: Conv = Conv {
    stride: 2,
    padding: 1,
    dilation: 1,
    activation: Activation::None,
    precision: Precision::F32,
    filtering: Precision::F32,
};

impl Step {
    /// L2 pooling of `channels`.
    pub(super) fn l2_pool(channels: usize, device: &burn::tensor::Device) -> Self {
        let row = [0.25f32, 0.5, 0.25];
        let window: Vec<f32> = row.iter().flat_map(|y| row.iter().map(move |x| x * y)).collect();
        let data = TensorData::new(window.repeat(channels), [channels, 1, 3, 3]);
        Self::L2Pool { filter: Box::new(Tensor::from_data(data, device)) }
    }

    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Frozen(stage) => stage.forward(x),
            Self::L2Pool { filter } => {
                let filter = constant(filter, &x);
                depthwise_conv2d(x.square(), filter, None, L2_CONV).add_scalar(L2_EPSILON).sqrt()
            }
        }
    }

    /// Side of the result for an input of `side`, or `None` where the window does not fit.
    pub(super) fn side(&self, side: usize) -> Option<usize> {
        match self {
            Self::Frozen(stage) => stage.side(side),
            Self::L2Pool { .. } => Some((side + 2 * L2_CONV.padding).checked_sub(3)? / L2_CONV.stride + 1),
        }
    }
}
