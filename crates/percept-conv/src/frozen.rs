//! A convolution whose weights never change.

use std::sync::{Arc, OnceLock};

use burn::tensor::Tensor;

use crate::kernel::{Packed, Transformed};
use crate::{Conv, Precision, ops};

/// Weights in the order of the kernels, made at first use.
#[derive(Debug, Default)]
pub(crate) struct Packs {
    pub(crate) forward: Pack,
    pub(crate) gradient: Pack,
}

impl Packs {
    fn new(precision: Precision) -> Self {
        let pack = || Pack { precision, ..Pack::default() };
        Self { forward: pack(), gradient: pack() }
    }
}

/// The weights of one direction, for every kernel that was used.
#[derive(Debug, Default)]
pub(crate) struct Pack {
    pub(crate) precision: Precision,
    pub(crate) direct: OnceLock<Packed>,
    pub(crate) winograd: OnceLock<Transformed>,
}

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
        let bias = bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[0]], &weight.device()));
        Self { weight: weight.detach().inner(), bias: bias.detach().inner(), conv, packs: Arc::default() }
    }

    /// The same with products of another precision.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { packs: Arc::new(Packs::new(precision)), ..self }
    }

    /// `[N, H, W, in]` → `[N, H', W', out]`, on any tensor of the same device, with or without autodiff.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        ops::convolve(x, self.weight.clone(), self.bias.clone(), None, self.conv, Some(self.packs.clone()))
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
