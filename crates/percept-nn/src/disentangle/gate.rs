//! From free parameters to weights that can neither vanish nor explode.
//!
//! Gates have one parameter and one weight for each of a tap's `C` channels: `D = mean_c w_c δ_c`. A projection `P`,
//! `[C, C]`, may mix channels: `D = mean_hw dᵀMd / C` for the difference `d` of the features, with
//! `M = floor · I + (1 − floor) · C · PPᵀ / tr(PPᵀ)`, so that the diagonal's mean is 1 as that of gates is. It weighs
//! all `C²` second moments `mean_hw d_c d_k` of the difference, of which the distances `δ_c` are the diagonal:
//! `D = mean_ck w_ck mean_hw d_c d_k` with `w = C · M`. What follows says for both what a contrast needs.

use burn::tensor::{Slice, Tensor, activation};
use percept_conv::channel_distance;

use super::{Gate, TapGate};

/// How far an entry of `P` moves where the parameter of a gate would move by 1: there are `C` of them to a channel.
const PROJECTION_PACE: f64 = 0.04;

impl Gate {
    /// Parameters whose weights, before the floor, are `weights` `[C]` (any positive scale, but for softplus).
    pub(super) fn parameters(self, weights: &[f32]) -> Vec<f32> {
        const SMALLEST: f32 = 1e-6;
        let weights = weights.iter().map(|w| w.max(SMALLEST));
        match self {
            Self::Softmax => weights.map(f32::ln).collect(),
            Self::Softplus => weights.map(|w| w.exp_m1().ln()).collect(),
            Self::Projection => {
                let channels = weights.len();
                let mut matrix = vec![0.0; channels * channels];
                let diagonal = matrix.iter_mut().step_by(channels + 1);
                diagonal.zip(weights).for_each(|(entry, w)| *entry = w.sqrt());
                matrix
            }
        }
    }

    /// The tap's channels, of the number of its parameters or weights.
    fn channels(self, all: usize) -> usize {
        match self {
            Self::Softmax | Self::Softplus => all,
            Self::Projection => all.isqrt(),
        }
    }

    /// Weights of parameters `theta`: `[C]`, or `[C²]` of a projection.
    ///
    /// With [`Gate::Softmax`] their mean is 1, every weight is at least `floor` and at most
    /// `floor + (1 − floor) · C`; with [`Gate::Projection`] the same holds for every direction.
    pub(super) fn weights(self, theta: Tensor<1>, floor: f64) -> Tensor<1> {
        let [parameters] = theta.dims();
        match self {
            Self::Softmax => {
                let scale = (1.0 - floor) * parameters as f64;
                activation::softmax(theta, 0).mul_scalar(scale).add_scalar(floor)
            }
            Self::Softplus => activation::softplus(theta, 1.0),
            Self::Projection => {
                let channels = self.channels(parameters);
                let uniform = self.uniform_like(&theta);
                let trace = theta.clone().square().sum();
                let projection = theta.reshape([channels, channels]);
                let product = projection.clone().matmul(projection.transpose()).reshape([parameters]);
                let scale = (1.0 - floor) * parameters as f64;
                product / trace * scale + uniform.mul_scalar(floor)
            }
        }
    }

    /// Weights under which every channel counts the same, as many as there are in `weights`.
    pub(super) fn uniform_like(self, weights: &Tensor<1>) -> Tensor<1> {
        let [all] = weights.dims();
        match self {
            Self::Softmax | Self::Softplus => weights.ones_like(),
            Self::Projection => {
                let channels = self.channels(all);
                Tensor::<2>::eye(channels, &weights.device()).reshape([all]).mul_scalar(channels as f64)
            }
        }
    }

    /// What is weighted of two feature maps `[N, H, W, C]`, by image: `δ` by channel, `[N, C]`, or all second moments of
    /// their difference, `[N, C²]`.
    pub(super) fn moments(self, a: Tensor<4>, b: Tensor<4>) -> Tensor<2> {
        match self {
            Self::Softmax | Self::Softplus => channel_distance(a, b),
            Self::Projection => {
                let [n, h, w, c] = a.dims();
                let difference = (a - b).reshape([n, h * w, c]);
                let sums = difference.clone().swap_dims(1, 2).matmul(difference);
                sums.div_scalar((h * w).max(1) as f64).reshape([n, c * c])
            }
        }
    }

    /// `δ` by channel, `[N, C]`, among moments.
    pub(super) fn distances(self, moments: Tensor<2>) -> Tensor<2> {
        let [_, all] = moments.dims();
        match self {
            Self::Softmax | Self::Softplus => moments,
            Self::Projection => {
                let diagonal = Slice::with_step(0, None, self.channels(all) as isize + 1);
                moments.slice([Slice::with_step(0, None, 1), diagonal])
            }
        }
    }

    /// What moments are divided by where distances by channel are divided by `scale`, `[C]`.
    pub(super) fn scales(self, scale: Tensor<1>) -> Tensor<1> {
        let [channels] = scale.dims();
        match self {
            Self::Softmax | Self::Softplus => scale,
            Self::Projection => {
                let root = scale.sqrt().reshape([channels, 1]);
                root.clone().matmul(root.transpose()).reshape([channels * channels])
            }
        }
    }

    /// How evenly weights are spread over channels, from 0 to 1, `[1]`, differentiable: their entropy as a share of the
    /// largest possible. Of a projection, over directions: the entropy of order 2, which needs no eigenvalues.
    pub(super) fn spread(self, weights: Tensor<1>) -> Tensor<1> {
        let [all] = weights.dims();
        let entropy = match self {
            Self::Softmax | Self::Softplus => {
                let shares = weights.clone() / weights.sum();
                (shares.clone() * shares.add_scalar(1e-12).log()).sum().neg()
            }
            Self::Projection => weights.div_scalar(all as f64).square().sum().log().neg(),
        };
        entropy.div_scalar((self.channels(all).max(2) as f64).ln())
    }

    /// By channel, mean 1, and how many channels (of a projection, directions) that amounts to.
    pub(super) fn by_channel(self, weights: Vec<f32>) -> (Vec<f32>, f64) {
        match self {
            Self::Softmax | Self::Softplus => {
                let effective = effective_channels(&weights);
                (weights, effective)
            }
            Self::Projection => {
                let channels = self.channels(weights.len());
                let shares = weights.iter().map(|&w| f64::from(w) / weights.len() as f64);
                let effective = 1.0 / shares.map(|share| share * share).sum::<f64>();
                let diagonal = weights.iter().step_by(channels + 1).map(|w| w / channels as f32);
                (diagonal.collect(), effective)
            }
        }
    }

    /// What a tap is measured with, given its weights.
    pub(super) fn of_tap(self, weights: Tensor<1>) -> TapGate {
        match self {
            Self::Softmax | Self::Softplus => TapGate::Channels(weights),
            Self::Projection => {
                let channels = self.channels(weights.dims()[0]);
                TapGate::Projection(weights.reshape([channels, channels]).div_scalar(channels as f64))
            }
        }
    }

    /// What the learning rate is multiplied with.
    pub(super) fn pace(self) -> f64 {
        match self {
            Self::Softmax | Self::Softplus => 1.0,
            Self::Projection => PROJECTION_PACE,
        }
    }
}

/// Effective number of channels: the exponential of the entropy of `weights / sum`. It is `C` for
/// uniform weights and 1 when one channel has taken everything.
pub fn effective_channels(weights: &[f32]) -> f64 {
    let sum: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    let entropy: f64 =
        weights.iter().map(|&w| f64::from(w) / sum).filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum();
    entropy.exp()
}
