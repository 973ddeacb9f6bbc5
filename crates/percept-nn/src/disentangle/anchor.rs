//! Which image stands for the distortion.

use burn::tensor::{Tensor, TensorData};
use percept_conv::{Conv, depthwise_conv2d};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The distorted image `x̃` of the triplet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The network's input, at the target's size.
    #[default]
    Input,
    /// The target, blurred: the same distortion whatever the task.
    Blurred,
    /// An earlier result: that of the averaged network, which lags behind. Needs `ema_decay` above 0.
    Earlier,
}

/// Standard deviation of the blur in pixels.
const SIGMA: f32 = 2.0;
/// Pixels to each side that the blur reads.
const REACH: i16 = 6;

/// A Gaussian blur of `[N, H, W, C]` with a deviation of 2 pixels; beyond the edges there is nothing to mix in.
pub fn blurred(image: Tensor<4>) -> Tensor<4> {
    let channels = image.dims()[3];
    let line: Vec<f32> = (-REACH..=REACH).map(|at| (-0.5 * (f32::from(at) / SIGMA).powi(2)).exp()).collect();
    let window = line.iter().flat_map(|y| line.iter().map(move |x| x * y));
    let windows: Vec<f32> = window.cycle().take(channels * line.len() * line.len()).collect();
    let data = TensorData::new(windows, [channels, 1, line.len(), line.len()]);
    let weight = Tensor::from_data(data, &image.device());
    let mix = |image| depthwise_conv2d(image, weight.clone(), None, Conv::same(line.len()));
    mix(image.clone()) / mix(image.ones_like())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// A point spreads as a Gaussian does, also in the corner, and what is even stays.
    #[test]
    fn the_blur_is_gaussian_to_the_edges() {
        let device = Device::flex();
        let mut point = vec![0.0f32; 21 * 21];
        point[10 * 21 + 10] = 1.0;
        let spread = blurred(Tensor::from_data(TensorData::new(point, [1, 21, 21, 1]), &device));
        let spread: Vec<f32> = spread.into_data().try_to_vec().unwrap();
        let at = |y: usize, x: usize| spread[y * 21 + x];
        assert!((at(10, 12) / at(10, 10) - (-0.5f32).exp()).abs() < 1e-5);
        assert!((at(14, 10) / at(10, 10) - (-2.0f32).exp()).abs() < 1e-5);
        let even = blurred(Tensor::full([2, 5, 9, 3], 0.7, &device));
        assert!((even - 0.7).abs().max().into_scalar::<f32>() < 1e-6);
    }
}
