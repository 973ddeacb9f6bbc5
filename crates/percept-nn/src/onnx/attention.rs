//! Attention, of pixels of a window and of channels.

use burn::tensor::Tensor;
use percept_conv::Windows;

use super::graph::{Attribute, Graph, Value};

/// Keeps what is divided by the length of a channel of zeros finite, as PyTorch does.
const LEAST: f32 = 1e-12;

impl Graph {
    /// [`window_attention`](percept_conv::window_attention) of `qkv`, `[N, 3·channels, H, W]` with sides that are multiples of
    /// the windows'; `bias` is `[heads, pixels, pixels]`.
    pub fn window_attention(
        &mut self,
        qkv: &Value,
        [channels, heads]: [usize; 2],
        bias: &Value,
        windows: Windows,
    ) -> Value {
        let shift = windows.shift.map(|side| side as i64);
        let qkv = self.rolled(qkv, shift);
        let sides = self.sides(&qkv);
        let counts = self.counts(&sides, windows.size);
        let [q, k, v] = [0, 1, 2].map(|part| {
            let x = self.channels(&qkv, part * channels..(part + 1) * channels);
            self.in_windows(&x, &counts, windows.size, [channels, heads])
        });
        let q = self.permuted(&q, &[0, 1, 2, 3, 5, 4]);
        let q = self.times(&q, ((channels / heads) as f64).sqrt().recip());
        let scores = self.op("MatMul", &[&q, &k]);
        // Where a shift has joined opposite edges both ways, what keeps pixels apart counts twice: no less apart.
        let bias = if shift[0] > 0 { self.keep_apart(bias, &counts, windows, 0) } else { bias.clone() };
        let mut scores = self.add(&scores, &bias);
        if shift[1] > 0 {
            scores = self.keep_apart(&scores, &counts, windows, 1);
        }
        let shares = self.softmax(&scores);
        let v = self.permuted(&v, &[0, 1, 2, 3, 5, 4]);
        let mixed = self.op("MatMul", &[&shares, &v]);
        // [N, windows down, windows across, pixels, heads, channels of a head]
        let mixed = self.permuted(&mixed, &[0, 1, 2, 4, 3, 5]);
        let [height, width] = windows.size.map(|side| side as i64);
        let whole = self.ints(&[0, 0, 0, height, width, channels as i64]);
        let mixed = self.op("Reshape", &[&mixed, &whole]);
        let mixed = self.permuted(&mixed, &[0, 5, 1, 3, 2, 4]);
        let same = self.ints(&[0, 0]);
        let picture = self.in_a_row(&[&same, &sides]);
        let mixed = self.op("Reshape", &[&mixed, &picture]);
        self.rolled(&mixed, shift.map(|side| -side))
    }

    /// Attention between the channels of each head over the whole image, of `qkv`, `[N, 3·channels, H, W]`; `temperature` is
    /// `[heads, 1, 1]`.
    pub fn channel_attention(&mut self, qkv: &Value, channels: usize, temperature: Tensor<3>) -> Value {
        let heads = temperature.dims()[0];
        let rows = self.ints(&[0, heads as i64, (channels / heads) as i64, -1]);
        let parts = [0, 1, 2].map(|part| self.channels(qkv, part * channels..(part + 1) * channels));
        let [q, k, v] = parts.each_ref().map(|x| self.op("Reshape", &[x, &rows]));
        let [q, k] = [q, k].map(|x| {
            let length = self.node("ReduceL2", &[&x], &[("axes", Attribute::Ints(&[3]))]);
            let least = self.float(LEAST);
            let length = self.op("Max", &[&length, &least]);
            self.op("Div", &[&x, &length])
        });
        let k = self.permuted(&k, &[0, 1, 3, 2]);
        let likeness = self.op("MatMul", &[&q, &k]);
        let temperature = self.weights(temperature);
        let scores = self.mul(&likeness, &temperature);
        let shares = self.softmax(&scores);
        let mixed = self.op("MatMul", &[&shares, &v]);
        let shape = self.op("Shape", &[&parts[2]]);
        self.op("Reshape", &[&mixed, &shape])
    }

    fn softmax(&mut self, x: &Value) -> Value {
        self.node("Softmax", &[x], &[("axis", Attribute::Int(-1))])
    }

    fn permuted(&mut self, x: &Value, axes: &[i64]) -> Value {
        self.node("Transpose", &[x], &[("perm", Attribute::Ints(axes))])
    }

    fn in_a_row(&mut self, parts: &[&Value]) -> Value {
        self.node("Concat", parts, &[("axis", Attribute::Int(0))])
    }

    /// The picture moved up and to the left; what leaves it enters it at the opposite edge.
    fn rolled(&mut self, x: &Value, by: [i64; 2]) -> Value {
        let axes = [2, 3].into_iter().zip(by).filter(|(_, by)| *by != 0);
        axes.fold(x.clone(), |x, (axis, by)| {
            let [first, last, cut, place] = [0, i64::MAX, by, axis].map(|value| self.ints(&[value]));
            let [rest, left] =
                [[&cut, &last], [&first, &cut]].map(|[from, to]| self.op("Slice", &[&x, from, to, &place]));
            self.node("Concat", &[&rest, &left], &[("axis", Attribute::Int(axis))])
        })
    }

    /// How many windows there are down and across, each a row of one number.
    fn counts(&mut self, sides: &Value, size: [usize; 2]) -> [Value; 2] {
        let size = self.ints(&size.map(|side| side as i64));
        let counts = self.op("Div", &[sides, &size]);
        [0, 1].map(|at| {
            let [from, to] = [at, at + 1].map(|place| self.ints(&[place]));
            self.op("Slice", &[&counts, &from, &to])
        })
    }

    /// `[N, C, H, W]` → `[N, windows down, windows across, heads, channels of a head, pixels]`.
    fn in_windows(
        &mut self,
        x: &Value,
        [down, across]: &[Value; 2],
        size: [usize; 2],
        [channels, heads]: [usize; 2],
    ) -> Value {
        let [height, width] = size.map(|side| self.ints(&[side as i64]));
        let same = self.ints(&[0, 0]);
        let split = self.in_a_row(&[&same, down, &height, across, &width]);
        let x = self.op("Reshape", &[x, &split]);
        let x = self.permuted(&x, &[0, 2, 4, 1, 3, 5]);
        let [depth, pixels] = [channels / heads, size[0] * size[1]].map(|count| count as i64);
        let flat = self.ints(&[0, 0, 0, heads as i64, depth, pixels]);
        self.op("Reshape", &[&x, &flat])
    }

    /// `scores`, to which is added what keeps pixels apart that a shift down (0) or to the right (1) has joined: in the last
    /// windows that way, those that entered the image again and those that did not.
    fn keep_apart(&mut self, scores: &Value, counts: &[Value; 2], windows: Windows, way: usize) -> Value {
        let place = self.ints(&[0]);
        let count = self.op("Squeeze", &[&counts[way], &place]);
        let one = self.int(1);
        let numbers = self.range(&count);
        let numbers = self.add(&numbers, &one);
        let last = self.op("Div", &[&numbers, &count]);
        // Of windows down, those across, heads, and pairs of pixels; of windows across, the same without the first.
        let ones: &[i64] = if way == 0 { &[-1, 1, 1, 1, 1] } else { &[-1, 1, 1, 1] };
        let shape = self.ints(ones);
        let last = self.op("Reshape", &[&last, &shape]);
        let entered: Vec<_> =
            windows.sides([true; 2]).iter().map(|entered| i64::from(entered[way])).collect();
        let pixels = entered.len();
        let [looking, seen] = [[pixels, 1], [1, pixels]].map(|shape| {
            let entered = self.indices(&shape, &entered);
            self.mul(&last, &entered)
        });
        let together = self.op("Equal", &[&looking, &seen]);
        let [nothing, apart] = [0.0, windows.apart as f32].map(|value| self.float(value));
        let mask = self.op("Where", &[&together, &nothing, &apart]);
        self.add(scores, &mask)
    }
}
