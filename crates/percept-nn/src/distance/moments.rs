//! Means and deviations around the positions of features.

use burn::tensor::{Slice, Tensor, TensorData};
use percept_conv::{Conv, depthwise_conv2d};

/// Added to a variance before its root: the gradient stays finite where features are flat.
const VARIANCE: f64 = 1e-6;

/// Local means and mean squares of features, wider with every [blur](Self::blurred) (the pyramid of Ballé et al., CVPR 2025).
#[derive(Clone, Debug)]
pub(super) struct Moments {
    /// Means, then mean squares: `[N, H, W, 2·C]`.
    both: Tensor<4>,
    /// How often it was blurred.
    level: usize,
}

impl Moments {
    /// Every position by itself.
    pub(super) fn of(features: &Tensor<4>) -> Self {
        Self { both: Tensor::cat(vec![features.clone(), features.clone().square()], 3), level: 0 }
    }

    /// Blurred once more by 1-2-1 in both directions, of every second position of what was blurred before. Beyond the edges
    /// there is nothing to mix in.
    pub(super) fn blurred(&self) -> Self {
        let step = if self.level == 0 { 1 } else { 2 };
        let [all, half] = [1, step].map(|step| Slice::with_step(0, None, step));
        let both = self.both.clone().slice([all, half, half]);
        let blurred = mixed(both.clone()) / mixed(both.narrow(3, 0, 1).ones_like());
        Self { both: blurred, level: self.level + 1 }
    }

    /// Squared differences of means and of deviations, `[N, H, W, C]`.
    pub(super) fn distance(&self, other: &Self) -> Tensor<4> {
        let [a, b] = [self, other].map(Self::mean);
        let means = (a - b).square();
        if self.level == 0 {
            return means;
        }
        means + (self.deviation() - other.deviation()).square()
    }

    fn mean(&self) -> Tensor<4> {
        let channels = self.both.dims()[3] / 2;
        self.both.clone().narrow(3, 0, channels)
    }

    fn deviation(&self) -> Tensor<4> {
        let channels = self.both.dims()[3] / 2;
        let squares = self.both.clone().narrow(3, channels, channels);
        (squares - self.mean().square()).clamp_min(0.0).add_scalar(VARIANCE).sqrt()
    }
}

/// Sums of neighbours, weighted 1-2-1 in both directions, zeros beyond the edges.
fn mixed(values: Tensor<4>) -> Tensor<4> {
    let channels = values.dims()[3];
    let weights = [1.0f32, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0].map(|weight| weight / 16.0);
    let data = TensorData::new(weights.repeat(channels), [channels, 1, 3, 3]);
    let weight = Tensor::from_data(data, &values.device());
    depthwise_conv2d(values, weight, None, Conv::same(3))
}
