//! Losses that compare pixel by pixel.

use burn::tensor::{Device, Tensor};

use super::{Loss, LossError, LossSettings, TrainLoss};
use crate::distance::Criterion;
pub use crate::distance::{CharbonnierLoss, HuberLoss, L1Loss, MseLoss};
use crate::weights::WeightStore;

/// The criterion over all values of two images.
impl Loss for Criterion {
    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        self.of(result - target.detach()).mean()
    }
}

/// The settings of a criterion as a loss of pixels.
macro_rules! of_pixels {
    ($($settings:ident $variant:ident $about:literal;)*) => {
        $(impl LossSettings for $settings {
            const ABOUT: &'static str = $about;

            fn validate(&self) -> Result<(), String> {
                Criterion::$variant(self.clone()).validate()
            }

            fn init(&self, _: &WeightStore, _: &Device) -> Result<TrainLoss, LossError> {
                Ok(TrainLoss::Images(Box::new(Criterion::$variant(self.clone()))))
            }

            fn words(&self) -> String {
                format!("{} of the pixels", Criterion::$variant(self.clone()).words())
            }
        })*
    };
}

of_pixels! {
    L1Loss L1 "Mean absolute difference of the pixels";
    MseLoss Mse "Mean squared difference of the pixels";
    CharbonnierLoss Charbonnier "A smooth L1 of the pixels";
    HuberLoss Huber "Squares of small differences of the pixels, the size of large ones";
}
