//! DAT (Chen et al., *Dual Aggregation Transformer for Image Super-Resolution*, ICCV 2023).

#![allow(non_snake_case, reason = "a name of the authors' weights")]

mod attention;
mod group;
mod places;
mod positions;
mod settings;

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::{Conv, pixel_shuffle};

use super::architecture::{Pool, Transform};
use super::init::Init;
use super::layer::{ConvLayer, LayerNorm};
use super::swinir::MEAN;
use super::upsampler::{self, Connection, GAIN, Upsampler};
use crate::onnx::{Graph, Value};
use crate::weights::StateDict;
use group::Group;
pub use settings::DatConfig;

/// Side of the photos for which other tools take a file to be, where its first group does not show it.
const USUAL: usize = 64;

/// Groups of transformer blocks at the input's size; then the picture is enlarged.
#[derive(Module, Debug)]
pub struct Dat {
    conv_first: ConvLayer,
    /// The first place has no parameters.
    before_RG: Vec<Option<LayerNorm>>,
    layers: Vec<Group>,
    norm: LayerNorm,
    conv_after_body: Connection,
    conv_before_upsample: Vec<ConvLayer>,
    upsample: Vec<Option<ConvLayer>>,
    conv_last: Option<ConvLayer>,
    #[module(skip)]
    scale: usize,
}

impl Dat {
    fn new(config: &DatConfig, scale: usize, in_channels: usize, init: &Init) -> Self {
        let (c, f) = (config.embed_dim, config.num_feat);
        let plain = Conv::same(3);
        let direct = config.upsampler == Upsampler::PixelShuffleDirect;
        let one_step = || init.at("upsample").conv("0", [3 * scale * scale, c, 3, 3], GAIN, plain);
        let groups = config.depth.iter().enumerate();
        Self {
            conv_first: init.conv("conv_first", [c, in_channels, 3, 3], GAIN, plain),
            before_RG: vec![None, Some(LayerNorm::of_torch(c, init))],
            layers: groups
                .map(|(i, depth)| Group::new(config, i, *depth, &init.at("layers").at(i)))
                .collect(),
            norm: LayerNorm::of_torch(c, init),
            conv_after_body: Connection::new(config.resi_connection, c, init, "conv_after_body"),
            conv_before_upsample: if direct { Vec::new() } else { upsampler::before(c, f, init) },
            upsample: if direct { vec![Some(one_step())] } else { upsampler::stages(scale, f, init) },
            conv_last: (!direct).then(|| init.conv("conv_last", [3, f, 3, 3], GAIN, plain)),
            scale,
        }
    }

    /// Without a pool, means are those of `x`.
    fn through(&self, x: Tensor<4>, mut pool: Option<&mut Pool<'_>>) -> Option<Tensor<4>> {
        let mean = Tensor::<1>::from_floats(MEAN, &x.device()).reshape([1, 1, 1, 3]);
        // A packed RAW has four channels and no mean colour.
        let photo = x.dims()[3] == 3;
        let first = self.conv_first.forward(if photo { x - mean.clone() } else { x });
        let y = self.before_RG.iter().flatten().fold(first.clone(), |y, norm| norm.forward(y));
        let y = self.layers.iter().try_fold(y, |y, group| group.forward(y, pool.as_deref_mut()))?;
        let y = self.conv_after_body.forward_onto(self.norm.forward(y), first);
        let y = match &self.conv_last {
            Some(last) => {
                let y = self.conv_before_upsample.iter().fold(y, |y, conv| conv.forward(y));
                last.forward(upsampler::shuffle_up(&self.upsample, y, self.scale))
            }
            None => {
                let y = self.upsample.iter().flatten().fold(y, |y, conv| conv.forward(y));
                pixel_shuffle(y, self.scale)
            }
        };
        Some(if photo { y + mean } else { y })
    }
}

impl Transform for Dat {
    /// The authors' files have, for each block, where pixels of a window stand to each other, and for shifted windows which of
    /// them are apart in photos of the size of training, which is the side of a window here.
    fn saved(&self, mut state: StateDict) -> StateDict {
        let shows_side = self.layers.first().is_some_and(|group| group.depth() > 2);
        let side = (!shows_side).then_some(USUAL);
        for (i, group) in self.layers.iter().enumerate() {
            state.extend_prefixed(&format!("layers.{i}."), group.derived(side));
        }
        state
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let ([n, h, w, _], device) = (x.dims(), x.device());
        // Only a pool stops, so there is always a result.
        let none = || Tensor::zeros([n, h * self.scale, w * self.scale, 3], &device);
        self.through(x, None).unwrap_or_else(none)
    }

    /// With channels compared, and their means taken, over the image that `x` is a tile of.
    fn forward_pooled(&self, x: Tensor<4>, pool: &mut Pool<'_>) -> Option<Tensor<4>> {
        self.through(x, Some(pool))
    }

    fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let mean = graph.floats(&[3, 1, 1], &MEAN);
        let photo = self.conv_first.reads() == 3;
        let x = if photo { graph.op("Sub", &[x, &mean]) } else { x.clone() };
        let first = self.conv_first.draw(graph, &x);
        let y = self.before_RG.iter().flatten().fold(first.clone(), |y, norm| norm.draw(graph, &y));
        let y = self.layers.iter().fold(y, |y, group| group.draw(graph, &y));
        let y = self.norm.draw(graph, &y);
        let y = self.conv_after_body.draw_onto(graph, &y, &first);
        let y = match &self.conv_last {
            Some(last) => {
                let y = self.conv_before_upsample.iter().fold(y, |y, conv| conv.draw(graph, &y));
                let y = upsampler::draw_up(&self.upsample, graph, &y, self.scale);
                last.draw(graph, &y)
            }
            None => {
                let y = self.upsample.iter().flatten().fold(y, |y, conv| conv.draw(graph, &y));
                graph.pixel_shuffle(&y, self.scale)
            }
        };
        if photo { graph.add(&y, &mean) } else { y }
    }
}
