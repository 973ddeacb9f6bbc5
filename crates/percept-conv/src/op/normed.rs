//! What stands behind a normalisation of every pixel: a convolution with one element, and what follows that.
//!
//! Each is one pass over the picture where no gradient is wanted, and single operations where one is.

use burn::backend::{Dispatch, Flex, Slice, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use burn_autodiff::{Autodiff, checkpoint::strategy::CheckpointStrategy};
use burn_flex::FlexTensor;

use super::conv::ConvBackend;
use super::depthwise::by_tap;
use super::depthwise_gate::DepthwiseGateBackend;
use super::gate::GateBackend;
use super::norm::NormBackend;
use super::{or_zeros, tensor};
use crate::conv::Conv;
use crate::geometry::Geometry;
use crate::kernel::{Depthwise, Level, Norm, Normed, Packed, streamed};
use crate::precision::Precision;

/// [`layer_norm`](crate::layer_norm), and behind it a convolution with one element.
#[derive(Clone, Debug)]
pub struct NormedConv {
    /// `[C]`.
    pub norm_weight: Tensor<1>,
    /// `[C]`.
    pub norm_bias: Tensor<1>,
    /// Added to the variance.
    pub epsilon: f64,
    /// `[out, C, 1, 1]`.
    pub weight: Tensor<4>,
    /// `[out]`, or none for zeros.
    pub bias: Option<Tensor<1>>,
    /// What the products are made of, those of the convolution behind it too.
    pub precision: Precision,
}

/// What is no tensor of a normalisation and a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    epsilon: f64,
    conv: Conv,
}

impl NormedConv {
    fn numbers(&self) -> Numbers {
        Numbers { epsilon: self.epsilon, conv: Conv::default().with_precision(self.precision) }
    }

    /// The weight and the bias of the normalisation, one behind the other, and those of the convolution.
    fn parts(self, channels: usize) -> (Tensor<1>, Tensor<4>, Tensor<1>) {
        let [_, input, down, along] = self.weight.dims();
        assert!([input, down, along] == [channels, 1, 1], "weights for {input} channels, not {channels}");
        let norm = [self.norm_weight, self.norm_bias];
        assert!(norm.iter().all(|part| part.dims() == [channels]), "a normalisation of other channels");
        let bias = or_zeros(self.bias, &self.weight);
        (Tensor::cat(norm.to_vec(), 0), self.weight, bias)
    }
}

/// [`depthwise_gate`](crate::depthwise_gate) of what `wide` makes of `x` (`[N, H, W, C]`), by 3×3 elements (`weight` `[out, 1,
/// 3, 3]`, `bias` `[out]`) that keep the size: `[N, H, W, out/2]`.
///
/// # Panics
/// If the dimensions do not fit together.
pub fn normed_depthwise_gate(
    x: Tensor<4>,
    wide: NormedConv,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
) -> Tensor<4> {
    let numbers = wide.numbers();
    let (norm, wide, wide_bias) = wide.parts(x.dims()[3]);
    let channels = wide.dims()[0];
    assert!(weight.dims() == [channels, 1, 3, 3], "{channels} channels, but weights of {:?}", weight.dims());
    assert!(channels.is_multiple_of(2), "a gate of {channels} channels");
    let bias = or_zeros(bias, &weight);
    let [x, wide, weight] = [x, wide, weight].map(Tensor::into_dispatch);
    let [norm, wide_bias, bias] = [norm, wide_bias, bias].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::normed_gate(x, norm, wide, wide_bias, weight, bias, numbers))
}

/// `x + narrow(gate(wide(x)))`, where the gate is [`simple_gate`](crate::simple_gate) and `narrow` a convolution with one element
/// (`weight` `[C, out/2, 1, 1]`, `bias` `[C]`): `[N, H, W, C]`.
///
/// # Panics
/// If the dimensions do not fit together.
pub fn gated_feed_forward(
    x: Tensor<4>,
    wide: NormedConv,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
) -> Tensor<4> {
    let (channels, numbers) = (x.dims()[3], wide.numbers());
    let (norm, wide, wide_bias) = wide.parts(channels);
    let results = wide.dims()[0];
    assert!(results.is_multiple_of(2), "a gate of {results} channels");
    assert!(weight.dims() == [channels, results / 2, 1, 1], "narrow weights of {:?}", weight.dims());
    let bias = or_zeros(bias, &weight);
    let [x, wide, weight] = [x, wide, weight].map(Tensor::into_dispatch);
    let [norm, wide_bias, bias] = [norm, wide_bias, bias].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::feed_forward(x, norm, wide, wide_bias, weight, bias, numbers))
}

/// `norm` has the weight and the bias of the normalisation, one behind the other.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait NormedBackend: DepthwiseGateBackend + NormBackend {
    fn normed_gate(
        x: FloatTensor<Self>,
        norm: FloatTensor<Self>,
        wide: FloatTensor<Self>,
        wide_bias: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        numbers: Numbers,
    ) -> FloatTensor<Self> {
        let y = convolved::<Self>(x, norm, wide, wide_bias, numbers);
        Self::depthwise_gated(y, weight, bias, Conv::same(3))
    }

    fn feed_forward(
        x: FloatTensor<Self>,
        norm: FloatTensor<Self>,
        wide: FloatTensor<Self>,
        wide_bias: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        numbers: Numbers,
    ) -> FloatTensor<Self> {
        let y = Self::gate(convolved::<Self>(x.clone(), norm, wide, wide_bias, numbers));
        Self::convolve_residual(y, weight, bias, x, numbers.conv)
    }
}

#[cfg(feature = "_device")]
impl NormedBackend for burn::backend::Cube {}

/// Normalised and convolved.
fn convolved<B: NormBackend + ConvBackend>(
    x: FloatTensor<B>,
    norm: FloatTensor<B>,
    wide: FloatTensor<B>,
    wide_bias: FloatTensor<B>,
    Numbers { epsilon, conv }: Numbers,
) -> FloatTensor<B> {
    let channels = x.shape()[3];
    let [norm_weight, norm_bias] =
        [0, channels].map(|from| B::float_slice(norm.clone(), &[Slice::from(from..from + channels)]));
    B::convolve(B::normalise(x, norm_weight, norm_bias, epsilon), wide, wide_bias, conv, None)
}

/// What the kernels read; the weights of the convolution in their order.
struct Read {
    x: FlexTensor,
    norm: FlexTensor,
    wide: Packed,
    wide_bias: FlexTensor,
    epsilon: f64,
}

impl Read {
    fn new([x, norm, wide, wide_bias]: [FlexTensor; 4], Numbers { epsilon, conv }: Numbers) -> Self {
        let [x, norm, wide_bias] = [x, norm, wide_bias].map(|t| t.to_contiguous());
        Self { x, norm, wide: packed(&wide, conv), wide_bias, epsilon }
    }

    fn normed(&self) -> Normed<'_> {
        let (weight, norm_bias) = self.norm.storage().split_at(self.wide.channels);
        let norm = Norm { x: self.x.storage(), weight, epsilon: self.epsilon as f32 };
        Normed { norm, norm_bias, weights: &self.wide, bias: self.wide_bias.storage() }
    }
}

/// `[out, in, 1, 1]` in the order of the kernels.
fn packed(weight: &FlexTensor, conv: Conv) -> Packed {
    let [out, input, ..]: [usize; 4] = weight.shape().dims();
    let precision = Geometry::new([1, 1, 1, input], [out, input, 1, 1], &conv).products(conv.precision);
    Packed::forward(Level::current(), precision, weight.to_contiguous().storage(), [out, input, 1])
}

impl NormedBackend for Flex {
    fn normed_gate(
        x: FloatTensor<Self>,
        norm: FloatTensor<Self>,
        wide: FloatTensor<Self>,
        wide_bias: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        numbers: Numbers,
    ) -> FloatTensor<Self> {
        let [n, h, w, _] = x.shape().dims();
        let [out, input, ..]: [usize; 4] = wide.shape().dims();
        if streamed(input, out) {
            let y = convolved::<Self>(x, norm, wide, wide_bias, numbers);
            return Self::depthwise_gated(y, weight, bias, Conv::same(3));
        }
        let read = Read::new([x, norm, wide, wide_bias], numbers);
        let geometry = Geometry::new([n, h, w, out], weight.shape().dims(), &Conv::same(3));
        let (normed, bias) = (read.normed(), bias.to_contiguous());
        let make = |line: usize, values: &mut Vec<f32>| normed.line_to(line, w, values);
        let depthwise = Depthwise::of_source(&[], &geometry);
        let values = depthwise.gated_of_lines(Level::current(), &by_tap(&weight), bias.storage(), make);
        tensor(values, &[n, h, w, out / 2])
    }

    fn feed_forward(
        x: FloatTensor<Self>,
        norm: FloatTensor<Self>,
        wide: FloatTensor<Self>,
        wide_bias: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        numbers: Numbers,
    ) -> FloatTensor<Self> {
        let shape = x.shape();
        let [out, input, ..]: [usize; 4] = wide.shape().dims();
        if streamed(input, out) {
            let y = Self::gate(convolved::<Self>(x.clone(), norm, wide, wide_bias, numbers));
            return Self::convolve_residual(y, weight, bias, x, numbers.conv);
        }
        let read = Read::new([x, norm, wide, wide_bias], numbers);
        let bias = bias.to_contiguous();
        tensor(read.normed().fed_forward(&packed(&weight, numbers.conv), bias.storage()), &shape)
    }
}

impl<B: NormedBackend, C: CheckpointStrategy> NormedBackend for Autodiff<B, C> {
    fn normed_gate(
        x: FloatTensor<Self>,
        norm: FloatTensor<Self>,
        wide: FloatTensor<Self>,
        wide_bias: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        numbers: Numbers,
    ) -> FloatTensor<Self> {
        if [&x, &norm, &wide, &wide_bias, &weight, &bias].into_iter().any(|parent| parent.is_tracked()) {
            let y = convolved::<Self>(x, norm, wide, wide_bias, numbers);
            return Self::depthwise_gated(y, weight, bias, Conv::same(3));
        }
        let [x, norm, wide, wide_bias, weight, bias] =
            [x, norm, wide, wide_bias, weight, bias].map(|t| t.into_primitive());
        FloatTensor::<Self>::new(B::normed_gate(x, norm, wide, wide_bias, weight, bias, numbers))
    }

    fn feed_forward(
        x: FloatTensor<Self>,
        norm: FloatTensor<Self>,
        wide: FloatTensor<Self>,
        wide_bias: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        numbers: Numbers,
    ) -> FloatTensor<Self> {
        if [&x, &norm, &wide, &wide_bias, &weight, &bias].into_iter().any(|parent| parent.is_tracked()) {
            let y = Self::gate(convolved::<Self>(x.clone(), norm, wide, wide_bias, numbers));
            return Self::convolve_residual(y, weight, bias, x, numbers.conv);
        }
        let [x, norm, wide, wide_bias, weight, bias] =
            [x, norm, wide, wide_bias, weight, bias].map(|t| t.into_primitive());
        FloatTensor::<Self>::new(B::feed_forward(x, norm, wide, wide_bias, weight, bias, numbers))
    }
}
