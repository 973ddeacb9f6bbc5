//! Convolutions that cannot stretch anything.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{Conv, conv2d};

use crate::network::Init;

/// Power iterations of new weights.
const FIRST_ITERATIONS: usize = 15;

/// A convolution without a bias, divided by its spectral norm (Miyato et al., *Spectral Normalization for Generative
/// Adversarial Networks*, ICLR 2018), in the layout of PyTorch's `spectral_norm`.
///
/// With the weights as a matrix `W`, `[out, in · k · k]`, the largest singular value is `σ = uᵀWv`, where a power iteration
/// makes `v = Wᵀu / |Wᵀu|` and `u = Wv / |Wv|`. To gradients, `u` and `v` are constants, `W` in `σ` is not.
#[derive(Module, Debug)]
pub(super) struct SpectralConv {
    weight_orig: Param<Tensor<4>>,
    /// `u`, `[out]`.
    weight_u: Param<Tensor<1>>,
    /// `v`, `[in · k · k]`.
    weight_v: Param<Tensor<1>>,
    #[module(skip)]
    conv: Conv,
}

impl SpectralConv {
    pub fn new(init: &Init, shape: [usize; 4], conv: Conv) -> Self {
        let inputs: usize = shape[1..].iter().product();
        let vector = |name, len| init.normal(name, [len], 1.0).set_require_grad(false);
        let layer = Self {
            weight_orig: init.normal("weight_orig", shape, (2.0 / inputs as f64).sqrt()),
            weight_u: vector("weight_u", shape[0]),
            weight_v: vector("weight_v", inputs),
            conv: init.multiplying(conv),
        };
        (0..FIRST_ITERATIONS).fold(layer, |layer, _| layer.renewed())
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, matrix) = (self.weight_orig.val(), self.matrix());
        let [out, inputs] = matrix.dims();
        let image = matrix.matmul(self.weight_v.val().reshape([inputs, 1])).reshape([out]);
        let norm = (image * self.weight_u.val()).sum();
        conv2d(x, weight / norm.reshape([1, 1, 1, 1]), None, None, self.conv)
    }

    /// After one power iteration.
    pub fn renewed(self) -> Self {
        let matrix = self.matrix().detach();
        let [out, inputs] = matrix.dims();
        let u = self.weight_u.val().reshape([1, out]);
        let v = direction(u.matmul(matrix.clone()).reshape([inputs]));
        let u = direction(matrix.matmul(v.clone().reshape([inputs, 1])).reshape([out]));
        Self { weight_u: self.weight_u.map(|_| u), weight_v: self.weight_v.map(|_| v), ..self }
    }

    /// The weights as a matrix, `[out, in · k · k]`.
    fn matrix(&self) -> Tensor<2> {
        let weight = self.weight_orig.val();
        let [out, input, height, width] = weight.dims();
        weight.reshape([out, input * height * width])
    }
}

/// A vector of length 1.
fn direction(x: Tensor<1>) -> Tensor<1> {
    let length = x.clone().square().sum().sqrt().clamp_min(1e-12);
    x / length
}
