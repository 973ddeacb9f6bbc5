//! What networks are made of, of several operators each.

use burn::tensor::{Device, Tensor, TensorData};
use percept_conv::{Activation, Conv};

use super::graph::{Attribute, Graph, Value};
use crate::network::{Border, Edges};

/// Places of height and width.
const SIDES: [i64; 2] = [2, 3];

impl Graph {
    /// Sum of two, one of which may be a constant.
    pub fn add(&mut self, a: &Value, b: &Value) -> Value {
        self.op("Add", &[a, b])
    }

    /// Product of two, one of which may be a constant.
    pub fn mul(&mut self, a: &Value, b: &Value) -> Value {
        self.op("Mul", &[a, b])
    }

    /// `x` times a number.
    pub fn times(&mut self, x: &Value, factor: f64) -> Value {
        if factor == 1.0 {
            return x.clone();
        }
        let factor = self.float(factor as f32);
        self.mul(x, &factor)
    }

    /// A number for each channel, to be added to or multiplied with pictures.
    pub fn of_channels(&mut self, values: Tensor<1>) -> Value {
        let channels = values.dims()[0];
        self.weights(values.reshape([channels, 1, 1]))
    }

    /// One after the other along the channels.
    pub fn joined(&mut self, parts: &[&Value]) -> Value {
        self.node("Concat", parts, &[("axis", Attribute::Int(1))])
    }

    /// The channels of a range.
    pub fn channels(&mut self, x: &Value, range: std::ops::Range<usize>) -> Value {
        let [from, to, axis] = [range.start as i64, range.end as i64, 1].map(|place| self.ints(&[place]));
        self.op("Slice", &[x, &from, &to, &axis])
    }

    /// A convolution with what is added to it and what follows; `weight` is `[out, in / groups, k, k]`.
    pub fn conv(
        &mut self,
        x: &Value,
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        conv: Conv,
        groups: usize,
    ) -> Value {
        let Conv { stride, padding, dilation, activation, .. } = conv;
        let [_, _, height, width] = weight.dims().map(|side| side as i64);
        let [strides, dilations] = [stride, dilation].map(|value| [value as i64; 2]);
        let attributes = [
            ("kernel_shape", Attribute::Ints(&[height, width])),
            ("strides", Attribute::Ints(&strides)),
            ("pads", Attribute::Ints(&[padding as i64; 4])),
            ("dilations", Attribute::Ints(&dilations)),
            ("group", Attribute::Int(groups as i64)),
        ];
        let weight = self.weights(weight);
        let bias = bias.map(|bias| self.weights(bias));
        let inputs: Vec<_> = [x, &weight].into_iter().chain(&bias).collect();
        let y = self.node("Conv", &inputs, &attributes);
        self.activated(&y, activation)
    }

    /// What follows a convolution.
    pub fn activated(&mut self, x: &Value, activation: Activation) -> Value {
        match activation {
            Activation::None => x.clone(),
            Activation::Relu => self.op("Relu", &[x]),
            Activation::LeakyRelu(slope) => {
                self.node("LeakyRelu", &[x], &[("alpha", Attribute::Float(slope))])
            }
        }
    }

    /// The Gaussian error linear unit, `x · Φ(x)`.
    pub fn gelu(&mut self, x: &Value) -> Value {
        let small = self.times(x, std::f64::consts::FRAC_1_SQRT_2);
        let error = self.op("Erf", &[&small]);
        let one = self.float(1.0);
        let twice = self.add(&error, &one);
        let half = self.times(x, 0.5);
        self.mul(&half, &twice)
    }

    /// `x · sigmoid(x)`.
    pub fn silu(&mut self, x: &Value) -> Value {
        let gate = self.op("Sigmoid", &[x]);
        self.mul(x, &gate)
    }

    /// `x · tanh(softplus(x))`.
    pub fn mish(&mut self, x: &Value) -> Value {
        let soft = self.op("Softplus", &[x]);
        let gate = self.op("Tanh", &[&soft]);
        self.mul(x, &gate)
    }

    /// `[N, C·r², H, W]` → `[N, C, H·r, W·r]`, as PyTorch's `pixel_shuffle`.
    pub fn pixel_shuffle(&mut self, x: &Value, r: usize) -> Value {
        match r {
            1 => x.clone(),
            _ => {
                let attributes = [("blocksize", Attribute::Int(r as i64)), ("mode", Attribute::Text("CRD"))];
                self.node("DepthToSpace", &[x], &attributes)
            }
        }
    }

    /// The inverse, of so many channels: a convolution that sorts. ONNX's own operator has another order of channels, and not
    /// every runtime has it.
    pub fn pixel_unshuffle(&mut self, x: &Value, channels: usize, r: usize) -> Value {
        if r == 1 {
            return x.clone();
        }
        let made = channels * r * r;
        let mut kernel = vec![0.0; made * r * r];
        for (at, row) in kernel.chunks_exact_mut(r * r).enumerate() {
            row[at % (r * r)] = 1.0;
        }
        let weight = Tensor::from_data(TensorData::new(kernel, [made, 1, r, r]), &Device::flex());
        self.conv(x, weight, None, Conv { stride: r, ..Conv::default() }, channels)
    }

    /// Every pixel `scale × scale` times.
    pub fn enlarge_nearest(&mut self, x: &Value, scale: usize) -> Value {
        let modes = [("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric")];
        self.resize(x, scale, &[modes[0], modes[1], ("nearest_mode", "floor")])
    }

    /// Bilinear, half-pixel centres.
    pub fn enlarge_bilinear(&mut self, x: &Value, scale: usize) -> Value {
        self.resize(x, scale, &[("mode", "linear"), ("coordinate_transformation_mode", "half_pixel")])
    }

    fn resize(&mut self, x: &Value, scale: usize, modes: &[(&str, &str)]) -> Value {
        if scale == 1 {
            return x.clone();
        }
        // Between the two stands a region, which only other modes read.
        let none = self.floats(&[0], &[]);
        let scales = self.floats(&[4], &[1.0, 1.0, scale as f32, scale as f32]);
        let modes: Vec<_> = modes.iter().map(|(key, mode)| (*key, Attribute::Text(mode))).collect();
        self.node("Resize", &[x, &none, &scales], &modes)
    }

    /// Height and width of `x`, one after the other.
    pub fn sides(&mut self, x: &Value) -> Value {
        self.node("Shape", &[x], &[("start", Attribute::Int(2)), ("end", Attribute::Int(4))])
    }

    /// A side of `x` as a number: 2 is the height, 3 the width.
    pub fn side(&mut self, x: &Value, axis: i64) -> Value {
        let side =
            self.node("Shape", &[x], &[("start", Attribute::Int(axis)), ("end", Attribute::Int(axis + 1))]);
        let place = self.ints(&[0]);
        self.op("Squeeze", &[&side, &place])
    }

    /// 0, 1, … before `end`, a whole number.
    pub fn range(&mut self, end: &Value) -> Value {
        let [from, step] = [0, 1].map(|value| self.int(value));
        self.op("Range", &[&from, end, &step])
    }

    /// Whole numbers as floats.
    pub fn as_floats(&mut self, x: &Value) -> Value {
        self.node("Cast", &[x], &[("to", Attribute::Int(super::proto::data_type::FLOAT.into()))])
    }

    /// The mean over the image, `[N, C, 1, 1]`.
    pub fn mean(&mut self, x: &Value) -> Value {
        self.op("GlobalAveragePool", &[x])
    }

    /// Every pixel normalised over its channels.
    pub fn layer_norm(&mut self, x: &Value, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Value {
        let [from_mean, deviation] = self.deviation(x, epsilon);
        let normal = self.op("Div", &[&from_mean, &deviation]);
        self.of_weight_and_bias(&normal, weight, bias)
    }

    /// How far channels are from the mean of their pixel, and the root of the mean square of that, with `epsilon` below the
    /// root.
    pub fn deviation(&mut self, x: &Value, epsilon: f64) -> [Value; 2] {
        let over_channels =
            |graph: &mut Self, x: &Value| graph.node("ReduceMean", &[x], &[("axes", Attribute::Ints(&[1]))]);
        let mean = over_channels(self, x);
        let from_mean = self.op("Sub", &[x, &mean]);
        let squares = self.mul(&from_mean, &from_mean);
        let variance = over_channels(self, &squares);
        let epsilon = self.float(epsilon as f32);
        let above = self.add(&variance, &epsilon);
        let deviation = self.op("Sqrt", &[&above]);
        [from_mean, deviation]
    }

    /// Groups of channels normalised over the image.
    pub fn group_norm(
        &mut self,
        x: &Value,
        groups: usize,
        weight: Tensor<1>,
        bias: Tensor<1>,
        epsilon: f64,
    ) -> Value {
        let flat = self.ints(&[0, groups as i64, -1]);
        let grouped = self.op("Reshape", &[x, &flat]);
        let [one, zero] = [1.0, 0.0].map(|value| self.floats(&[groups], &vec![value; groups]));
        let epsilon = [("epsilon", Attribute::Float(epsilon as f32))];
        let normal = self.node("InstanceNormalization", &[&grouped, &one, &zero], &epsilon);
        let shape = self.op("Shape", &[x]);
        let normal = self.op("Reshape", &[&normal, &shape]);
        self.of_weight_and_bias(&normal, weight, bias)
    }

    fn of_weight_and_bias(&mut self, x: &Value, weight: Tensor<1>, bias: Tensor<1>) -> Value {
        let [weight, bias] = [weight, bias].map(|values| self.of_channels(values));
        let y = self.mul(x, &weight);
        self.add(&y, &bias)
    }

    /// Both sides continued below and to the right, as [`Model::restore`](crate::model::Model::restore) does.
    pub fn continued(&mut self, x: &Value, border: Border) -> Value {
        if border.reach() <= 1 {
            return x.clone();
        }
        if border.edges == Edges::Black {
            return self.padded_to_multiple(x, border.multiple);
        }
        SIDES.into_iter().fold(x.clone(), |y, axis| {
            let places = self.continued_places(x, axis, border);
            self.node("Gather", &[&y, &places], &[("axis", Attribute::Int(axis))])
        })
    }

    /// Zeros below and to the right until both sides are multiples of `multiple`.
    pub fn padded_to_multiple(&mut self, x: &Value, multiple: usize) -> Value {
        if multiple == 1 {
            return x.clone();
        }
        let sides = self.sides(x);
        let longer = self.up_to_multiple(&sides, multiple as i64);
        let more = self.op("Sub", &[&longer, &sides]);
        // Before and behind each dimension: nothing but behind the last two.
        let none = self.ints(&[0; 6]);
        let pads = self.node("Concat", &[&none, &more], &[("axis", Attribute::Int(0))]);
        self.op("Pad", &[x, &pads])
    }

    /// The least multiples of `multiple` that are not below these whole numbers.
    fn up_to_multiple(&mut self, numbers: &Value, multiple: i64) -> Value {
        let [rest, multiple] = [multiple - 1, multiple].map(|value| self.int(value));
        let up = self.add(numbers, &rest);
        let parts = self.op("Div", &[&up, &multiple]);
        self.mul(&parts, &multiple)
    }

    /// Where the pixels of the longer side are read. ONNX's own padding cannot mirror more than there is.
    fn continued_places(&mut self, x: &Value, axis: i64, border: Border) -> Value {
        let side = self.side(x, axis);
        let least = self.int(border.least as i64);
        let first = if border.least > 0 { self.op("Max", &[&side, &least]) } else { side.clone() };
        let longer = self.up_to_multiple(&first, border.multiple as i64);
        let places = self.range(&longer);
        if border.edges == Edges::Repeated {
            let last = self.last_place(&side);
            return self.op("Min", &[&places, &last]);
        }
        let places = self.mirrored(&places, &first);
        if border.least > 0 { self.mirrored(&places, &side) } else { places }
    }

    /// Places of so many pixels followed by their mirror image, and that by its last pixel.
    fn mirrored(&mut self, places: &Value, count: &Value) -> Value {
        let [zero, two] = [0, 2].map(|value| self.int(value));
        let last = self.last_place(count);
        let there_and_back = self.mul(&last, &two);
        let back = self.op("Sub", &[&there_and_back, places]);
        let back = self.op("Max", &[&back, &zero]);
        self.op("Min", &[places, &back])
    }

    fn last_place(&mut self, count: &Value) -> Value {
        let one = self.int(1);
        self.op("Sub", &[count, &one])
    }

    /// The top left part of `y`, `scale` times as large as `x`.
    pub fn cut_to(&mut self, y: &Value, x: &Value, scale: usize) -> Value {
        let sides = self.sides(x);
        let scale = self.int(scale as i64);
        let ends = self.mul(&sides, &scale);
        let [starts, axes] = [[0; 2], SIDES].map(|places| self.ints(&places));
        self.op("Slice", &[y, &starts, &ends, &axes])
    }
}
