//! DRUNet, a denoiser that is told how much noise there is (Zhang et al., *Plug-and-Play Image Restoration with Deep Denoiser
//! Prior*, TPAMI 2021), in the layout of its public weights (KAIR's `UNetRes`).

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::Conv;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::architecture::{
    Architecture, Extent, MOST_BLOCKS, MOST_CHANNELS, Transform, Unfit, made, results, within,
};
use super::border::{Border, Edges};
use super::init::Init;
use super::layer::{ConvLayer, cut, pad_to_multiple};
use super::strided::{LEVELS, MULTIPLE, Pieces, Place, Residual, blocks, draw_through, through};
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;

/// An overlap that is enough, as for NAFNet.
const ENOUGH: usize = 64;
/// The noise that its authors' code is set to, of 255.
const NOISE: f64 = 15.0;
/// The strongest noise that it was made for, of 255.
const MOST_NOISE: f64 = 50.0;

/// Settings of `type = "drunet"`: DRUNet, a denoiser that is told how much noise there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DruNetConfig {
    /// Channels by level, each at least 1. Default 64, 128, 256, 512.
    pub nc: [usize; LEVELS],
    /// Residual blocks at each level, at least 1. Default 4.
    pub nb: usize,
    /// Deviation of the noise that it takes away, of 255, from 0 to 50. Default 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 25)]
    pub noise_level: Option<f64>,
}

impl Default for DruNetConfig {
    fn default() -> Self {
        Self { nc: [64, 128, 256, 512], nb: 4, noise_level: None }
    }
}

impl DruNetConfig {
    fn noise_level(&self) -> f64 {
        self.noise_level.unwrap_or(NOISE)
    }
}

impl Architecture for DruNetConfig {
    type Network = DruNet;

    const ABOUT: &'static str = "DRUNet, a denoiser that is told how much noise there is";
    const SCALES: &'static [usize] = &[1];

    fn check(&self) -> Result<(), Unfit> {
        self.nc.iter().try_for_each(|channels| within("nc", *channels, 1, MOST_CHANNELS))?;
        within("nb", self.nb, 1, MOST_BLOCKS)?;
        match (0.0..=MOST_NOISE).contains(&self.noise_level()) {
            true => Ok(()),
            false => {
                Err(("noise_level", format!("must be from 0 to {MOST_NOISE}; it is {}", self.noise_level())))
            }
        }
    }

    fn init(&self, _: usize, in_channels: usize, init: &Init) -> DruNet {
        DruNet::new(self, in_channels, init)
    }

    fn extent(&self, _: usize) -> Extent {
        Extent { multiple: MULTIPLE, overlap: ENOUGH, floats: 6 * self.nc[0] + 2 * self.nc[1] }
    }

    /// As `spandrel` does. Its authors' programs repeat the last pixels.
    fn border(&self, multiple: usize) -> Border {
        Border::to_multiple(multiple, Edges::Mirrored)
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let names =
            ["m_head.weight", "m_down2.0.res.0.weight", "m_down3.0.res.0.weight", "m_body.0.res.0.weight"];
        let channels = |level: usize| results(state, names[level], self.nc[level]);
        Self { nc: std::array::from_fn(channels), nb: blocks(state, self.nb), ..self.clone() }
    }

    fn scale(&self, _: &StateDict) -> Option<usize> {
        Some(1)
    }

    /// Beside the picture's there is that of the noise.
    fn in_channels(&self, state: &StateDict) -> usize {
        let reads = state.get("m_head.weight").and_then(|head| head.shape.get(1).copied());
        if reads == Some(2) { 1 } else { 3 }
    }

    fn completed(&self) -> Self {
        Self { noise_level: Some(self.noise_level()), ..self.clone() }
    }

    fn assumption(&self, asked: &Self) -> Option<String> {
        asked.noise_level.is_none().then(|| {
            format!(
                "a noise of {} of 255 is taken away; pass --noise-level, from 0 to {MOST_NOISE}, for another",
                self.noise_level()
            )
        })
    }
}

/// A U-Net of residual blocks without biases, which reads the level of the noise beside the picture.
#[derive(Module, Debug)]
pub struct DruNet {
    m_head: ConvLayer,
    m_down1: Vec<Place>,
    m_down2: Vec<Place>,
    m_down3: Vec<Place>,
    m_body: Vec<Residual>,
    m_up3: Vec<Place>,
    m_up2: Vec<Place>,
    m_up1: Vec<Place>,
    m_tail: ConvLayer,
    /// From 0 to 1.
    #[module(skip)]
    noise: f64,
}

impl DruNet {
    fn new(config: &DruNetConfig, in_channels: usize, init: &Init) -> Self {
        let [a, b, c, d] = config.nc;
        let pieces = Pieces { blocks: config.nb, bias: false };
        let plain = Conv::same(3);
        Self {
            m_head: pieces.conv(init, "m_head", [a, in_channels + 1, 3, 3], 1.0, plain),
            m_down1: pieces.down([a, b], &init.at("m_down1")),
            m_down2: pieces.down([b, c], &init.at("m_down2")),
            m_down3: pieces.down([c, d], &init.at("m_down3")),
            m_body: pieces.residuals(d, 0, &init.at("m_body")),
            m_up3: pieces.up([d, c], &init.at("m_up3")),
            m_up2: pieces.up([c, b], &init.at("m_up2")),
            m_up1: pieces.up([b, a], &init.at("m_up1")),
            m_tail: pieces.conv(init, "m_tail", [made(in_channels), a, 3, 3], 0.5, plain),
            noise: config.noise_level() / 255.0,
        }
    }
}

impl Transform for DruNet {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, h, w, _] = x.dims();
        let noise = Tensor::full([n, h, w, 1], self.noise, &x.device());
        let x = pad_to_multiple(Tensor::cat(vec![x, noise], 3), MULTIPLE);
        let first = self.m_head.forward(x);
        let second = through(&self.m_down1, first.clone());
        let third = through(&self.m_down2, second.clone());
        let fourth = through(&self.m_down3, third.clone());
        let y = self.m_body.iter().fold(fourth.clone(), |y, block| block.forward(y));
        let y = through(&self.m_up3, y + fourth);
        let y = through(&self.m_up2, y + third);
        let y = through(&self.m_up1, y + second);
        cut(self.m_tail.forward(y + first), h, w)
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let one = graph.channels(x, 0..1);
        let none = graph.times(&one, 0.0);
        let noise = graph.float(self.noise as f32);
        let noise = graph.add(&none, &noise);
        let x = graph.joined(&[x, &noise]);
        let first = self.m_head.draw(graph, &x);
        let second = draw_through(&self.m_down1, graph, &first);
        let third = draw_through(&self.m_down2, graph, &second);
        let fourth = draw_through(&self.m_down3, graph, &third);
        let mut y = self.m_body.iter().fold(fourth.clone(), |y, block| block.draw(graph, &y));
        for (level, beside) in [(&self.m_up3, &fourth), (&self.m_up2, &third), (&self.m_up1, &second)] {
            let sum = graph.add(&y, beside);
            y = draw_through(level, graph, &sum);
        }
        let sum = graph.add(&y, &first);
        self.m_tail.draw(graph, &sum)
    }
}
