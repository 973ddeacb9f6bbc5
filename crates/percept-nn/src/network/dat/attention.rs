//! Attention of DAT: in windows of two shapes, or between channels, with a convolution beside it.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation, s};
use percept_conv::{Windows, window_attention};

use super::DatConfig;
use super::places::{Place, conv, draw_through, norm, through};
use super::positions::Positions;
use crate::network::architecture::{Pool, mean};
use crate::network::covariance::{by_image, shares, statistics};
use crate::network::init::Init;
use crate::network::layer::{Linear, cut, pad_to_multiple};
use crate::network::window::{APART, by_position, draw_by_position, position_index};
use crate::onnx::{Graph, Value};
use crate::weights::{Array, StateDict};

/// Attention of half of the heads, in windows.
#[derive(Module, Debug)]
struct Half {
    /// All differences of positions in a window, down and across.
    rpe_biases: Param<Tensor<2>>,
    pos: Positions,
    #[module(skip)]
    size: [usize; 2],
}

impl Half {
    fn new(channels: usize, heads: usize, size: [usize; 2], at: &Init) -> Self {
        let [height, width] = size.map(|side| side as i32);
        let differences = (1 - height..height)
            .flat_map(move |y| (1 - width..width).flat_map(move |x| [y as f32, x as f32]));
        let count = (2 * size[0] - 1) * (2 * size[1] - 1);
        Self {
            rpe_biases: at.values([count, 2], move || differences.collect()).set_require_grad(false),
            pos: Positions::new(channels, heads, &at.at("pos")),
            size,
        }
    }

    fn windows(&self, shifted: bool) -> Windows {
        let shift = if shifted { self.size.map(|side| side / 2) } else { [0, 0] };
        Windows { size: self.size, shift, apart: APART }
    }

    fn forward(&self, qkv: Tensor<4>, shifted: bool) -> Tensor<4> {
        let bias = by_position(self.pos.forward(self.rpe_biases.val()), self.size);
        window_attention(qkv, bias, self.windows(shifted))
    }

    fn draw(&self, graph: &mut Graph, qkv: &Value, channels: usize, shifted: bool) -> Value {
        let table = self.pos.forward(self.rpe_biases.val());
        let sizes = [channels, table.dims()[1]];
        let bias = draw_by_position(graph, table, self.size);
        graph.window_attention(qkv, sizes, &bias, self.windows(shifted))
    }
}

/// Attention, a convolution beside it, and each weighted by what the other found.
#[derive(Module, Debug)]
pub(super) struct Attention {
    qkv: Linear,
    proj: Linear,
    /// In windows one way and the other; none where it is between channels.
    attns: Vec<Half>,
    /// Of attention between channels.
    temperature: Option<Param<Tensor<3>>>,
    dwconv: Vec<Option<Place>>,
    channel_interaction: Vec<Option<Place>>,
    spatial_interaction: Vec<Option<Place>>,
    #[module(skip)]
    shifted: bool,
}

impl Attention {
    pub fn new(config: &DatConfig, group: usize, block: usize, at: &Init) -> Self {
        let c = config.embed_dim;
        let heads = config.num_heads.get(group).copied().unwrap_or(2);
        let in_windows = block.is_multiple_of(2);
        let [height, width] = config.split_size;
        let half = |i: usize, size| Half::new(c / 2, heads / 2, size, &at.at("attns").at(i));
        let [beside, channel, spatial] =
            ["dwconv", "channel_interaction", "spatial_interaction"].map(|name| at.at(name));
        let qkv = Linear::new([3 * c, c], &at.at("qkv"));
        Self {
            qkv: if config.qkv_bias { qkv } else { qkv.unbiased() },
            proj: Linear::new([c, c], &at.at("proj")),
            attns: if in_windows {
                vec![half(0, [height, width]), half(1, [width, height])]
            } else {
                Vec::new()
            },
            temperature: (!in_windows).then(|| at.full([heads, 1, 1], 1.0)),
            dwconv: vec![conv("0", [c, 1], 3, &beside), norm(c, &beside)],
            channel_interaction: vec![
                None,
                conv("1", [c / 8, c], 1, &channel),
                norm(c / 8, &channel),
                None,
                conv("4", [c, c / 8], 1, &channel),
            ],
            spatial_interaction: vec![
                conv("0", [c / 16, c], 1, &spatial),
                norm(c / 16, &spatial),
                None,
                conv("3", [1, c / 16], 1, &spatial),
            ],
            shifted: match group % 2 {
                0 => block > 0 && block % 4 == 2,
                _ => block.is_multiple_of(4),
            },
        }
    }

    /// What follows from the windows: where pixels of one stand to each other, and where windows are shifted which of them are
    /// apart, in a photo of this side, or of the longest side of a window.
    pub fn derived(&self, side: Option<usize>) -> StateDict {
        let mut state = StateDict::new();
        let side = side.unwrap_or_else(|| self.longest());
        for (i, half) in self.attns.iter().enumerate() {
            state.insert(&format!("attns.{i}.relative_position_index"), position_index(half.size));
            if self.shifted {
                let windows = half.windows(true);
                let pixels = windows.pixels();
                let (shape, data) = (vec![side * side / pixels, pixels, pixels], windows.mask([side; 2]));
                state.insert(&format!("attn_mask_{i}"), Array { shape, data });
            }
        }
        state
    }

    /// `attention(x) + residual`.
    pub fn forward_onto(
        &self,
        x: Tensor<4>,
        residual: Tensor<4>,
        pool: Option<&mut Pool<'_>>,
    ) -> Option<Tensor<4>> {
        let qkv = self.qkv.forward(x);
        let c = qkv.dims()[3] / 3;
        let values = qkv.clone().slice(s![.., .., .., 2 * c..3 * c]);
        let beside = through(&self.dwconv, values.clone());
        let [channel, spatial] = [&self.channel_interaction, &self.spatial_interaction]
            .map(|places| move |x| activation::sigmoid(through(places, x)));
        let y = match &self.temperature {
            Some(temperature) => {
                let found = match pool {
                    Some(pool) => pool(qkv, &statistics)?,
                    None => statistics(qkv),
                };
                let (shares, mean) = shares(found, temperature.val());
                let attended = by_image(values, shares, None);
                attended * spatial(beside.clone()) + beside * channel(mean)
            }
            None => {
                let attended = self.in_windows(qkv);
                let mean = match pool {
                    Some(pool) => pool(beside.clone(), &mean)?,
                    None => mean(beside.clone()),
                };
                attended.clone() * channel(mean) + beside * spatial(attended)
            }
        };
        Some(self.proj.forward_onto(y, residual))
    }

    /// Both halves of the channels in their windows; beyond the image there are zeros, as the authors have it.
    fn in_windows(&self, qkv: Tensor<4>) -> Tensor<4> {
        let [_, h, w, all] = qkv.dims();
        let (c, half) = (all / 3, all / 6);
        let qkv = pad_to_multiple(qkv, self.longest());
        let parts = self.attns.iter().enumerate().map(|(i, attn)| {
            let part = |which: usize| {
                let from = which * c + i * half;
                qkv.clone().slice(s![.., .., .., from..from + half])
            };
            attn.forward(Tensor::cat(vec![part(0), part(1), part(2)], 3), self.shifted)
        });
        cut(Tensor::cat(parts.collect(), 3), h, w)
    }

    /// [`forward_onto`](Self::forward_onto) in a graph.
    pub fn draw_onto(&self, graph: &mut Graph, x: &Value, residual: &Value) -> Value {
        let c = self.proj.reads();
        let qkv = self.qkv.draw(graph, x);
        let values = graph.channels(&qkv, 2 * c..3 * c);
        let beside = draw_through(&self.dwconv, graph, &values);
        let attended = match &self.temperature {
            Some(temperature) => graph.channel_attention(&qkv, c, temperature.val()),
            None => self.draw_in_windows(graph, &qkv, c),
        };
        // Each is weighted by the other: one by channel, the other by pixel.
        let (by_channel, by_pixel) = match self.temperature {
            Some(_) => (&beside, &attended),
            None => (&attended, &beside),
        };
        let mean = graph.mean(by_pixel);
        let channel = draw_through(&self.channel_interaction, graph, &mean);
        let spatial = draw_through(&self.spatial_interaction, graph, by_channel);
        let [one, other] = [(by_channel, channel), (by_pixel, spatial)].map(|(x, weights)| {
            let weights = graph.op("Sigmoid", &[&weights]);
            graph.mul(x, &weights)
        });
        let y = graph.add(&one, &other);
        self.proj.draw_onto(graph, &y, residual)
    }

    fn draw_in_windows(&self, graph: &mut Graph, qkv: &Value, c: usize) -> Value {
        let half = c / 2;
        let padded = graph.padded_to_multiple(qkv, self.longest());
        let parts = self.attns.iter().enumerate().map(|(i, attn)| {
            let [q, k, v] = [0, c, 2 * c].map(|from| {
                let from = from + i * half;
                graph.channels(&padded, from..from + half)
            });
            let part = graph.joined(&[&q, &k, &v]);
            attn.draw(graph, &part, half, self.shifted)
        });
        let parts: Vec<_> = parts.collect();
        let both = graph.joined(&parts.iter().collect::<Vec<_>>());
        graph.cut_to(&both, qkv, 1)
    }

    /// The longest side of a window.
    fn longest(&self) -> usize {
        self.attns.iter().flat_map(|attn| attn.size).max().unwrap_or(1)
    }
}
