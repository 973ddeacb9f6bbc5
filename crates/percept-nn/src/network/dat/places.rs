//! Convolutions of DAT whose results are normalised.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{Conv, conv2d, depthwise_conv2d, gelu};

use crate::network::init::Init;
use crate::network::layer::ConvLayer;
use crate::network::upsampler::GAIN;
use crate::onnx::{Graph, Value};

/// Normalises channels by means and variances of training, which stay as they are.
#[derive(Module, Debug)]
pub(super) struct BatchNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    running_mean: Param<Tensor<1>>,
    running_var: Param<Tensor<1>>,
}

impl BatchNorm {
    fn new(channels: usize, init: &Init) -> Self {
        Self {
            weight: init.full([channels], 1.0),
            bias: init.full([channels], 0.0),
            running_mean: init.full([channels], 0.0).set_require_grad(false),
            running_var: init.full([channels], 1.0).set_require_grad(false),
        }
    }

    /// Weight and bias of `conv` with what follows it.
    fn folded(&self, conv: &ConvLayer) -> (Tensor<4>, Tensor<1>) {
        let (weight, bias) = conv.parts();
        let scale = self.weight.val() / self.running_var.val().add_scalar(1e-5).sqrt();
        let bias = (bias - self.running_mean.val()) * scale.clone() + self.bias.val();
        let channels = scale.dims()[0];
        (weight * scale.reshape([channels, 1, 1, 1]), bias)
    }
}

/// A convolution, or what normalises its result.
#[derive(Module, Debug)]
pub(super) enum Place {
    Conv(ConvLayer),
    Norm(BatchNorm),
}

/// Convolutions without a bias would be none: each has its place, what has no parameters has an empty one.
pub(super) fn conv(name: &str, [out, input]: [usize; 2], side: usize, at: &Init) -> Option<Place> {
    Some(Place::Conv(at.conv(name, [out, input, side, side], GAIN, Conv::same(side))))
}

pub(super) fn norm(channels: usize, at: &Init) -> Option<Place> {
    Some(Place::Norm(BatchNorm::new(channels, at)))
}

/// A convolution, normalised, through a Gaussian unit; then another convolution where there is one.
pub(super) fn through(places: &[Option<Place>], x: Tensor<4>) -> Tensor<4> {
    let found: Vec<&Place> = places.iter().flatten().collect();
    let [Place::Conv(first), Place::Norm(norm), rest @ ..] = &found[..] else { return x };
    let (weight, bias) = norm.folded(first);
    let y = match weight.dims()[1] == x.dims()[3] {
        true => conv2d(x, weight, Some(bias), None, Conv::default()),
        false => depthwise_conv2d(x, weight, Some(bias), Conv::same(3)),
    };
    match rest {
        [Place::Conv(last)] => last.forward(gelu(y)),
        _ => gelu(y),
    }
}

/// The same in a graph.
pub(super) fn draw_through(places: &[Option<Place>], graph: &mut Graph, x: &Value) -> Value {
    let found: Vec<&Place> = places.iter().flatten().collect();
    let [Place::Conv(first), Place::Norm(norm), rest @ ..] = &found[..] else { return x.clone() };
    let (weight, bias) = norm.folded(first);
    let y = match weight.dims() {
        [channels, 1, side, _] => graph.conv(x, weight, Some(bias), Conv::same(side), channels),
        _ => graph.conv(x, weight, Some(bias), Conv::default(), 1),
    };
    let y = graph.gelu(&y);
    match rest {
        [Place::Conv(last)] => last.draw(graph, &y),
        _ => y,
    }
}
