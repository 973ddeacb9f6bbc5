//! Distance of spectra (Cho et al., *Rethinking Coarse-to-Fine Approach in Single Image Deblurring* (MIMO-UNet), ICCV 2021).

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Loss, LossError, LossSettings, TrainLoss};
use crate::weights::WeightStore;

/// Settings of `type = "fft"`: mean absolute difference of real and imaginary parts of the spectra of the whole crops, of each
/// colour by itself. The Fourier transform is not normalised, as in MIMO-UNet, which gives this loss the weight 0.1 beside L1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FftLoss {}

impl LossSettings for FftLoss {
    const ABOUT: &'static str = "Mean absolute difference of the spectra";

    fn validate(&self) -> Result<(), String> {
        Ok(())
    }

    fn init(&self, _: &WeightStore, _: &Device) -> Result<TrainLoss, LossError> {
        Ok(TrainLoss::Images(Box::new(self.clone())))
    }

    fn words(&self) -> String {
        "L1 of the spectra".to_string()
    }
}

impl Loss for FftLoss {
    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        // The transform is linear: one of the difference is enough.
        let difference = (result - target.detach()).permute([0, 3, 1, 2]);
        let [_, _, height, width] = difference.dims();
        let device = difference.device();
        // [N, C, 2·H, 2·W]: cosines and sines of the rows, down, by those of the columns, across.
        let waves = waves(height, &device).matmul(difference).matmul(waves(width, &device).swap_dims(2, 3));
        let part = |down: usize, across: usize| {
            waves.clone().narrow(2, down * height, height).narrow(3, across * width, width)
        };
        let real = part(0, 0) - part(1, 1);
        let imaginary = part(0, 1) + part(1, 0);
        (real.abs().mean() + imaginary.abs().mean()).mul_scalar(0.5)
    }
}

/// The cosines of a Fourier transform of `n` values, below them its sines: `[1, 1, 2·n, n]`. As a product of matrices the
/// transform has its gradient on every device; crops are small.
fn waves(n: usize, device: &Device) -> Tensor<4> {
    let phase = move |at: usize| TAU * (at / n * (at % n) % n) as f64 / n as f64;
    let cosines = (0..n * n).map(|at| phase(at).cos() as f32);
    let sines = (0..n * n).map(|at| phase(at).sin() as f32);
    let values: Vec<f32> = cosines.chain(sines).collect();
    Tensor::from_data(TensorData::new(values, [1, 1, 2 * n, n]), device)
}
