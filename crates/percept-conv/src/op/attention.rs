//! Channel attention: every channel times a number that is computed from the means of all.

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Shape, Tensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops},
};
use burn_flex::FlexTensor;

use super::conv::ConvBackend;
use super::{or_zeros, recorded, tensor};
use crate::conv::Conv;
use crate::kernel::{self, Level};
use crate::precision::Precision;

/// `x · conv(mean of x)`: the mean over all positions by image and channel, a convolution with one element
/// (`weight` `[C, C, 1, 1]`, `bias` `[C]`) of it, and its product with every pixel of `x` (`[N, H, W, C]`).
///
/// # Panics
/// If the dimensions do not fit together.
pub fn channel_attention(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    let (channels, dims) = (x.dims()[3], weight.dims());
    assert!(dims == [channels, channels, 1, 1], "{channels} channels, but weights of {dims:?}");
    let bias = or_zeros(bias, &weight);
    assert!(bias.dims() == [channels], "a bias of {:?} for {channels} channels", bias.dims());
    let [x, weight] = [x, weight].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::attend(x, weight, bias.into_dispatch()))
}

/// A convolution with one element (`weight` `[out, C, 1, 1]`, `bias` `[out]`) of [`channel_attention`], and `residual` added. Of
/// one image, where no gradient is wanted, the attention is in the weights. Products of `x` are in that precision.
///
/// # Panics
/// If the dimensions do not fit together.
pub fn channel_attention_onto(
    x: Tensor<4>,
    attention: (Tensor<4>, Option<Tensor<1>>),
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    residual: Tensor<4>,
    precision: Precision,
) -> Tensor<4> {
    let channels = x.dims()[3];
    let (attend, attend_bias) = attention;
    assert!(attend.dims() == [channels, channels, 1, 1], "attention for {:?}", attend.dims());
    assert!(
        weight.dims()[1..] == [channels, 1, 1],
        "{channels} channels, but weights of {:?}",
        weight.dims()
    );
    let (attend_bias, bias) = (or_zeros(attend_bias, &attend), or_zeros(bias, &weight));
    let [x, attend, weight, residual] = [x, attend, weight, residual].map(Tensor::into_dispatch);
    let [attend_bias, bias] = [attend_bias, bias].map(Tensor::into_dispatch);
    let conv = Conv::default().with_precision(precision);
    Tensor::from_dispatch(Dispatch::attend_onto(x, attend, attend_bias, weight, bias, residual, conv))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait AttentionBackend: ConvBackend {
    fn attend(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        Kept::<Self>::new(x, weight, bias).attended()
    }

    fn attend_onto(
        x: FloatTensor<Self>,
        attend: FloatTensor<Self>,
        attend_bias: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        if x.shape()[0] == 1 {
            let factor = Kept::<Self>::new(x.clone(), attend, attend_bias).factor;
            let channels = weight.shape()[1];
            let factor = Self::float_reshape(factor, Shape::from([1, channels, 1, 1]));
            return Self::convolve_residual(x, Self::float_mul(weight, factor), bias, residual, conv);
        }
        Self::convolve_residual(Self::attend(x, attend, attend_bias), weight, bias, residual, conv)
    }

    /// The sum over all positions, `[N, 1, 1, C]`.
    fn image_sums(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_sum_dims(x, &[1, 2])
    }

    /// The sum over all positions of the products of two, `[N, 1, 1, C]`.
    fn image_products(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_sum_dims(Self::float_mul(a, b), &[1, 2])
    }

    /// `x · factor + shift`, both `[N, 1, 1, C]`.
    fn image_scaled(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::float_add(Self::float_mul(x, factor), shift)
    }
}

#[cfg(feature = "_device")]
impl AttentionBackend for burn::backend::Cube {}

impl AttentionBackend for Flex {
    fn image_sums(x: FloatTensor<Self>) -> FloatTensor<Self> {
        sums(&x.to_contiguous(), None)
    }

    fn image_products(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        sums(&a.to_contiguous(), Some(&b.to_contiguous()))
    }

    fn image_scaled(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [n, h, w, c] = x.shape().dims();
        let [x, factor, shift] = [x, factor, shift].map(|t: FlexTensor| t.to_contiguous());
        let (factor, shift) = (factor.storage(), shift.storage());
        let values = kernel::scaled(Level::current(), x.storage(), [h, w * c, c], factor, shift);
        tensor(values, &[n, h, w, c])
    }
}

/// By image and channel, the sums of what stands in `a`, times `b` where there is one.
fn sums(a: &FlexTensor, b: Option<&FlexTensor>) -> FlexTensor {
    let [n, h, w, c] = a.shape().dims();
    let (a, b) = (a.storage::<f32>(), b.map(FlexTensor::storage::<f32>));
    let image = h * w * c;
    let sums = (0..n).flat_map(|i| {
        let of = i * image..(i + 1) * image;
        kernel::channel_sums(Level::current(), &a[of.clone()], b.map(|b| &b[of]), c)
    });
    tensor(sums.collect(), &[n, 1, 1, c])
}

/// What attention is made of, and what its backward pass needs.
#[derive(Clone, Debug)]
struct Kept<B: Backend> {
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    mean: FloatTensor<B>,
    factor: FloatTensor<B>,
}

impl<B: AttentionBackend> Kept<B> {
    fn new(x: FloatTensor<B>, weight: FloatTensor<B>, bias: FloatTensor<B>) -> Self {
        let mean = by_position::<B>(B::image_sums(x.clone()), &x);
        let factor = B::convolve(mean.clone(), weight.clone(), bias, Conv::default(), None);
        Self { x, weight, mean, factor }
    }

    fn attended(&self) -> FloatTensor<B> {
        let shift = B::float_zeros(self.factor.shape(), &self.factor.device(), self.factor.dtype().into());
        B::image_scaled(self.x.clone(), self.factor.clone(), shift)
    }
}

/// `sums` divided by the number of positions of `x`.
fn by_position<B: Backend>(sums: FloatTensor<B>, x: &FloatTensor<B>) -> FloatTensor<B> {
    let [_, h, w, _]: [usize; 4] = x.shape().dims();
    B::float_div_scalar(sums, ((h * w) as f64).into())
}

impl<B: AttentionBackend, C: CheckpointStrategy> AttentionBackend for Autodiff<B, C> {
    fn attend(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let [x, weight, bias] = [x, weight, bias].map(|t| t.into_primitive());
        let kept = Kept::<B>::new(x, weight, bias);
        let y = kept.attended();
        recorded::<B, C, _, _>(Attend, nodes, kept, y)
    }

    fn attend_onto(
        x: FloatTensor<Self>,
        attend: FloatTensor<Self>,
        attend_bias: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let parents = [&x, &attend, &attend_bias, &weight, &bias, &residual];
        if parents.into_iter().any(|parent| parent.is_tracked()) {
            let y = Self::attend(x, attend, attend_bias);
            return Self::convolve_residual(y, weight, bias, residual, conv);
        }
        let [x, attend, attend_bias, weight, bias, residual] =
            [x, attend, attend_bias, weight, bias, residual].map(|t| t.into_primitive());
        FloatTensor::<Self>::new(B::attend_onto(x, attend, attend_bias, weight, bias, residual, conv))
    }
}

/// Parents: input, weight and bias.
#[derive(Debug)]
struct Attend;

impl<B: AttentionBackend> Backward<B, 3> for Attend {
    type State = Kept<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let Kept { x, weight, mean, factor } = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let [to_x, to_weight, to_bias] = ops.parents;
        let to_factor = B::image_products(gradient.clone(), x.clone());
        let conv = Conv::default();
        if let Some(node) = to_x {
            let size = mean.shape().dims();
            let to_mean = B::input_gradient(weight.clone(), to_factor.clone(), size, conv, None);
            let to_mean = by_position::<B>(to_mean, &x);
            grads.register::<B>(node.id, B::image_scaled(gradient, factor, to_mean));
        }
        if let Some(node) = to_weight {
            grads.register::<B>(node.id, B::weight_gradient(mean, weight, to_factor.clone(), conv));
        }
        if let Some(node) = to_bias {
            grads.register::<B>(node.id, B::bias_gradient(to_factor));
        }
    }
}
