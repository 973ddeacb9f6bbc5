//! What a network repeats with the pixels of its input: a grid.

use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Loss, LossError, LossSettings, TrainLoss};
use crate::ranges::within;
use crate::weights::WeightStore;

/// Settings of `type = "phase"`: a loss against grids. A network that enlarges four times makes 4 × 4 pixels of each of its
/// input's; where it has to invent texture it tends to repeat itself, and draws a grid of 4 pixels. A photo has no such period: the
/// sixteen places of that grid look alike. In windows of the result this loss takes the mean of every place, for the colours and for
/// how much they change from one pixel to the next, down and across, and compares what is more or less than at the other places
/// with the target's. Texture is free; what repeats is not. It is percept's own, and is meant to stand beside a `gan` or a `contextual` loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PhaseLoss {
    /// Pixels after which a grid repeats, 2 to 16: the scale of the network. Default 4.
    pub period: usize,
    /// Side of a window in pixels, a multiple of `period`, up to 256. What is left at the edges does not count. Default 32.
    pub window: usize,
    /// Texture hides a grid. With a number here a window counts by `masking / (masking + change)`, where `change` is how much the
    /// target's next pixels differ in it, in levels of 255: 2 or so lets smooth parts count. 0, the default: all windows alike.
    pub masking: f64,
}

impl Default for PhaseLoss {
    fn default() -> Self {
        Self { period: 4, window: 32, masking: 0.0 }
    }
}

impl LossSettings for PhaseLoss {
    const ABOUT: &'static str = "Against grids: what a result repeats every few pixels";

    fn validate(&self) -> Result<(), String> {
        within("period", self.period as f64, 2.0, 16.0)?;
        within("window", self.window as f64, self.period as f64, 256.0)?;
        within("masking", self.masking, 0.0, 255.0)?;
        if self.window.is_multiple_of(self.period) {
            return Ok(());
        }
        Err(format!("window = {} must be a multiple of period = {}", self.window, self.period))
    }

    fn init(&self, _: &WeightStore, _: &Device) -> Result<TrainLoss, LossError> {
        Ok(TrainLoss::Images(Box::new(self.clone())))
    }

    fn words(&self) -> String {
        format!("what repeats every {} pixels", self.period)
    }
}

impl Loss for PhaseLoss {
    fn forward(&self, result: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
        let [[values, down, across], target] = [looks(result), looks(target.detach())];
        let mask = (self.masking > 0.0).then(|| self.mask(&target));
        let [its_values, its_down, its_across] = target;
        let apart = |ours: Tensor<4>, its: Tensor<4>| {
            let apart = (self.grids(ours) - self.grids(its)).abs();
            let [_, rows, _, columns, ..] = apart.dims();
            match &mask {
                Some(mask) => (apart * mask.clone().narrow(1, 0, rows).narrow(3, 0, columns)).mean(),
                None => apart.mean(),
            }
        };
        (apart(values, its_values) + apart(down, its_down) + apart(across, its_across)).div_scalar(3.0)
    }

    fn min_side(&self) -> usize {
        self.window + 1
    }
}

impl PhaseLoss {
    /// How every place of the grid differs from the mean of all, in every window: `[N, h, p, w, p, C]`.
    fn grids(&self, look: Tensor<4>) -> Tensor<6> {
        let (period, repeats) = (self.period, self.window / self.period);
        let [n, height, width, channels] = look.dims();
        let [rows, columns] = [height / self.window, width / self.window];
        let whole = look.narrow(1, 0, rows * self.window).narrow(2, 0, columns * self.window);
        let row = columns * self.window * channels;
        let down = whole.reshape([n, rows, repeats, period * row]).mean_dim(2);
        let across = down.reshape([n * rows * period, columns, repeats, period * channels]).mean_dim(2);
        let places = across.reshape([n, rows, period, columns, period, channels]);
        places.clone() - places.mean_dim(2).mean_dim(4)
    }

    /// How much a grid is seen in every window: `[N, h, 1, w, 1, 1]`. The last row and column have no next one: their
    /// neighbour's change stands for theirs.
    fn mask(&self, [values, down, across]: &[Tensor<4>; 3]) -> Tensor<6> {
        let [n, height, width, _] = values.dims();
        let [rows, columns] = [height / self.window, width / self.window];
        let down = Tensor::cat(vec![down.clone(), down.clone().narrow(1, height - 2, 1)], 1);
        let across = Tensor::cat(vec![across.clone(), across.clone().narrow(2, width - 2, 1)], 2);
        let change =
            (down + across).mean_dim(3).narrow(1, 0, rows * self.window).narrow(2, 0, columns * self.window);
        let change = change.reshape([n, rows, self.window, columns * self.window]).mean_dim(2);
        let change = change.reshape([n, rows, columns, self.window]).mean_dim(3).div_scalar(2.0);
        let masking = self.masking / 255.0;
        (change + masking).recip().mul_scalar(masking).reshape([n, rows, 1, columns, 1, 1])
    }
}

/// The colours, and how much they change from one pixel to the next: down and across.
fn looks(image: Tensor<4>) -> [Tensor<4>; 3] {
    let [_, height, width, _] = image.dims();
    let down = image.clone().narrow(1, 1, height - 1) - image.clone().narrow(1, 0, height - 1);
    let across = image.clone().narrow(2, 1, width - 1) - image.clone().narrow(2, 0, width - 1);
    [image, down.abs(), across.abs()]
}
