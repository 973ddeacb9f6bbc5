//! Frozen layers as one operation.

mod flex;

use std::sync::Arc;

use burn::backend::{
    Backend, Dispatch, TensorMetadata, backend_extension,
    tensor::{FloatTensor, IntTensor},
};
use burn::tensor::{Device, Shape, Slice, Tensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};

use super::conv::ConvBackend;
use super::frozen::FrozenConv;
use super::pool::{PoolBackend, Window};
use crate::conv::{Activation, Conv};
use crate::geometry::Geometry;
use crate::packs::Packs;

/// A layer without trained weights.
#[derive(Clone, Debug)]
pub enum FrozenLayer {
    /// A convolution, with the activation that belongs to it.
    Conv(Box<FrozenConv>),
    /// `max(v, 0)`.
    Relu,
    /// As [`max_pool2d`](crate::max_pool2d).
    MaxPool {
        /// Side of the window, at most 16.
        kernel: usize,
        /// Step between windows.
        stride: usize,
    },
}

/// Frozen layers, one after the other, as one differentiable operation.
///
/// For the gradient to its input it keeps a bit for every number behind an activation and a byte for every one behind a
/// pooling, instead of the numbers; for an untracked input nothing.
#[derive(Clone, Debug)]
pub struct FrozenStage {
    /// Weights and biases of all convolutions, one after the other: an operation has a fixed number of tensors.
    weights: Tensor<1>,
    layers: Arc<[Layer]>,
}

/// A layer without its weights.
#[derive(Debug)]
pub(crate) enum Layer {
    Conv {
        conv: Conv,
        kernel: [usize; 4],
        /// Where its weights begin; the bias follows them.
        start: usize,
        packs: Arc<Packs>,
    },
    Relu,
    MaxPool(Window),
}

impl Layer {
    /// The dimensions of what becomes of `source`.
    pub(crate) fn size(&self, source: [usize; 4]) -> [usize; 4] {
        match self {
            Self::Conv { conv, kernel, .. } => {
                let geometry = Geometry::new(source, *kernel, conv);
                let [height, width] = geometry.result();
                [source[0], height, width, kernel[0]]
            }
            Self::Relu => source,
            Self::MaxPool(window) => window.size(source),
        }
    }
}

impl FrozenStage {
    /// The layers, first to last, whose weights are on `device`.
    ///
    /// # Panics
    /// If an activation is a leaky ReLU whose slope is not positive: the sign of its result tells nothing.
    pub fn new(layers: Vec<FrozenLayer>, device: &Device) -> Self {
        let (mut weights, mut start) = (Vec::new(), 0);
        let layer = |layer| match layer {
            FrozenLayer::Conv(layer) => {
                let (conv, kernel) = (layer.conv(), layer.dims());
                let shows = conv.activation.shows_in_result();
                assert!(shows, "a leaky ReLU with the slope {:?}", conv.activation.slope());
                let (weight, bias, packs) = layer.into_parts();
                let layer = Layer::Conv { conv, kernel, start, packs };
                let count: usize = kernel.iter().product();
                start += count + kernel[0];
                weights.extend([weight.reshape([count]), bias]);
                layer
            }
            FrozenLayer::Relu => Layer::Relu,
            FrozenLayer::MaxPool { kernel, stride } => Layer::MaxPool(Window { kernel, stride }),
        };
        let layers = layers.into_iter().map(layer).collect();
        let weights = match weights.is_empty() {
            true => Tensor::zeros([1], device),
            false => Tensor::cat(weights, 0),
        };
        Self { weights, layers }
    }

    /// `[N, H, W, in]` → `[N, H', W', out]`, on any tensor of the same device, with or without autodiff.
    ///
    /// # Panics
    /// If the channels do not fit the weights.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut size = x.dims();
        for layer in self.layers.iter() {
            if let Layer::Conv { kernel, .. } = layer {
                assert!(size[3] == kernel[1], "{} channels, but weights for {}", size[3], kernel[1]);
            }
            size = layer.size(size);
        }
        let weights = self.weights.clone().into_dispatch();
        Tensor::from_dispatch(Dispatch::stage(x.into_dispatch(), weights, self.layers.clone()))
    }

    /// Side of the result for an input of `side`, or `None` where a window does not fit.
    pub fn side(&self, side: usize) -> Option<usize> {
        self.layers.iter().try_fold(side, |side, layer| {
            let (kernel, stride, padding) = match layer {
                Layer::Conv { conv, kernel, .. } => {
                    (conv.dilation * (kernel[2] - 1) + 1, conv.stride, conv.padding)
                }
                Layer::Relu => return Some(side),
                Layer::MaxPool(window) => (window.kernel, window.stride, 0),
            };
            Some((side + 2 * padding).checked_sub(kernel)? / stride + 1)
        })
    }
}

/// Frozen layers in Burn's primitives, or in the operations of a device that has faster ones.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait StageBackend: ConvBackend + PoolBackend {
    /// All of `layers`; `weights` are those of all convolutions.
    fn stage(x: FloatTensor<Self>, weights: FloatTensor<Self>, layers: Arc<[Layer]>) -> FloatTensor<Self> {
        composed::<Self>(x, weights, &layers, None)
    }
}

/// What a device can differentiate.
pub(crate) trait StageGradient: StageBackend {
    /// What the gradient needs.
    type Kept: Clone + std::fmt::Debug + Send + 'static;

    /// [`StageBackend::stage`], and what its gradient needs.
    fn stage_kept(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        layers: &[Layer],
    ) -> (FloatTensor<Self>, Self::Kept);

    /// The gradient to the input, which had the dimensions `source`.
    fn stage_gradient(
        kept: Self::Kept,
        gradient: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        layers: &[Layer],
        source: [usize; 4],
    ) -> FloatTensor<Self>;
}

/// What the gradient of one layer needs, in primitives.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "_device"), expect(dead_code, reason = "for devices"))]
pub(crate) enum Trace<B: Backend> {
    /// Nothing but the dimensions of what was read.
    Nothing([usize; 4]),
    /// The result of an activation.
    Result([usize; 4], FloatTensor<B>),
    /// Where the largest values were.
    Taken([usize; 4], IntTensor<B>),
}

/// Weights and bias of one convolution.
fn parts<B: Backend>(
    weights: &FloatTensor<B>,
    kernel: [usize; 4],
    start: usize,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let end = start + kernel.iter().product::<usize>();
    let weight = B::float_slice(weights.clone(), &[Slice::from(start..end)]);
    let bias = B::float_slice(weights.clone(), &[Slice::from(end..end + kernel[0])]);
    (B::float_reshape(weight, Shape::from(kernel)), bias)
}

/// The layers one by one.
fn composed<B: ConvBackend + PoolBackend>(
    x: FloatTensor<B>,
    weights: FloatTensor<B>,
    layers: &[Layer],
    mut kept: Option<&mut Vec<Trace<B>>>,
) -> FloatTensor<B> {
    layers.iter().fold(x, |x, layer| {
        let source = x.shape().dims();
        let (y, keep) = match layer {
            Layer::Conv { conv, kernel, start, packs } => {
                let (weight, bias) = parts::<B>(&weights, *kernel, *start);
                let y = B::convolve(x, weight, bias, *conv, Some(packs.clone()));
                let keep = match conv.activation {
                    Activation::None => Trace::Nothing(source),
                    _ => Trace::Result(source, y.clone()),
                };
                (y, keep)
            }
            Layer::Relu => {
                let y = B::relu(x);
                (y.clone(), Trace::Result(source, y))
            }
            Layer::MaxPool(window) if kept.is_some() => {
                let (y, taken) = B::pool_indexed(x, *window);
                (y, Trace::Taken(source, taken))
            }
            Layer::MaxPool(window) => (B::pool(x, *window), Trace::Nothing(source)),
        };
        if let Some(kept) = &mut kept {
            kept.push(keep);
        }
        y
    })
}

#[cfg(feature = "_device")]
mod cube {
    use burn::backend::Cube;

    use super::*;

    impl StageBackend for Cube {}

    impl StageGradient for Cube {
        type Kept = Vec<Trace<Self>>;

        fn stage_kept(
            x: FloatTensor<Self>,
            weights: FloatTensor<Self>,
            layers: &[Layer],
        ) -> (FloatTensor<Self>, Self::Kept) {
            let mut kept = Vec::new();
            (composed::<Self>(x, weights, layers, Some(&mut kept)), kept)
        }

        fn stage_gradient(
            kept: Self::Kept,
            gradient: FloatTensor<Self>,
            weights: FloatTensor<Self>,
            layers: &[Layer],
            _: [usize; 4],
        ) -> FloatTensor<Self> {
            layers.iter().zip(kept).rev().fold(gradient, |gradient, (layer, kept)| match (layer, kept) {
                (Layer::Conv { conv, kernel, start, packs }, Trace::Nothing(source)) => {
                    let (weight, _) = parts::<Self>(&weights, *kernel, *start);
                    Self::input_gradient(weight, gradient, source, *conv, Some(packs.clone()))
                }
                (Layer::Conv { conv, kernel, start, packs }, Trace::Result(source, y)) => {
                    let (weight, _) = parts::<Self>(&weights, *kernel, *start);
                    Self::input_gradient_through(weight, gradient, y, source, *conv, Some(packs.clone()))
                }
                (Layer::MaxPool(window), Trace::Taken(source, taken)) => {
                    Self::pool_gradient(taken, gradient, source, *window)
                }
                (_, Trace::Result(_, y)) => Self::activation_gradient(y, gradient, Activation::Relu),
                _ => gradient,
            })
        }
    }
}

impl<B: StageGradient, C: CheckpointStrategy> StageBackend for Autodiff<B, C> {
    fn stage(x: FloatTensor<Self>, weights: FloatTensor<Self>, layers: Arc<[Layer]>) -> FloatTensor<Self> {
        let weights = weights.into_primitive();
        let source = x.primitive().shape().dims();
        match Stage.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (y, kept) = B::stage_kept(x.into_primitive(), weights.clone(), &layers);
                prep.finish((kept, weights, layers, source), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::stage(x.into_primitive(), weights, layers)),
        }
    }
}

#[derive(Debug)]
struct Stage;

impl<B: StageGradient> Backward<B, 1> for Stage {
    type State = (B::Kept, FloatTensor<B>, Arc<[Layer]>, [usize; 4]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (kept, weights, layers, source) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            B::stage_gradient(kept, gradient, weights, &layers, source)
        });
    }
}
