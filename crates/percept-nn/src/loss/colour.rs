//! The colour of places, detail left aside.

use burn::tensor::{Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::squares::means;
use super::{Loss, LossError, LossSettings, TrainLoss};
use crate::ranges::within;
use crate::weights::WeightStore;

/// Settings of `type = "colour"`: mean absolute difference of the colours of squares, which leaves detail inside of them free.
/// Beside losses that look for texture it keeps light and colour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ColourLoss {
    /// Side of a square in pixels, 1 to 256. What is left at the edges does not count. Default 8.
    pub window: usize,
    /// Where colours are compared: `lab` (default) or `srgb`.
    pub space: ColourSpace,
}

/// Where colours are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColourSpace {
    /// CIELAB (white D65) of the mean of linear light, divided by 100.
    #[default]
    Lab,
    /// The mean of sRGB values.
    Srgb,
}

impl Default for ColourLoss {
    fn default() -> Self {
        Self { window: 8, space: ColourSpace::Lab }
    }
}

impl LossSettings for ColourLoss {
    const ABOUT: &'static str = "Colours of squares, detail left free";

    fn validate(&self) -> Result<(), String> {
        within("window", self.window as f64, 1.0, 256.0)
    }

    fn init(&self, _: &WeightStore, _: &Device) -> Result<TrainLoss, LossError> {
        Ok(TrainLoss::Images(Box::new(self.clone())))
    }

    fn words(&self) -> String {
        format!("colour of {0} × {0} pixels", self.window)
    }
}

impl Loss for ColourLoss {
    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        (self.colours(result) - self.colours(target.detach())).abs().mean()
    }

    fn min_side(&self) -> usize {
        self.window
    }
}

impl ColourLoss {
    /// The colour of every square, `[N, h, w, 3]`.
    fn colours(&self, image: Tensor<4>) -> Tensor<4> {
        match self.space {
            ColourSpace::Srgb => means(image, self.window),
            ColourSpace::Lab => lab(means(linear(image), self.window)),
        }
    }
}

/// sRGB to linear light (IEC 61966-2-1). Below 0 it goes on as a line.
fn linear(image: Tensor<4>) -> Tensor<4> {
    const KNEE: f64 = 0.04045;
    let dark = image.clone().lower_equal_scalar(KNEE);
    let curve = image.clone().clamp_min(KNEE).add_scalar(0.055).div_scalar(1.055).powf_scalar(2.4);
    curve.mask_where(dark, image.div_scalar(12.92))
}

/// Linear sRGB to CIELAB, divided by 100.
fn lab(linear: Tensor<4>) -> Tensor<4> {
    /// From linear sRGB to XYZ, each divided by that of the white D65.
    const XYZ: [[f64; 3]; 3] = [
        [0.412_390_8 / 0.950_455_9, 0.357_584_3 / 0.950_455_9, 0.180_480_8 / 0.950_455_9],
        [0.212_639_0, 0.715_168_7, 0.072_192_3],
        [0.019_330_8 / 1.089_057_8, 0.119_194_8 / 1.089_057_8, 0.950_532_2 / 1.089_057_8],
    ];
    /// From the roots to L, a and b, divided by 100; L has 16 taken away.
    const LAB: [[f64; 3]; 3] = [[0.0, 1.16, 0.0], [5.0, -5.0, 0.0], [0.0, 2.0, -2.0]];
    const KNEE: f64 = 216.0 / 24_389.0;
    let xyz = mixed(linear, XYZ);
    let dark = xyz.clone().lower_equal_scalar(KNEE);
    let line = xyz.clone().mul_scalar(841.0 / 108.0).add_scalar(4.0 / 29.0);
    let roots = xyz.clamp_min(KNEE).powf_scalar(1.0 / 3.0).mask_where(dark, line);
    mixed(roots, LAB)
}

/// `M` times every colour.
fn mixed(colours: Tensor<4>, rows: [[f64; 3]; 3]) -> Tensor<4> {
    let [n, height, width, _] = colours.dims();
    let columns: Vec<f32> =
        (0..3).flat_map(|at| rows.map(|row| row.get(at).copied().unwrap_or(0.0) as f32)).collect();
    let matrix = Tensor::<2>::from_data(TensorData::new(columns, [3, 3]), &colours.device());
    colours.reshape([n * height * width, 3]).matmul(matrix).reshape([n, height, width, 3])
}
