//! A convolution whose weights never change.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::conv::convolve;
use super::or_zeros;
use crate::conv::Conv;
use crate::packs::Packs;
use crate::precision::Precision;

/// A convolution with frozen weights: they are brought into the order of the kernels once, and no
/// gradient to them is ever computed. Gradients to the input flow as through [`conv2d`](crate::conv2d).
#[derive(Clone, Debug)]
pub struct FrozenConv {
    weight: Tensor<4>,
    bias: Tensor<1>,
    conv: Conv,
    packs: Arc<Packs>,
}

impl FrozenConv {
    /// From `weight` (`[out, in, kh, kw]`) and `bias` (`[out]`, or none for zeros). Both are detached.
    pub fn new(weight: Tensor<4>, bias: Option<Tensor<1>>, conv: Conv) -> Self {
        let bias = or_zeros(bias, &weight);
        Self { weight: weight.detach().inner(), bias: bias.detach().inner(), conv, packs: Arc::default() }
    }

    /// The same with products of another precision.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { conv: self.conv.with_precision(precision), packs: Arc::default(), ..self }
    }

    /// `[N, H, W, in]` → `[N, H', W', out]`, on any tensor of the same device, with or without autodiff.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        convolve(x, self.weight.clone(), self.bias.clone(), None, self.conv, Some(self.packs.clone()))
    }

    /// Weights, bias and what is kept of them.
    pub(crate) fn into_parts(self) -> (Tensor<4>, Tensor<1>, Arc<Packs>) {
        (self.weight, self.bias, self.packs)
    }

    /// The dimensions of the weights, `[out, in, kh, kw]`.
    pub fn dims(&self) -> [usize; 4] {
        self.weight.dims()
    }

    /// How the kernel moves, and what follows it.
    pub fn conv(&self) -> Conv {
        self.conv
    }
}
