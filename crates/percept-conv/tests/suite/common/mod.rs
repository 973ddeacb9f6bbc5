//! What all tests of the operations compare with.

use burn::tensor::{Tensor, activation, module::conv2d, ops::ConvOptions};
use percept_conv::{Activation, Conv};

/// A convolution by Burn's own operations.
pub fn reference(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<4>>,
    conv: Conv,
) -> Tensor<4> {
    let options = ConvOptions::new([conv.stride; 2], [conv.padding; 2], [conv.dilation; 2], 1);
    let y = conv2d(x.permute([0, 3, 1, 2]), weight, bias, options).permute([0, 2, 3, 1]);
    let y = match residual {
        Some(residual) => y + residual,
        None => y,
    };
    match conv.activation {
        Activation::None => y,
        Activation::Relu => activation::relu(y),
        Activation::LeakyRelu(slope) => activation::leaky_relu(y, f64::from(slope)),
    }
}
