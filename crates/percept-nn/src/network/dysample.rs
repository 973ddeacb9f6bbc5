//! DySample (Liu et al., *Learning to Upsample by Learning to Sample*, ICCV 2023): an enlargement that learns where to read.

use burn::module::{Module, Param};
use burn::tensor::ops::{GridSampleOptions, GridSamplePaddingMode, InterpolateMode};
use burn::tensor::{Int, Tensor, s};
use percept_conv::{Conv, pixel_shuffle, sigmoid_gate};

use super::init::Init;
use super::layer::ConvLayer;
use crate::onnx::{Attribute, Graph, Value};

/// `[N, H, W, C]` → `[N, H·scale, W·scale, 3]`. Every pixel of the result reads between four of the input, at a place that is
/// moved by what is there; groups of channels move by themselves.
#[derive(Module, Debug)]
pub(super) struct DySample {
    offset: ConvLayer,
    /// How far places may move.
    scope: ConvLayer,
    /// Where pixels of the result lie without moving: x, then y of every group and pixel, `[1, 2·groups·scale², 1, 1]`.
    init_pos: Param<Tensor<4>>,
    /// Is there where more than three channels are sampled.
    end_conv: Option<ConvLayer>,
    #[module(skip)]
    groups: usize,
    #[module(skip)]
    scale: usize,
}

impl DySample {
    pub fn new(channels: usize, scale: usize, init: &Init) -> Self {
        let groups = if scale.is_multiple_of(2) { 4 } else { 3 };
        let places = 2 * groups * scale * scale;
        let one = Conv::default();
        // Pixel i of `scale` in a row lies at (i − (scale − 1) / 2) / scale from the middle.
        let at = move |i: usize| (i as f32 - (scale as f32 - 1.0) / 2.0) / scale as f32;
        let x = (0..groups * scale * scale).map(move |place| at(place % scale));
        let y = (0..groups * scale * scale).map(move |place| at(place / scale % scale));
        Self {
            offset: init.conv("offset", [places, channels, 1, 1], 0.1, one),
            scope: init.conv("scope", [places, channels, 1, 1], 0.0, one).unbiased(),
            init_pos: init.values([1, places, 1, 1], move || x.chain(y).collect()).set_require_grad(false),
            end_conv: (scale != 1).then(|| init.conv("end_conv", [3, channels, 1, 1], 0.7, one)),
            groups,
            scale,
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, h, w, c] = x.dims();
        let (groups, scale, device) = (self.groups, self.scale, x.device());
        let places = groups * scale * scale;
        let moved = sigmoid_gate(self.offset.forward(x.clone()), self.scope.forward(x.clone()));
        let moved = moved.mul_scalar(0.5) + self.init_pos.val().reshape([1, 1, 1, 2 * places]);
        // The middles of pixels along a side, and places on it from −1 to 1.
        let middles = |side: usize| Tensor::<1, Int>::arange(0..side as i64, &device).float().add_scalar(0.5);
        let on_side = |place: Tensor<4>, side: usize| {
            let place = place.mul_scalar(2.0 / side as f64).sub_scalar(1.0);
            pixel_shuffle(place, scale).reshape([n, h * scale, w * scale, groups, 1])
        };
        let columns = moved.clone().slice(s![.., .., .., 0..places]) + middles(w).reshape([1, 1, w, 1]);
        let rows = moved.slice(s![.., .., .., places..2 * places]) + middles(h).reshape([1, h, 1, 1]);
        let grid = Tensor::cat(vec![on_side(columns, w), on_side(rows, h)], 4);
        let grid = grid.permute([0, 3, 1, 2, 4]).reshape([n * groups, h * scale, w * scale, 2]);
        let options = GridSampleOptions::new(InterpolateMode::Bilinear)
            .with_padding_mode(GridSamplePaddingMode::Border)
            .with_align_corners(false);
        let first = x.permute([0, 3, 1, 2]).reshape([n * groups, c / groups, h, w]);
        let read = first.grid_sample_2d(grid, options).reshape([n, c, h * scale, w * scale]);
        let read = read.permute([0, 2, 3, 1]);
        match &self.end_conv {
            Some(conv) => conv.forward(read),
            None => read,
        }
    }

    pub fn draw(&self, graph: &mut Graph, x: &Value) -> Value {
        let places = self.groups * self.scale * self.scale;
        let channels = self.offset.parts().0.dims()[1];
        let offset = self.offset.draw(graph, x);
        let scope = self.scope.draw(graph, x);
        let scope = graph.op("Sigmoid", &[&scope]);
        let moved = graph.mul(&offset, &scope);
        let moved = graph.times(&moved, 0.5);
        let middle = graph.weights(self.init_pos.val());
        let moved = graph.add(&moved, &middle);
        // Width and height: places of each, from −1 to 1, as `[N, groups, H·scale, W·scale, 1]`.
        let [columns, rows] = [(3, 0..places), (2, places..2 * places)].map(|(axis, range)| {
            let side = graph.side(x, axis);
            let middles = graph.range(&side);
            let middles = graph.as_floats(&middles);
            let [half, one, two] = [0.5, 1.0, 2.0].map(|value| graph.float(value));
            let mut middles = graph.add(&middles, &half);
            if axis == 2 {
                let last = graph.ints(&[1]);
                middles = graph.op("Unsqueeze", &[&middles, &last]);
            }
            let place = graph.channels(&moved, range);
            let place = graph.add(&place, &middles);
            // Not beyond the middle of the last pixel: what lies there is zero to some runtimes.
            let side = graph.as_floats(&side);
            let last = graph.op("Sub", &[&side, &half]);
            let place = graph.op("Max", &[&place, &half]);
            let place = graph.op("Min", &[&place, &last]);
            let share = graph.op("Div", &[&two, &side]);
            let place = graph.mul(&place, &share);
            let place = graph.op("Sub", &[&place, &one]);
            let place = graph.pixel_shuffle(&place, self.scale);
            let end = graph.ints(&[4]);
            graph.op("Unsqueeze", &[&place, &end])
        });
        let grid = graph.node("Concat", &[&columns, &rows], &[("axis", Attribute::Int(4))]);
        let groups = (channels / self.groups) as i64;
        let larger = graph.sides(&columns);
        let [each, xy, part, whole] =
            [&[-1][..], &[2], &[-1, groups], &[-1, channels as i64]].map(|parts| graph.ints(parts));
        let sides = graph.sides(x);
        let mut shaped = |y: &Value, parts: &[&Value]| {
            let shape = graph.node("Concat", parts, &[("axis", Attribute::Int(0))]);
            graph.op("Reshape", &[y, &shape])
        };
        let grid = shaped(&grid, &[&each, &larger, &xy]);
        let apart = shaped(x, &[&part, &sides]);
        let attributes = [
            ("mode", Attribute::Text("bilinear")),
            ("padding_mode", Attribute::Text("zeros")),
            ("align_corners", Attribute::Int(0)),
        ];
        let read = graph.node("GridSample", &[&apart, &grid], &attributes);
        let shape = graph.node("Concat", &[&whole, &larger], &[("axis", Attribute::Int(0))]);
        let read = graph.op("Reshape", &[&read, &shape]);
        self.end_conv.iter().fold(read, |y, conv| conv.draw(graph, &y))
    }
}
