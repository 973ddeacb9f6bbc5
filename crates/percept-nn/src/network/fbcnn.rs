//! FBCNN, which takes away what JPEG leaves behind (Jiang, Zhang and Timofte, *Towards Flexible Blind JPEG Artifacts Removal*,
//! ICCV 2021), in the layout of its public weights.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation};
use percept_conv::{Activation, Conv, conv2d};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, Extent, MOST_BLOCKS, MOST_CHANNELS, Pool, Transform, Unfit, made, mean, read_by, results,
    within,
};
use super::border::{Border, Edges};
use super::init::Init;
use super::layer::{ConvLayer, cut, repeat_to_multiple};
use super::strided::{LEVELS, MULTIPLE, Pieces, Place, Residual, blocks, draw_through, through};
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// An overlap that is enough, as for NAFNet.
const ENOUGH: usize = 64;

/// Settings of `type = "fbcnn"`: FBCNN, which takes away what JPEG leaves behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FbcnnConfig {
    /// Channels by level, each at least 1. Default 64, 128, 256, 512.
    pub nc: [usize; LEVELS],
    /// Residual blocks at each level, at least 1. Default 4.
    pub nb: usize,
    /// Numbers by which the quality is told, at least 1. Default 512.
    pub embedding: usize,
    /// Quality of the JPEG that is put right, from 1 to 100. Left out, the network estimates it. Default: left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 40)]
    pub quality: Option<f64>,
}

impl Default for FbcnnConfig {
    fn default() -> Self {
        Self { nc: [64, 128, 256, 512], nb: 4, embedding: 512, quality: None }
    }
}

impl Architecture for FbcnnConfig {
    type Network = Fbcnn;

    const ABOUT: &'static str = "FBCNN, which takes away what JPEG leaves behind";
    const SCALES: &'static [usize] = &[1];

    fn check(&self) -> Result<(), Unfit> {
        self.nc.iter().try_for_each(|channels| within("nc", *channels, 1, MOST_CHANNELS))?;
        within("nb", self.nb, 1, MOST_BLOCKS)?;
        within("embedding", self.embedding, 1, MOST_CHANNELS)?;
        match self.quality {
            Some(quality) if !(1.0..=100.0).contains(&quality) => {
                Err(("quality", format!("must be from 1 to 100; it is {quality}")))
            }
            _ => Ok(()),
        }
    }

    fn init(&self, _: usize, in_channels: usize, init: &Init) -> Fbcnn {
        Fbcnn::new(self, in_channels, init)
    }

    fn extent(&self, _: usize) -> Extent {
        Extent { multiple: MULTIPLE, overlap: ENOUGH, floats: 6 * self.nc[0] + 2 * self.nc[1] }
    }

    /// As its authors do.
    fn border(&self, multiple: usize) -> Border {
        Border::to_multiple(multiple, Edges::Repeated)
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let names = [
            "m_head.weight",
            "m_down2.0.res.0.weight",
            "m_down3.0.res.0.weight",
            "m_body_encoder.0.res.0.weight",
        ];
        let channels = |level: usize| results(state, names[level], self.nc[level]);
        Self {
            nc: std::array::from_fn(channels),
            nb: blocks(state, self.nb),
            embedding: results(state, "qf_embed.0.weight", self.embedding),
            ..self.clone()
        }
    }

    fn scale(&self, _: &StateDict) -> Option<usize> {
        Some(1)
    }

    fn in_channels(&self, state: &StateDict) -> usize {
        read_by(state, "m_head.weight")
    }
}

/// Every result a weighted sum of all values: `weight` `[out, in]`.
#[derive(Module, Debug)]
struct Linear {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Linear {
    fn new(out: usize, input: usize, at: &Init) -> Self {
        let deviation = (1.0 / input as f64).sqrt();
        Self { weight: at.normal("weight", [out, input], deviation), bias: at.full([out], 0.0) }
    }

    /// `[out, in, 1, 1]`.
    fn kernel(&self) -> Tensor<4> {
        let [out, input] = self.weight.dims();
        self.weight.val().reshape([out, input, 1, 1])
    }

    /// Of `[N, 1, 1, in]`.
    fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let conv = Conv::default().with_activation(activation);
        conv2d(x, self.kernel(), Some(self.bias.val()), None, conv)
    }

    fn draw(&self, graph: &mut Graph, x: &Value, activation: Activation) -> Value {
        let conv = Conv::default().with_activation(activation);
        graph.conv(x, self.kernel(), Some(self.bias.val()), conv, 1)
    }
}

/// One place of what estimates the quality.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "there are few")]
enum Estimate {
    Block(Residual),
    Linear(Linear),
}

/// A U-Net whose blocks on the way up are told the quality of the JPEG.
#[derive(Module, Debug)]
pub struct Fbcnn {
    m_head: ConvLayer,
    m_down1: Vec<Place>,
    m_down2: Vec<Place>,
    m_down3: Vec<Place>,
    m_body_encoder: Vec<Residual>,
    m_body_decoder: Vec<Residual>,
    m_up3: Vec<Place>,
    m_up2: Vec<Place>,
    m_up1: Vec<Place>,
    m_tail: ConvLayer,
    /// Blocks, the place of a mean over the image and of its flattening, and layers with places of activations between.
    qf_pred: Vec<Option<Estimate>>,
    qf_embed: Vec<Option<Linear>>,
    to_gamma_3: Vec<Linear>,
    to_beta_3: Vec<Linear>,
    to_gamma_2: Vec<Linear>,
    to_beta_2: Vec<Linear>,
    to_gamma_1: Vec<Linear>,
    to_beta_1: Vec<Linear>,
    #[module(skip)]
    quality: Option<f64>,
}

impl Fbcnn {
    fn new(config: &FbcnnConfig, in_channels: usize, init: &Init) -> Self {
        let [a, b, c, d] = config.nc;
        let (blocks, e) = (config.nb, config.embedding);
        let pieces = Pieces { blocks, bias: true };
        let plain = Conv::same(3);
        let at = init.at("qf_pred");
        let estimate = |place: usize, out, input| {
            Some(Estimate::Linear(Linear::new(out, input, &at.at(blocks + place))))
        };
        let behind = [None, None, estimate(2, e, d), None, estimate(4, e, e), None, estimate(6, 1, e)];
        let embed = |place: usize, input| Some(Linear::new(e, input, &init.at("qf_embed").at(place)));
        let told = |name: &str, channels| vec![Linear::new(channels, e, &init.at(name).at(0))];
        Self {
            m_head: pieces.conv(init, "m_head", [a, in_channels, 3, 3], 1.0, plain),
            m_down1: pieces.down([a, b], &init.at("m_down1")),
            m_down2: pieces.down([b, c], &init.at("m_down2")),
            m_down3: pieces.down([c, d], &init.at("m_down3")),
            m_body_encoder: pieces.residuals(d, 0, &init.at("m_body_encoder")),
            m_body_decoder: pieces.residuals(d, 0, &init.at("m_body_decoder")),
            m_up3: pieces.up([d, c], &init.at("m_up3")),
            m_up2: pieces.up([c, b], &init.at("m_up2")),
            m_up1: pieces.up([b, a], &init.at("m_up1")),
            m_tail: pieces.conv(init, "m_tail", [made(in_channels), a, 3, 3], 0.5, plain),
            qf_pred: pieces
                .residuals(d, 0, &at)
                .into_iter()
                .map(|block| Some(Estimate::Block(block)))
                .chain(behind)
                .collect(),
            qf_embed: vec![embed(0, 1), None, embed(2, e), None, embed(4, e), None],
            to_gamma_3: told("to_gamma_3", c),
            to_beta_3: told("to_beta_3", c),
            to_gamma_2: told("to_gamma_2", b),
            to_beta_2: told("to_beta_2", b),
            to_gamma_1: told("to_gamma_1", a),
            to_beta_1: told("to_beta_1", a),
            quality: config.quality,
        }
    }

    /// What the network is told by, as far as a quality is given: 0 for the best, 1 for the worst.
    fn loss(&self) -> Option<f64> {
        self.quality.map(|quality| 1.0 - quality / 100.0)
    }

    /// Layers of the estimate, and which of them is the last.
    fn estimate(&self) -> impl Iterator<Item = (bool, &Estimate)> {
        let last = self.qf_pred.len().saturating_sub(1);
        self.qf_pred.iter().enumerate().filter_map(move |(place, part)| Some((place == last, part.as_ref()?)))
    }

    /// What blocks on the way up are told, from the deepest level.
    fn levels(&self) -> [(&[Place], [&[Linear]; 2]); 3] {
        [
            (&self.m_up3, [&self.to_gamma_3, &self.to_beta_3]),
            (&self.m_up2, [&self.to_gamma_2, &self.to_beta_2]),
            (&self.m_up1, [&self.to_gamma_1, &self.to_beta_1]),
        ]
    }

    /// `[N, 1, 1, 1]`, 0 for the best quality, 1 for the worst. Without a pool, by the means of `x`.
    fn estimated(&self, x: Tensor<4>, mut pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let mut y = x;
        let mut pooled = false;
        for (last, part) in self.estimate() {
            y = match part {
                Estimate::Block(block) => block.forward(y),
                Estimate::Linear(linear) => {
                    if !pooled {
                        pooled = true;
                        y = match &mut pool {
                            Some(pool) => pool(y, &mean)?,
                            None => mean(y),
                        };
                    }
                    linear.forward(y, if last { Activation::None } else { Activation::Relu })
                }
            };
        }
        Some(activation::sigmoid(y))
    }

    fn through(&self, x: Tensor<4>, pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let [n, h, w, _] = x.dims();
        let x = repeat_to_multiple(x, MULTIPLE);
        let first = self.m_head.forward(x);
        let second = through(&self.m_down1, first.clone());
        let third = through(&self.m_down2, second.clone());
        let fourth = through(&self.m_down3, third.clone());
        let body = |blocks: &[Residual], x| blocks.iter().fold(x, |y, block: &Residual| block.forward(y));
        let mut y = body(&self.m_body_encoder, fourth.clone());
        let loss = match self.loss() {
            Some(loss) => Tensor::full([n, 1, 1, 1], loss, &y.device()),
            None => self.estimated(y.clone(), pool)?,
        };
        y = body(&self.m_body_decoder, y);
        let embedding = self.qf_embed.iter().flatten();
        let embedding = embedding.fold(loss, |y, linear| linear.forward(y, Activation::Relu));
        for ((level, told), beside) in self.levels().into_iter().zip([fourth, third, second]) {
            let [gamma, beta] = told.map(|linear| {
                linear.iter().fold(embedding.clone(), |y, linear| linear.forward(y, Activation::None))
            });
            let told = [activation::sigmoid(gamma), activation::tanh(beta)];
            y = level.iter().fold(y + beside, |y, place| place.forward(y, Some(&told)));
        }
        Some(cut(self.m_tail.forward(y + first), h, w))
    }
}

impl Transform for Fbcnn {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        // Only a pool stops, so there is always a result.
        self.through(x.clone(), None).unwrap_or(x)
    }

    /// With other means than those of `x`: of the image that `x` is a tile of.
    fn forward_pooled(&self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
        self.through(x, Some(pool))
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let first = self.m_head.draw(graph, x);
        let second = draw_through(&self.m_down1, graph, &first);
        let third = draw_through(&self.m_down2, graph, &second);
        let fourth = draw_through(&self.m_down3, graph, &third);
        let body = |graph: &mut Graph, blocks: &[Residual], x: &Value| {
            blocks.iter().fold(x.clone(), |y, block| block.draw(graph, &y))
        };
        let mut y = body(graph, &self.m_body_encoder, &fourth);
        let mut embedding = match self.loss() {
            Some(loss) => graph.floats(&[1, 1, 1, 1], &[loss as f32]),
            None => {
                let mut estimate = y.clone();
                let mut pooled = false;
                for (last, part) in self.estimate() {
                    estimate = match part {
                        Estimate::Block(block) => block.draw(graph, &estimate),
                        Estimate::Linear(linear) => {
                            if !pooled {
                                pooled = true;
                                estimate = graph.mean(&estimate);
                            }
                            linear.draw(
                                graph,
                                &estimate,
                                if last { Activation::None } else { Activation::Relu },
                            )
                        }
                    };
                }
                graph.op("Sigmoid", &[&estimate])
            }
        };
        y = body(graph, &self.m_body_decoder, &y);
        for linear in self.qf_embed.iter().flatten() {
            embedding = linear.draw(graph, &embedding, Activation::Relu);
        }
        for ((level, told), beside) in self.levels().into_iter().zip([&fourth, &third, &second]) {
            let [gamma, beta] = [("Sigmoid", told[0]), ("Tanh", told[1])].map(|(bound, linear)| {
                let told = linear
                    .iter()
                    .fold(embedding.clone(), |y, linear| linear.draw(graph, &y, Activation::None));
                graph.op(bound, &[&told])
            });
            let told = [gamma, beta];
            y = graph.add(&y, beside);
            y = level.iter().fold(y, |y, place| place.draw(graph, &y, Some(&told)));
        }
        let sum = graph.add(&y, &first);
        self.m_tail.draw(graph, &sum)
    }
}
