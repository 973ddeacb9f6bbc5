//! Structural similarity at several scales (Wang, Simoncelli, Bovik, *Multiscale Structural Similarity for Image Quality
//! Assessment*, 2003), as a loss.

use burn::tensor::{Device, Tensor, TensorData};
use percept_conv::{Conv, depthwise_conv2d};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::squares::means;
use super::{Loss, LossError, LossSettings, TrainLoss};
use crate::ranges::within;
use crate::weights::WeightStore;

/// Exponents of the scales, finest first, as the paper gives them.
const EXPONENTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// Side of the Gaussian window, and its deviation.
const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
/// What keeps the quotients finite, for values in `[0, 1]`.
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;
/// Similarities count as at least that: the gradient of their power has no limit at 0.
const LEAST: f64 = 1e-4;

/// Settings of `type = "ms_ssim"`: 1 − MS-SSIM, of each colour by itself. Contrast and structure at every scale, light at the
/// coarsest; as the score `ms-ssim-rgb`, but that similarities below 1e-4 count as 1e-4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MsSsimLoss {
    /// Scales, 1 to 5, of which each has half the size of the one before; crops need 11, 21, 41, 81 or 161 pixels a side.
    /// With fewer than five the paper's exponents of the finest are brought to the sum 1. Default 5, the paper's.
    pub scales: usize,
}

impl Default for MsSsimLoss {
    fn default() -> Self {
        Self { scales: EXPONENTS.len() }
    }
}

impl LossSettings for MsSsimLoss {
    const ABOUT: &'static str = "1 − MS-SSIM, structural similarity at several scales";

    fn validate(&self) -> Result<(), String> {
        within("scales", self.scales as f64, 1.0, EXPONENTS.len() as f64)
    }

    fn init(&self, _: &WeightStore, _: &Device) -> Result<TrainLoss, LossError> {
        Ok(TrainLoss::Images(Box::new(self.clone())))
    }

    fn words(&self) -> String {
        format!("1 − MS-SSIM of {} scales", self.scales)
    }
}

impl Loss for MsSsimLoss {
    fn forward(&self, mut result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        let mut target = target.detach();
        let exponents = EXPONENTS.get(..self.scales).unwrap_or(&EXPONENTS);
        let sum: f64 = exponents.iter().sum();
        let [n, _, _, channels] = result.dims();
        let mut product = Tensor::ones([n, 1, 1, channels], &result.device());
        for (scale, exponent) in exponents.iter().enumerate() {
            let coarsest = scale + 1 == exponents.len();
            let similar = similarity(result.clone(), target.clone(), coarsest);
            product = product * similar.clamp_min(LEAST).powf_scalar(exponent / sum);
            if !coarsest {
                (result, target) = (halved(result), halved(target));
            }
        }
        product.mean().neg().add_scalar(1.0)
    }

    fn min_side(&self) -> usize {
        ((WINDOW - 1) << self.scales.saturating_sub(1)) + 1
    }
}

/// Similarity of contrast and structure, and of light with `light`, by image and channel: `[N, 1, 1, C]`.
fn similarity(a: Tensor<4>, b: Tensor<4>, light: bool) -> Tensor<4> {
    let channels = a.dims()[3];
    let products = [a.clone().square(), b.clone().square(), a.clone() * b.clone()];
    let moments = windowed(Tensor::cat([a, b].into_iter().chain(products).collect(), 3));
    let [mean_a, mean_b, square_a, square_b, product] =
        [0, 1, 2, 3, 4].map(|at| moments.clone().narrow(3, at * channels, channels));
    let squares = mean_a.clone().square() + mean_b.clone().square();
    let mixed = (mean_a * mean_b).mul_scalar(2.0);
    let covariance = product.mul_scalar(2.0) - mixed.clone();
    let variances = square_a + square_b - squares.clone();
    let similar = covariance.add_scalar(C2) / variances.add_scalar(C2);
    let similar = if light { similar * mixed.add_scalar(C1) / squares.add_scalar(C1) } else { similar };
    similar.mean_dim(1).mean_dim(2)
}

/// Means in the Gaussian window, of every channel, where it lies inside.
fn windowed(values: Tensor<4>) -> Tensor<4> {
    let (channels, device) = (values.dims()[3], values.device());
    let centre = (WINDOW / 2) as f64;
    let bell = (0..WINDOW).map(|at| (-0.5 * ((at as f64 - centre) / SIGMA).powi(2)).exp());
    let bell: Vec<f64> = bell.collect();
    let sum: f64 = bell.iter().sum();
    let bell: Vec<f32> = bell.into_iter().map(|value| (value / sum) as f32).collect();
    let along = |values, [height, width]: [usize; 2]| {
        let data = TensorData::new(bell.repeat(channels), [channels, 1, height, width]);
        depthwise_conv2d(values, Tensor::from_data(data, &device), None, Conv::default())
    };
    along(along(values, [1, WINDOW]), [WINDOW, 1])
}

/// Means of 2×2 pixels; an odd last row or column counts twice.
fn halved(image: Tensor<4>) -> Tensor<4> {
    let even = [1, 2].into_iter().fold(image, |image, side| match image.dims()[side] {
        length if length % 2 == 1 => {
            Tensor::cat(vec![image.clone(), image.narrow(side, length - 1, 1)], side)
        }
        _ => image,
    });
    means(even, 2)
}
