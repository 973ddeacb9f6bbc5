//! What a tap is measured with once its selection is known.

use burn::tensor::Tensor;
use percept_conv::{Conv, conv2d, unit};

/// Added to the squared length of a feature vector: the gradient stays finite at zero.
const EPSILON: f64 = 1e-12;

/// The selection of one tap, a constant of the loss.
#[derive(Clone, Debug)]
pub enum TapGate {
    /// A weight for each channel, `[C]`, mean 1.
    Channels(Tensor<1>),
    /// A symmetric matrix `M`, `[C, C]`, whose diagonal has the mean 1.
    Projection(Tensor<2>),
}

impl TapGate {
    /// Terms by image, `[N, C]`, whose mean over `C` is the selected distance of feature maps `a`, with its gradient, and
    /// `b`, `[N, H, W, C]`: `w_c δ_c`, or `mean_hw d_c (Md)_c` of the difference `d`. `distances` is `δ(a, b)`.
    pub fn distance(&self, a: &Tensor<4>, b: &Tensor<4>, distances: &Tensor<2>) -> Tensor<2> {
        match self {
            Self::Channels(weights) => distances.clone() * weights.clone().unsqueeze::<2>(),
            Self::Projection(matrix) => {
                let ([n, ..], [c, _]) = (a.dims(), matrix.dims());
                let difference = a.clone() - b.clone();
                let kernel = matrix.clone().reshape([c, c, 1, 1]);
                let mixed = conv2d(difference.clone().detach(), kernel, None, None, Conv::default());
                // M is symmetric, so the gradient of dᵀMd is 2Md, which is there already.
                let half = (difference * mixed).mean_dim(1).mean_dim(2).reshape([n, c]);
                half.clone().mul_scalar(2.0) - half.detach()
            }
        }
    }

    /// Cosines between centred features of all positions, `[N, P, C]` each, in the selected space: `[N, P, P]`.
    /// `None` takes them as they are. Gradient flows to `a`.
    pub(super) fn cosines(gate: Option<&Self>, a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
        let (a, b) = match gate {
            None => (unit(a, EPSILON), unit(b, EPSILON)),
            Some(Self::Channels(weights)) => {
                let root = weights.clone().sqrt().unsqueeze::<3>();
                (unit(a * root.clone(), EPSILON), unit(b * root, EPSILON))
            }
            Some(Self::Projection(matrix)) => {
                let mixed = |x: &Tensor<3>| x.clone().matmul(matrix.clone().unsqueeze::<3>());
                let length = |x: &Tensor<3>, mixed: Tensor<3>| {
                    (x.clone() * mixed).sum_dim(2).clamp_min(0.0).add_scalar(EPSILON).sqrt()
                };
                let mixed_b = mixed(&b);
                let (length_a, length_b) = (length(&a, mixed(&a)), length(&b, mixed_b.clone()));
                (a / length_a, mixed_b / length_b)
            }
        };
        a.matmul(b.swap_dims(1, 2))
    }

    /// The same constant on the device of `features`.
    pub(super) fn beside(self, features: &Tensor<4>) -> Self {
        match self {
            gate if !features.device().is_autodiff() => gate,
            Self::Channels(weights) => Self::Channels(Tensor::from_inner(weights)),
            Self::Projection(matrix) => Self::Projection(Tensor::from_inner(matrix)),
        }
    }
}
