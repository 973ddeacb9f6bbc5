//! Attention between the pixels of windows.

use burn::backend::{Backend, Dispatch, Flex, Slice, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Shape, Tensor, TensorData};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops},
};
use burn_flex::FlexTensor;

use super::{recorded, tensor};
use crate::kernel::{Attention, Level};
use crate::windows::Windows;

/// Attention of several heads inside each window (Liu et al., *Swin Transformer*, ICCV 2021): `softmax(q·kᵀ/√d + bias)·v`.
///
/// `qkv` is `[N, H, W, 3·C]`: queries, keys and values, each with the channels of one head after the other. `bias` is
/// `[heads, pixels, pixels]`: for every pixel of a window that looks, what is added to its similarity with every other one.
/// The result is `[N, H, W, C]`.
///
/// # Panics
/// If the dimensions do not fit together.
pub fn window_attention(qkv: Tensor<4>, bias: Tensor<3>, windows: Windows) -> Tensor<4> {
    let ([_, h, w, c], [heads, ..]) = (qkv.dims(), bias.dims());
    let (pixels, [height, width]) = (windows.pixels(), windows.size);
    assert!(pixels > 0 && heads > 0 && c.is_multiple_of(3 * heads), "{c} channels for {heads} heads");
    assert!(
        h.is_multiple_of(height) && w.is_multiple_of(width),
        "{h}x{w} pixels in windows of {height}x{width}"
    );
    assert!(windows.shift[0] < height && windows.shift[1] < width, "windows {windows:?}");
    assert!(bias.dims() == [heads, pixels, pixels], "a bias of {:?} for {windows:?}", bias.dims());
    Tensor::from_dispatch(Dispatch::look(qkv.into_dispatch(), bias.into_dispatch(), windows))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait WindowBackend: Backend {
    fn look(qkv: FloatTensor<Self>, bias: FloatTensor<Self>, windows: Windows) -> FloatTensor<Self> {
        let cut = Cut::of::<Self>(&qkv, &bias, windows);
        let [q, k, v] = cut.heads::<Self, 3>(qkv);
        let mixed = Self::float_matmul(cut.shares::<Self>(q, k, bias), v);
        cut.joined::<Self>(vec![mixed])
    }

    /// The gradients of `look` to `qkv` and to the bias.
    fn look_gradient(
        qkv: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        windows: Windows,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let cut = Cut::of::<Self>(&qkv, &bias, windows);
        let [q, k, v] = cut.heads::<Self, 3>(qkv);
        let [gradient] = cut.heads::<Self, 1>(gradient);
        let shares = cut.shares::<Self>(q.clone(), k.clone(), bias);
        let turned = |x: FloatTensor<Self>| Self::float_swap_dims(x, 2, 3);
        let to_v = Self::float_matmul(turned(shares.clone()), gradient.clone());
        let to_shares = Self::float_matmul(gradient, turned(v));
        let along = Self::float_sum_dim(Self::float_mul(to_shares.clone(), shares.clone()), 3);
        let to_scores = Self::float_mul(shares, Self::float_sub(to_shares, along));
        let scaled = |x| Self::float_mul_scalar(x, cut.scale().into());
        let to_q = scaled(Self::float_matmul(to_scores.clone(), k));
        let to_k = scaled(Self::float_matmul(turned(to_scores.clone()), q));
        let [_, heads, pixels, _] = cut.size;
        let to_bias =
            Self::float_reshape(Self::float_sum_dim(to_scores, 0), Shape::from([heads, pixels, pixels]));
        (cut.joined::<Self>(vec![to_q, to_k, to_v]), to_bias)
    }
}

#[cfg(feature = "_device")]
impl WindowBackend for burn::backend::Cube {}

/// An image in windows, by Burn's own operations.
#[derive(Clone, Copy)]
struct Cut {
    image: [usize; 3],
    windows: Windows,
    /// Windows of all images, heads, pixels of a window, channels of a head.
    size: [usize; 4],
}

impl Cut {
    fn of<B: Backend>(qkv: &FloatTensor<B>, bias: &FloatTensor<B>, windows: Windows) -> Self {
        let ([n, h, w, c], heads) = (qkv.shape().dims(), bias.shape()[0]);
        let pixels = windows.pixels();
        Self { image: [n, h, w], windows, size: [n * h * w / pixels, heads, pixels, c / 3 / heads] }
    }

    fn scale(self) -> f64 {
        (self.size[3] as f64).sqrt().recip()
    }

    /// `K` tensors of `size`.
    fn heads<B: Backend, const K: usize>(self, x: FloatTensor<B>) -> [FloatTensor<B>; K] {
        let [n, h, w] = self.image;
        let ([height, width], [down, right]) = (self.windows.size, self.windows.shift);
        let [all, heads, pixels, depth] = self.size;
        let x = rolled::<B>(rolled::<B>(x, 1, down), 2, right);
        let x =
            B::float_reshape(x, Shape::from([n, h / height, height, w / width, width, K * heads * depth]));
        let x = B::float_permute(x, &[0, 1, 3, 2, 4, 5]);
        let x = B::float_permute(
            B::float_reshape(x, Shape::from([all, pixels, K, heads, depth])),
            &[2, 0, 3, 1, 4],
        );
        std::array::from_fn(|part| {
            let ranges = [part..part + 1, 0..all, 0..heads, 0..pixels, 0..depth].map(Slice::from);
            B::float_reshape(B::float_slice(x.clone(), &ranges), Shape::from(self.size))
        })
    }

    /// The inverse of [`heads`](Self::heads).
    fn joined<B: Backend>(self, parts: Vec<FloatTensor<B>>) -> FloatTensor<B> {
        let [n, h, w] = self.image;
        let ([height, width], [down, right]) = (self.windows.size, self.windows.shift);
        let [all, heads, pixels, depth] = self.size;
        let count = parts.len();
        let one = |x| B::float_reshape(x, Shape::from([1, all, heads, pixels, depth]));
        let x = B::float_cat(parts.into_iter().map(one).collect(), 0);
        let channels = count * heads * depth;
        let x = B::float_reshape(
            B::float_permute(x, &[1, 3, 0, 2, 4]),
            Shape::from([n, h / height, w / width, height, width, channels]),
        );
        let x = B::float_permute(x, &[0, 1, 3, 2, 4, 5]);
        let x = B::float_reshape(x, Shape::from([n, h, w, channels]));
        rolled::<B>(rolled::<B>(x, 2, w - right), 1, h - down)
    }

    /// How much every pixel takes of every other one of its window.
    fn shares<B: Backend>(
        self,
        q: FloatTensor<B>,
        k: FloatTensor<B>,
        bias: FloatTensor<B>,
    ) -> FloatTensor<B> {
        let [all, heads, pixels, _] = self.size;
        let scores =
            B::float_matmul(B::float_mul_scalar(q, self.scale().into()), B::float_swap_dims(k, 2, 3));
        let bias = B::float_reshape(bias, Shape::from([1, heads, pixels, pixels]));
        let mut scores = B::float_add(scores, bias);
        if self.windows.shift != [0, 0] {
            let apart = self.windows.mask([self.image[1], self.image[2]]);
            let windows = apart.len() / (pixels * pixels);
            let data = TensorData::new(apart, [1, windows, 1, pixels, pixels]);
            let apart = B::float_from_data(data, &scores.device());
            let split = Shape::from([all / windows, windows, heads, pixels, pixels]);
            scores = B::float_add(B::float_reshape(scores, split), apart);
            scores = B::float_reshape(scores, Shape::from([all, heads, pixels, pixels]));
        }
        let powers = B::float_exp(B::float_sub(scores.clone(), B::float_max_dim(scores, 3)));
        let sums = B::float_sum_dim(powers.clone(), 3);
        B::float_div(powers, sums)
    }
}

/// What stood at `by` along the dimension stands first.
fn rolled<B: Backend>(x: FloatTensor<B>, dimension: usize, by: usize) -> FloatTensor<B> {
    let shape: [usize; 4] = x.shape().dims();
    let length = shape[dimension];
    if by.is_multiple_of(length.max(1)) {
        return x;
    }
    let part = |range: std::ops::Range<usize>| {
        let mut ranges = shape.map(|side| Slice::from(0..side));
        ranges[dimension] = Slice::from(range);
        B::float_slice(x.clone(), &ranges)
    };
    B::float_cat(vec![part(by..length), part(0..by)], dimension)
}

/// As the kernel wants it; the tensors are contiguous.
fn attention<'a>(qkv: &'a FlexTensor, bias: &'a FlexTensor, windows: Windows) -> Attention<'a> {
    let ([n, h, w, c], heads) = (qkv.shape().dims(), bias.shape()[0]);
    let (image, depth) = ([n, h, w], c / 3 / heads);
    Attention { qkv: qkv.storage(), bias: bias.storage(), image, heads, depth, windows }
}

impl WindowBackend for Flex {
    fn look(qkv: FloatTensor<Self>, bias: FloatTensor<Self>, windows: Windows) -> FloatTensor<Self> {
        let [n, h, w, c] = qkv.shape().dims();
        let [qkv, bias] = [qkv, bias].map(|t: FlexTensor| t.to_contiguous());
        tensor(attention(&qkv, &bias, windows).forward(Level::current()), &[n, h, w, c / 3])
    }

    fn look_gradient(
        qkv: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        windows: Windows,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [qkv, bias, gradient] = [qkv, bias, gradient].map(|t: FlexTensor| t.to_contiguous());
        let attention = attention(&qkv, &bias, windows);
        let [to_qkv, to_bias] = attention.gradient(Level::current(), gradient.storage());
        (tensor(to_qkv, &qkv.shape()), tensor(to_bias, &bias.shape()))
    }
}

impl<B: WindowBackend, C: CheckpointStrategy> WindowBackend for Autodiff<B, C> {
    fn look(qkv: FloatTensor<Self>, bias: FloatTensor<Self>, windows: Windows) -> FloatTensor<Self> {
        let nodes = [qkv.node(), bias.node()];
        let [qkv, bias] = [qkv, bias].map(|t| t.into_primitive());
        let y = B::look(qkv.clone(), bias.clone(), windows);
        recorded::<B, C, _, _>(Look, nodes, (qkv, bias, windows), y)
    }
}

/// Parents: queries, keys and values; the bias.
#[derive(Debug)]
struct Look;

impl<B: WindowBackend> Backward<B, 2> for Look {
    type State = (FloatTensor<B>, FloatTensor<B>, Windows);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (qkv, bias, windows) = ops.state;
        let (to_qkv, to_bias) = B::look_gradient(qkv, bias, gradient, windows);
        for (node, value) in ops.parents.into_iter().zip([to_qkv, to_bias]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, value);
            }
        }
    }
}
