//! The pieces of KAIR's U-Nets (DRUNet, FBCNN): residual blocks, halves and doubles.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use percept_conv::{Activation, Conv, conv2d, pixel_shuffle};

use super::init::Init;
use super::layer::ConvLayer;
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// Levels of their features.
pub(super) const LEVELS: usize = 4;
/// Sides have to be halved between them.
pub(super) const MULTIPLE: usize = 8;

/// How many places `nb` there are before the one that halves, behind which nothing stands.
pub(super) fn blocks(state: &StateDict, default: usize) -> usize {
    let halves = |place: &usize| state.get(&format!("m_down1.{place}.weight")).is_some();
    (0..=super::architecture::MOST_BLOCKS).find(halves).unwrap_or(default)
}

/// Makes the pieces, with or without biases.
pub(super) struct Pieces {
    pub blocks: usize,
    pub bias: bool,
}

impl Pieces {
    pub fn conv(&self, at: &Init, name: &str, shape: [usize; 4], gain: f64, conv: Conv) -> ConvLayer {
        let layer = at.conv(name, shape, gain, conv);
        if self.bias { layer } else { layer.unbiased() }
    }

    /// Residual blocks, the first of them at this place.
    pub fn residuals(&self, c: usize, first: usize, at: &Init) -> Vec<Residual> {
        let block = |place: usize| {
            let at = at.at(place).at("res");
            let plain = Conv::same(3);
            let relu = plain.with_activation(Activation::Relu);
            let conv = |name: &str, gain, conv| Some(self.conv(&at, name, [c, c, 3, 3], gain, conv));
            Residual { res: vec![conv("0", 1.0, relu), None, conv("2", 0.1, plain)] }
        };
        (first..first + self.blocks).map(block).collect()
    }

    /// A level on the way down: blocks, and a convolution that halves.
    pub fn down(&self, [c, deeper]: [usize; 2], at: &Init) -> Vec<Place> {
        let conv = Conv { stride: 2, ..Conv::default() };
        let half = self.conv(at, &self.blocks.to_string(), [deeper, c, 2, 2], 1.0, conv);
        self.residuals(c, 0, at).into_iter().map(Place::Block).chain([Place::Conv(half)]).collect()
    }

    /// A level on the way up: a doubling, and blocks.
    pub fn up(&self, [deeper, c]: [usize; 2], at: &Init) -> Vec<Place> {
        let place = at.at(0);
        let deviation = (1.0 / deeper as f64).sqrt();
        let double = Double {
            weight: place.normal("weight", [deeper, c, 2, 2], deviation),
            bias: self.bias.then(|| place.full([c], 0.0)),
            conv: place.multiplying(Conv::default()),
        };
        let blocks = self.residuals(c, 1, at).into_iter().map(Place::Block);
        [Place::Double(double)].into_iter().chain(blocks).collect()
    }
}

/// `x + conv(relu(conv(x)))`.
#[derive(Module, Debug)]
pub(super) struct Residual {
    res: Vec<Option<ConvLayer>>,
}

impl Residual {
    /// What is added.
    fn inside(&self, x: Tensor<4>) -> Tensor<4> {
        self.res.iter().flatten().fold(x, |y, conv| conv.forward(y))
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        x.clone() + self.inside(x)
    }

    fn draw_inside(&self, graph: &mut Graph, x: &Value) -> Value {
        self.res.iter().flatten().fold(x.clone(), |y, conv| conv.draw(graph, &y))
    }

    pub fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let inside = self.draw_inside(graph, x);
        graph.add(x, &inside)
    }
}

/// A transposed convolution that makes four pixels of one: `weight` `[in, out, 2, 2]`.
#[derive(Module, Debug)]
pub(super) struct Double {
    weight: Param<Tensor<4>>,
    bias: Option<Param<Tensor<1>>>,
    /// Of every pixel by itself.
    #[module(skip)]
    conv: Conv,
}

impl Double {
    /// The four are the channels of a 1×1 convolution, before they are put in their places.
    fn parts(&self) -> (Tensor<4>, Option<Tensor<1>>) {
        let [input, output, ..] = self.weight.dims();
        let weight = self.weight.val().permute([1, 2, 3, 0]).reshape([4 * output, input, 1, 1]);
        let four = |bias: Tensor<1>| bias.reshape([output, 1]).expand([output, 4]).reshape([4 * output]);
        (weight, self.bias.as_ref().map(|bias| four(bias.val())))
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = self.parts();
        pixel_shuffle(conv2d(x, weight, bias, None, self.conv), 2)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let (weight, bias) = self.parts();
        let wide = graph.conv(x, weight, bias, self.conv, 1);
        graph.pixel_shuffle(&wide, 2)
    }
}

/// One place of a level.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "there are few")]
pub(super) enum Place {
    Block(Residual),
    Conv(ConvLayer),
    Double(Double),
}

impl Place {
    /// Where a block is told how much of it counts: `x + gamma · inside + beta`, each `[N, 1, 1, C]`.
    pub fn forward(&self, x: Tensor<4>, told: Option<&[Tensor<4>; 2]>) -> Tensor<4> {
        match (self, told) {
            (Self::Block(block), Some([gamma, beta])) => {
                x.clone() + block.inside(x) * gamma.clone() + beta.clone()
            }
            (Self::Block(block), None) => block.forward(x),
            (Self::Conv(conv), _) => conv.forward(x),
            (Self::Double(double), _) => double.forward(x),
        }
    }

    pub fn draw(&self, graph: &mut Graph, x: &Value, told: Option<&[Value; 2]>) -> Value {
        match (self, told) {
            (Self::Block(block), Some([gamma, beta])) => {
                let inside = block.draw_inside(graph, x);
                let inside = graph.mul(&inside, gamma);
                let inside = graph.add(&inside, beta);
                graph.add(x, &inside)
            }
            (Self::Block(block), None) => block.draw(graph, x),
            (Self::Conv(conv), _) => conv.draw(graph, x),
            (Self::Double(double), _) => double.draw(graph, x),
        }
    }
}

/// A level of them.
pub(super) fn through(level: &[Place], x: Tensor<4>) -> Tensor<4> {
    level.iter().fold(x, |y, place| place.forward(y, None))
}

/// The same in a graph.
pub(super) fn draw_through(level: &[Place], graph: &mut Graph, x: &Value) -> Value {
    level.iter().fold(x.clone(), |y, place| place.draw(graph, &y, None))
}
