//! Locally discriminative learning: L1 where a result has artefacts (Liang, Zeng, Zhang, *Details or Artifacts: A Locally
//! Discriminative Learning Approach to Realistic Image Super-Resolution*, CVPR 2022).

use burn::tensor::{Device, Tensor};
use percept_conv::{Conv, depthwise_conv2d};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LossError, LossSettings, TrainLoss};
use crate::weights::WeightStore;

/// Side of the window in which a residual varies, and the pixels that it reaches to each side.
const WINDOW: usize = 7;
const REACH: usize = WINDOW / 2;
/// Added to the variance of a whole residual: the gradient of its root has no limit at 0.
const VARIANCE: f64 = 1e-12;

/// Settings of `type = "ldl"`: L1, weighted by a map of artefacts, beside an adversarial loss (Liang et al., CVPR 2022, who give
/// it the weight 1). The map is how much the residual varies around a pixel, and 0 where the averaged network is farther from
/// the target than the network itself. With `train.ema_decay = 0` there is no averaged network, and no pixel is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LdlLoss {}

impl LossSettings for LdlLoss {
    const ABOUT: &'static str = "L1 of the pixels where the result has artefacts";

    fn validate(&self) -> Result<(), String> {
        Ok(())
    }

    fn init(&self, _: &WeightStore, _: &Device) -> Result<TrainLoss, LossError> {
        Ok(TrainLoss::Artefacts(self.clone()))
    }

    fn words(&self) -> String {
        "L1 of the pixels with artefacts (LDL)".to_string()
    }
}

impl LdlLoss {
    /// The shortest side of images that it can compare: windows at the edges see the image mirrored.
    pub const MIN_SIDE: usize = REACH + 1;

    /// The loss of `result` towards `target`, `[1]`, given the averaged network's `average`, without gradient (all
    /// `[N, H, W, 3]`, sRGB in `[0, 1]`). As in the published code, gradient flows through the map as well.
    pub fn forward(&self, result: Tensor<4>, target: Tensor<4>, average: Option<Tensor<4>>) -> Tensor<1> {
        let target = target.detach();
        let difference = (result - target.clone()).abs();
        let residual = difference.clone().sum_dim(3);
        let map = spread(residual.clone()) * varying(residual.clone());
        let map = match average {
            Some(average) => {
                let other = (average.detach() - target).abs().sum_dim(3);
                map.mask_fill(residual.lower(other), 0.0)
            }
            None => map,
        };
        (map * difference).mean()
    }
}

/// The fifth root of the variance of each whole residual, `[N, H, W, 1]` → `[N, 1, 1, 1]`.
fn spread(residual: Tensor<4>) -> Tensor<4> {
    let [_, height, width, _] = residual.dims();
    let mean = residual.clone().mean_dim(1).mean_dim(2);
    let squares = (residual - mean).square().sum_dim(1).sum_dim(2);
    let freedom = (height * width - 1).max(1) as f64;
    squares.div_scalar(freedom).add_scalar(VARIANCE).powf_scalar(0.2)
}

/// The variance in the window around every pixel, `[N, H, W, 1]`.
fn varying(residual: Tensor<4>) -> Tensor<4> {
    const COUNT: f64 = (WINDOW * WINDOW) as f64;
    let mirrored = [1, 2].into_iter().fold(residual, mirrored);
    let both = Tensor::cat(vec![mirrored.clone(), mirrored.square()], 3);
    let ones = Tensor::ones([2, 1, WINDOW, WINDOW], &both.device());
    let sums = depthwise_conv2d(both, ones, None, Conv::default());
    let (sum, squares) = (sums.clone().narrow(3, 0, 1), sums.narrow(3, 1, 1));
    (squares - sum.square().div_scalar(COUNT)).clamp_min(0.0).div_scalar(COUNT - 1.0)
}

/// With what is beyond both edges of a dimension: the image mirrored there, its last pixel not doubled.
fn mirrored(image: Tensor<4>, side: usize) -> Tensor<4> {
    let length = image.dims()[side];
    let beyond = |start| image.clone().narrow(side, start, REACH).flip([side]);
    Tensor::cat(vec![beyond(1), image.clone(), beyond(length - 1 - REACH)], side)
}
