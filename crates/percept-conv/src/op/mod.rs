//! The operations, one a file.
//!
//! A file has it all: the function that callers see, the trait through which [`Dispatch`](burn::backend::Dispatch) finds
//! the device, with bodies in Burn's own primitives that serve every device, the kernels' form for the CPU (`Flex`), and
//! the backward pass (`Autodiff`). The convolution and the frozen stage have so much of it that each is a folder.

mod all_reduce;
mod attention;
mod batch_norm;
mod conv;
mod curve;
mod depthwise;
mod depthwise_gate;
mod distance;
mod frozen;
mod gate;
mod join;
mod norm;
mod normed;
mod pool;
mod prelu;
mod resize;
mod shuffle;
mod similarity;
mod stage;
mod sum;
mod unit;
mod window;

use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Shape, Tensor, TensorData};
use burn_autodiff::{
    Autodiff,
    checkpoint::strategy::CheckpointStrategy,
    ops::{Backward, NodeGuard, OpsKind},
};
use burn_flex::FlexTensor;

pub use all_reduce::{AllReduce, all_mean};
pub use attention::{channel_attention, channel_attention_onto};
pub use batch_norm::batch_norm_leaky;
pub use conv::conv2d;
pub use curve::{gelu, mish, odd_gate, sigmoid, sigmoid_gate, silu};
pub use depthwise::depthwise_conv2d;
pub use depthwise_gate::depthwise_gate;
pub use distance::channel_distance;
pub use frozen::FrozenConv;
pub use gate::simple_gate;
pub use join::join;
pub use norm::layer_norm;
pub use normed::{NormedConv, gated_feed_forward, normed_depthwise_gate};
pub use pool::max_pool2d;
pub use prelu::conv2d_prelu;
pub use resize::{resize_bilinear, resize_nearest};
pub use shuffle::pixel_shuffle;
pub use similarity::contextual_similarity;
pub use stage::{FrozenLayer, FrozenStage};
pub use sum::sum;
pub use unit::{unit, unit_distance};
pub use window::window_attention;

/// `bias`, or zeros for every result of `weight`, `[out, …]`.
fn or_zeros(bias: Option<Tensor<1>>, weight: &Tensor<4>) -> Tensor<1> {
    bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[0]], &weight.device()))
}

/// `[C]` → `[1, 1, 1, C]`.
fn by_channel<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let channels = x.shape()[0];
    B::float_reshape(x, Shape::from([1, 1, 1, channels]))
}

/// `values` on the CPU.
fn tensor(values: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.to_vec()))
}

/// The result `y` of `operation` on `parents`. Where a gradient to one of them is wanted, `state` is kept for its backward
/// pass.
fn recorded<B, C, O, const N: usize>(
    operation: O,
    parents: [NodeGuard; N],
    state: O::State,
    y: FloatTensor<B>,
) -> FloatTensor<Autodiff<B, C>>
where
    B: Backend,
    C: CheckpointStrategy,
    O: Backward<B, N>,
{
    match operation.prepare::<C>(parents).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(state, y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}
