//! Distances of features that every channel has by itself, so that channels can be weighted.

use burn::tensor::Tensor;
use percept_conv::channel_distance;

use super::moments::Moments;
use super::{Criterion, MseLoss};

/// How the features of one tap are compared, channel by channel.
#[derive(Clone, Debug, PartialEq)]
pub enum ChannelDistance {
    /// Position by position.
    Positions(Criterion),
    /// The values of all positions in order of size, as one dimension's Wasserstein distance pairs them: what there is counts,
    /// not where it is.
    Sorted(Criterion),
    /// Means and deviations around every position, squared (Wasserstein distortion). The weights around a position have a
    /// deviation of so many pixels of the image.
    Around(f64),
}

impl ChannelDistance {
    /// Squared, position by position.
    pub const SQUARED: Self = Self::Positions(Criterion::Mse(MseLoss {}));

    /// Of `a` and `b`, both `[N, H, W, C]`, by image and channel: `[N, C]`. A position is `stride` pixels of the image wide.
    pub fn of(&self, a: &Tensor<4>, b: &Tensor<4>, stride: f64) -> Tensor<2> {
        match self {
            Self::Positions(Criterion::Mse(_)) => channel_distance(a.clone(), b.clone()),
            Self::Positions(criterion) => means(criterion.of(a.clone() - b.clone())),
            Self::Sorted(criterion) => {
                let [n, _, _, c] = a.dims();
                criterion.of(sorted(a) - sorted(b)).mean_dim(2).reshape([n, c])
            }
            Self::Around(sigma) => around(a, b, (sigma / stride).log2().max(0.0)),
        }
    }

    /// What distances are divided by so that they have no unit, where the features' mean square is `energy`, `[1]`.
    pub(crate) fn scale(&self, energy: Tensor<1>) -> Tensor<1> {
        match self {
            Self::Positions(criterion) | Self::Sorted(criterion) => criterion.scale(energy),
            Self::Around(_) => energy,
        }
    }
}

/// `[N, H, W, C]` → `[N, C]`.
fn means(values: Tensor<4>) -> Tensor<2> {
    let [n, _, _, c] = values.dims();
    values.mean_dim(1).mean_dim(2).reshape([n, c])
}

/// `[N, H, W, C]` → `[N, C, H·W]`, rising. The gradient goes where each value came from.
fn sorted(features: &Tensor<4>) -> Tensor<3> {
    let [n, h, w, c] = features.dims();
    features.clone().reshape([n, h * w, c]).swap_dims(1, 2).sort(2)
}

/// Wasserstein distortion where the weights around a position have a deviation of `2^level` positions, by image and channel,
/// `[N, C]`. Level 0 is the squared distance, position by position; between whole levels it is between theirs.
fn around(a: &Tensor<4>, b: &Tensor<4>, level: f64) -> Tensor<2> {
    let (mut a, mut b) = (Moments::of(a), Moments::of(b));
    (1..=level.floor() as usize).for_each(|_| (a, b) = (a.blurred(), b.blurred()));
    let here = means(a.distance(&b));
    match level.fract() {
        0.0 => here,
        share => here.mul_scalar(1.0 - share) + means(a.blurred().distance(&b.blurred())).mul_scalar(share),
    }
}
