//! The pieces that networks share.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData, s};
use percept_conv::{
    Activation, Conv, NormedConv, channel_attention_onto, conv2d, conv2d_prelu, depthwise_conv2d,
    gated_feed_forward, gelu, layer_norm, normed_depthwise_gate, resize_bilinear, resize_nearest,
};

use super::border::mirrored;
use super::init::Init;
use crate::onnx::{Graph, Value};

/// A convolution with its weights: `weight` `[out, in, k, k]`, `bias` `[out]`.
#[derive(Module, Debug)]
pub(crate) struct ConvLayer {
    weight: Param<Tensor<4>>,
    bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    conv: Conv,
}

impl ConvLayer {
    pub fn new(weight: Param<Tensor<4>>, bias: Option<Param<Tensor<1>>>, conv: Conv) -> Self {
        Self { weight, bias, conv }
    }

    /// The same without a bias.
    pub fn unbiased(self) -> Self {
        Self { bias: None, ..self }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        conv2d(x, self.weight.val(), self.bias(), None, self.conv)
    }

    /// `conv(x) + residual`.
    pub fn forward_onto(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        conv2d(x, self.weight.val(), self.bias(), Some(residual), self.conv)
    }

    /// `prelu(conv(x))`; `slope` is `[out]`.
    pub fn forward_prelu(&self, x: Tensor<4>, slope: Tensor<1>) -> Tensor<4> {
        conv2d_prelu(x, self.weight.val(), self.bias(), slope, self.conv)
    }

    /// `conv(x) · scale + residual`; `scale` is `[1, out, 1, 1]`.
    pub fn forward_scaled_onto(&self, x: Tensor<4>, scale: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = self.scaled(scale);
        conv2d(x, weight, bias, Some(residual), self.conv)
    }

    /// Scaled weights give scaled results, and there are far fewer of them.
    fn scaled(&self, scale: Tensor<4>) -> (Tensor<4>, Option<Tensor<1>>) {
        let channels = scale.dims()[1];
        let weight = self.weight.val() * scale.clone().reshape([channels, 1, 1, 1]);
        (weight, self.bias().map(|bias| bias * scale.reshape([channels])))
    }

    /// `conv(x · attention(mean of x)) · scale + residual`; both kernels have one element.
    pub fn forward_attention_onto(
        &self,
        x: Tensor<4>,
        attention: &Self,
        scale: Tensor<4>,
        residual: Tensor<4>,
    ) -> Tensor<4> {
        let (weight, bias) = self.scaled(scale);
        let attention = (attention.weight.val(), attention.bias());
        channel_attention_onto(x, attention, weight, bias, residual, self.conv.precision)
    }

    /// `x + conv(gate(wide(x))) · scale`; the kernel has one element.
    pub fn forward_fed_forward(&self, x: Tensor<4>, wide: NormedConv, scale: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = self.scaled(scale);
        gated_feed_forward(x, wide, weight, bias)
    }

    /// Every channel by itself; `weight` is `[C, 1, k, k]`.
    pub fn forward_depthwise(&self, x: Tensor<4>) -> Tensor<4> {
        depthwise_conv2d(x, self.weight.val(), self.bias(), self.conv)
    }

    /// Every channel of `wide(x)` by itself, then the first half of them times the second; `weight` is `[C, 1, 3, 3]`.
    pub fn forward_normed_gate(&self, x: Tensor<4>, wide: NormedConv) -> Tensor<4> {
        normed_depthwise_gate(x, wide, self.weight.val(), self.bias())
    }

    /// [`forward`](Self::forward) in a graph.
    pub fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        graph.conv(x, self.weight.val(), self.bias(), self.conv, 1)
    }

    /// [`forward_onto`](Self::forward_onto) in a graph.
    pub fn draw_onto(&self, graph: &mut Graph, x: &Value, residual: &Value) -> Value {
        let plain = self.conv.with_activation(Activation::None);
        let y = graph.conv(x, self.weight.val(), self.bias(), plain, 1);
        let y = graph.add(&y, residual);
        graph.activated(&y, self.conv.activation)
    }

    /// [`forward_scaled_onto`](Self::forward_scaled_onto) in a graph.
    pub fn draw_scaled_onto(
        &self,
        graph: &mut Graph,
        x: &Value,
        scale: Tensor<4>,
        residual: &Value,
    ) -> Value {
        let (weight, bias) = self.scaled(scale);
        let y = graph.conv(x, weight, bias, self.conv, 1);
        graph.add(&y, residual)
    }

    /// [`forward_depthwise`](Self::forward_depthwise) in a graph.
    pub fn draw_depthwise(&self, graph: &mut Graph, x: &Value) -> Value {
        let weight = self.weight.val();
        let channels = weight.dims()[0];
        graph.conv(x, weight, self.bias(), self.conv, channels)
    }

    /// [`forward`](Self::forward) with the [even](Self::even) weight and bias.
    pub fn forward_even(&self, x: Tensor<4>, r: usize) -> Tensor<4> {
        let (weight, bias) = self.even(r);
        conv2d(x, weight, bias, None, self.conv)
    }

    /// [`forward_even`](Self::forward_even) in a graph.
    pub fn draw_even(&self, graph: &mut Graph, x: &Value, r: usize) -> Value {
        let (weight, bias) = self.even(r);
        graph.conv(x, weight, bias, self.conv, 1)
    }

    /// The nearest weight and bias with which all `r × r` places of a pixel shuffle behind answer alike to what is constant: no
    /// grid can come of it (the condition of Sugawara, Shiota, Kiya, *Super-resolution using convolutional neural networks
    /// without any checkerboard artifacts*, 2018).
    pub fn even(&self, r: usize) -> (Tensor<4>, Option<Tensor<1>>) {
        let [out, input, down, across] = self.weight.dims();
        let shuffled = [out / (r * r), r * r];
        let weight = self.weight.val().reshape([shuffled[0], shuffled[1], input, down * across]);
        let answers = weight.clone().mean_dim(3);
        let weight = weight - (answers.clone() - answers.mean_dim(1));
        let bias = self.bias().map(|bias| bias.reshape(shuffled).mean_dim(1).expand(shuffled).reshape([out]));
        (weight.reshape([out, input, down, across]), bias)
    }

    /// Channels that it reads.
    pub fn reads(&self) -> usize {
        self.weight.dims()[1]
    }

    /// Its weight, and its bias or zeros.
    pub fn parts(&self) -> (Tensor<4>, Tensor<1>) {
        let weight = self.weight.val();
        let zeros = || Tensor::zeros([weight.dims()[0]], &weight.device());
        let bias = self.bias().unwrap_or_else(zeros);
        (weight, bias)
    }

    fn bias(&self) -> Option<Tensor<1>> {
        self.bias.as_ref().map(Param::val)
    }
}

/// A residual block without normalisation: `x + res_scale · conv2(relu(conv1(x)))`.
#[derive(Module, Debug)]
pub(super) struct ResidualBlock {
    conv1: ConvLayer,
    conv2: ConvLayer,
    #[module(skip)]
    res_scale: f64,
}

impl ResidualBlock {
    pub fn new(conv1: ConvLayer, conv2: ConvLayer, res_scale: f64) -> Self {
        Self { conv1, conv2, res_scale }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let inside = self.conv1.forward(x.clone());
        if self.res_scale == 1.0 {
            return self.conv2.forward_onto(inside, x);
        }
        x + self.conv2.forward(inside).mul_scalar(self.res_scale)
    }

    pub fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let inside = self.conv1.draw(graph, x);
        let inside = self.conv2.draw(graph, &inside);
        let inside = graph.times(&inside, self.res_scale);
        graph.add(x, &inside)
    }
}

/// Normalises every pixel over its channels.
#[derive(Module, Debug)]
pub(super) struct LayerNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    /// Added to the variance.
    #[module(skip)]
    epsilon: f64,
}

impl LayerNorm {
    /// With 1e-6 added to the variance.
    pub fn new(channels: usize, init: &Init) -> Self {
        Self { weight: init.full([channels], 1.0), bias: init.full([channels], 0.0), epsilon: 1e-6 }
    }

    /// With 1e-5, as PyTorch's own has it.
    pub fn of_torch(channels: usize, init: &Init) -> Self {
        Self { epsilon: 1e-5, ..Self::new(channels, init) }
    }

    /// It, and `conv` behind it, whose kernel has one element.
    pub fn before(&self, conv: &ConvLayer) -> NormedConv {
        NormedConv {
            norm_weight: self.weight.val(),
            norm_bias: self.bias.val(),
            epsilon: self.epsilon,
            weight: conv.weight.val(),
            bias: conv.bias(),
            precision: conv.conv.precision,
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        layer_norm(x, self.weight.val(), self.bias.val(), self.epsilon)
    }

    pub fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        graph.layer_norm(x, self.weight.val(), self.bias.val(), self.epsilon)
    }
}

/// The same linear map for every pixel: `weight` `[out, in]`, `bias` `[out]`.
#[derive(Module, Debug)]
pub(super) struct Linear {
    weight: Param<Tensor<2>>,
    bias: Option<Param<Tensor<1>>>,
    /// As a convolution of every pixel by itself.
    #[module(skip)]
    conv: Conv,
}

impl Linear {
    /// Small normally distributed weights, as transformers begin with.
    pub fn new([out, input]: [usize; 2], init: &Init) -> Self {
        Self {
            weight: init.normal("weight", [out, input], 0.02),
            bias: Some(init.full([out], 0.0)),
            conv: init.multiplying(Conv::default()),
        }
    }

    /// The same without a bias.
    pub fn unbiased(self) -> Self {
        Self { bias: None, ..self }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.convolved(x, None)
    }

    /// Channels that it reads.
    pub fn reads(&self) -> usize {
        self.weight.dims()[1]
    }

    /// `linear(x) + residual`.
    pub fn forward_onto(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        self.convolved(x, Some(residual))
    }

    fn convolved(&self, x: Tensor<4>, residual: Option<Tensor<4>>) -> Tensor<4> {
        conv2d(x, self.kernel(), self.bias.as_ref().map(Param::val), residual, self.conv)
    }

    fn kernel(&self) -> Tensor<4> {
        let [out, input] = self.weight.dims();
        self.weight.val().reshape([out, input, 1, 1])
    }

    /// [`forward`](Self::forward) in a graph.
    pub fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        graph.conv(x, self.kernel(), self.bias.as_ref().map(Param::val), self.conv, 1)
    }

    /// [`forward_onto`](Self::forward_onto) in a graph.
    pub fn draw_onto(&self, graph: &mut Graph, x: &Value, residual: &Value) -> Value {
        let y = self.draw(graph, x);
        graph.add(&y, residual)
    }
}

/// Two linear maps with a Gaussian unit between them.
#[derive(Module, Debug)]
pub(super) struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Mlp {
    pub fn new(channels: usize, hidden: usize, init: &Init) -> Self {
        Self {
            fc1: Linear::new([hidden, channels], &init.at("fc1")),
            fc2: Linear::new([channels, hidden], &init.at("fc2")),
        }
    }

    /// `mlp(x) + residual`.
    pub fn forward_onto(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        self.fc2.forward_onto(gelu(self.fc1.forward(x)), residual)
    }

    /// [`forward_onto`](Self::forward_onto) in a graph.
    pub fn draw_onto(&self, graph: &mut Graph, x: &Value, residual: &Value) -> Value {
        let y = self.fc1.draw(graph, x);
        let y = graph.gelu(&y);
        self.fc2.draw_onto(graph, &y, residual)
    }
}

/// Bilinear enlargement, half-pixel centres (`align_corners = False`).
pub(crate) fn enlarge_bilinear(x: Tensor<4>, scale: usize) -> Tensor<4> {
    let [_, h, w, _] = x.dims();
    resize_bilinear(x, [h * scale, w * scale])
}

/// Every pixel `scale × scale` times.
pub(super) fn enlarge_nearest(x: Tensor<4>, scale: usize) -> Tensor<4> {
    let [_, h, w, _] = x.dims();
    resize_nearest(x, [h * scale, w * scale])
}

/// The inverse of `pixel_shuffle`: `[N, H·r, W·r, C]` → `[N, H, W, C·r²]`.
pub(super) fn pixel_unshuffle(x: Tensor<4>, r: usize) -> Tensor<4> {
    let [n, h, w, c] = x.dims();
    let blocks = x.reshape([n, h / r, r, w / r, r, c]).permute([0, 1, 3, 5, 2, 4]);
    blocks.reshape([n, h / r, w / r, c * r * r])
}

/// Zeros added below and to the right until both sides are multiples of `multiple`.
pub(super) fn pad_to_multiple(x: Tensor<4>, multiple: usize) -> Tensor<4> {
    let [n, h, w, c] = x.dims();
    let (down, right) = (h.next_multiple_of(multiple), w.next_multiple_of(multiple));
    if (down, right) == (h, w) {
        return x;
    }
    let device = x.device();
    let x = Tensor::cat(vec![x, Tensor::zeros([n, down - h, w, c], &device)], 1);
    Tensor::cat(vec![x, Tensor::zeros([n, down, right - w, c], &device)], 2)
}

/// Continued below and to the right by its mirror image until both sides are multiples of `multiple`.
pub(super) fn mirror_to_multiple(x: Tensor<4>, multiple: usize) -> Tensor<4> {
    let [_, h, w, _] = x.dims();
    [(1, h), (2, w)].into_iter().fold(x, |x, (dimension, length)| {
        let all = length.next_multiple_of(multiple);
        if all == length {
            return x;
        }
        let places: Vec<i64> = (0..all).map(|at| mirrored(at, length) as i64).collect();
        let places = Tensor::<1, Int>::from_data(TensorData::new(places, [all]), &x.device());
        x.select(dimension, places)
    })
}

/// The last pixels again, below and to the right, until both sides are multiples of `multiple`.
pub(super) fn repeat_to_multiple(x: Tensor<4>, multiple: usize) -> Tensor<4> {
    let [n, h, w, c] = x.dims();
    let [down, right] = [h, w].map(|side| side.next_multiple_of(multiple) - side);
    let mut x = x;
    if down > 0 {
        let last = x.clone().slice(s![.., h - 1..h, .., ..]).expand([n, down, w, c]);
        x = Tensor::cat(vec![x, last], 1);
    }
    if right > 0 {
        let last = x.clone().slice(s![.., .., w - 1..w, ..]).expand([n, h + down, right, c]);
        x = Tensor::cat(vec![x, last], 2);
    }
    x
}

/// The top left `height × width` pixels.
pub(super) fn cut(x: Tensor<4>, height: usize, width: usize) -> Tensor<4> {
    x.slice(s![.., 0..height, 0..width, ..])
}
