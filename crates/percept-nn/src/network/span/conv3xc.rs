//! SPAN's 3×3 convolution, with branches or folded.

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Conv, conv2d};

use super::super::init::Init;
use super::super::layer::ConvLayer;
use crate::onnx::{Graph, Value};
use crate::weights::Array;

/// How many times wider a re-parameterised convolution is inside.
const GAIN: usize = 2;

/// A 3×3 convolution: as it is trained, or as it is applied.
#[derive(Module, Debug)]
pub(super) enum Conv3xc {
    Branches(Branches),
    Folded(Folded),
}

/// Wide 1×1, 3×3 and 1×1 convolutions one after the other, and a 1×1 convolution beside them. All are linear, and the
/// input is padded before the first: together they are one 3×3 convolution, which is what is computed.
#[derive(Module, Debug)]
pub(super) struct Branches {
    sk: ConvLayer,
    conv: Vec<ConvLayer>,
    /// How the one that they amount to moves.
    #[module(skip)]
    whole: Conv,
}

/// The one that they amount to.
#[derive(Module, Debug)]
pub(super) struct Folded {
    eval_conv: ConvLayer,
}

impl Conv3xc {
    pub(super) fn new(reparameterized: bool, [out, input]: [usize; 2], gain: f64, at: &Init) -> Self {
        if !reparameterized {
            let eval_conv = at.conv("eval_conv", [out, input, 3, 3], gain, Conv::same(3));
            return Self::Folded(Folded { eval_conv });
        }
        let inside = at.at("conv");
        let (wide_in, wide_out) = (GAIN * input, GAIN * out);
        // Each branch has half of the power. Nothing is cut off between the convolutions, so that the deviation which
        // keeps it is 1/√2 of Kaiming's.
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let conv = |name: &str, shape: [usize; 4], gain: f64| inside.conv(name, shape, gain, Conv::default());
        Self::Branches(Branches {
            sk: at.conv("sk", [out, input, 1, 1], half * gain, Conv::default()),
            conv: vec![
                conv("0", [wide_in, input, 1, 1], half),
                conv("1", [wide_out, wide_in, 3, 3], half),
                conv("2", [out, wide_out, 1, 1], half * gain),
            ],
            whole: at.multiplying(Conv::same(3)),
        })
    }

    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Branches(branches) => branches.forward(x),
            Self::Folded(folded) => folded.eval_conv.forward(x),
        }
    }

    pub(super) fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        match self {
            Self::Branches(branches) => {
                let (weight, bias) = branches.folded();
                graph.conv(x, weight, Some(bias), branches.whole, 1)
            }
            Self::Folded(folded) => folded.eval_conv.draw(graph, x),
        }
    }
}

impl Folded {
    /// Branches that amount to it, of which only one does anything.
    pub(super) fn branches(&self) -> Vec<(&'static str, Array, Array)> {
        let (weight, bias) = self.eval_conv.parts();
        let [out, input, ..] = weight.dims();
        let (wide_in, wide_out) = (GAIN * input, GAIN * out);
        let device = weight.device();
        let zeros = |shape: [usize; 4]| Tensor::<4>::zeros(shape, &device);
        let none = |channels: usize| Tensor::<1>::zeros([channels], &device);
        // Channels as they are.
        let same = |channels: usize| Tensor::<2>::eye(channels, &device).reshape([channels, channels, 1, 1]);
        let first = Tensor::cat(vec![same(input), zeros([wide_in - input, input, 1, 1])], 0);
        let read = Tensor::cat(vec![weight, zeros([out, wide_in - input, 3, 3])], 1);
        let middle = Tensor::cat(vec![read, zeros([wide_out - out, wide_in, 3, 3])], 0);
        let last = Tensor::cat(vec![same(out), zeros([out, wide_out - out, 1, 1])], 1);
        vec![
            ("sk", Array::of(zeros([out, input, 1, 1])), Array::of(none(out))),
            ("conv.0", Array::of(first), Array::of(none(wide_in))),
            ("conv.1", Array::of(middle), Array::of(none(wide_out))),
            ("conv.2", Array::of(last), Array::of(bias)),
        ]
    }
}

impl Branches {
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = self.folded();
        conv2d(x, weight, Some(bias), None, self.whole)
    }

    /// Weight `[out, in, 3, 3]` and bias of the one convolution.
    pub(super) fn folded(&self) -> (Tensor<4>, Tensor<1>) {
        let (weight, bias) = centred(&self.sk);
        match &self.conv[..] {
            [first, middle, last] => {
                let (inside, beside) = one_after_the_other(first, middle, last);
                (weight + inside, bias + beside)
            }
            _ => (weight, bias),
        }
    }
}

/// Weight `[out, in, 3, 3]` and bias of a 1×1 convolution that reads the middle.
fn centred(conv: &ConvLayer) -> (Tensor<4>, Tensor<1>) {
    let (weight, bias) = conv.parts();
    let [out, input, ..] = weight.dims();
    let side = Tensor::zeros([out, input, 4], &weight.device());
    let row = Tensor::cat(vec![side.clone(), weight.reshape([out, input, 1]), side], 2);
    (row.reshape([out, input, 3, 3]), bias)
}

/// Weight `[out, in, 3, 3]` and bias of a 1×1, a 3×3 and a 1×1 convolution.
fn one_after_the_other(first: &ConvLayer, middle: &ConvLayer, last: &ConvLayer) -> (Tensor<4>, Tensor<1>) {
    let [(first, first_bias), (middle, middle_bias), (last, last_bias)] =
        [first, middle, last].map(ConvLayer::parts);
    let [wide_in, input, ..] = first.dims();
    let wide_out = middle.dims()[0];
    let out = last.dims()[0];
    // A product of matrices for every position of the kernel: `[out, 3, 3, in]`.
    let middle = middle.permute([0, 2, 3, 1]).reshape([wide_out, 9 * wide_in]);
    let last = last.reshape([out, wide_out]);
    let joined = last.clone().matmul(middle).reshape([9 * out, wide_in]);
    let weight = joined.clone().matmul(first.reshape([wide_in, input]));
    let weight = weight.reshape([out, 3, 3, input]).permute([0, 3, 1, 2]);
    // What is constant goes the same way.
    let from_first = joined.matmul(first_bias.reshape([wide_in, 1])).reshape([out, 9]).sum_dim(1);
    let from_middle = last.matmul(middle_bias.reshape([wide_out, 1]));
    (weight, (from_first + from_middle).reshape([out]) + last_bias)
}
