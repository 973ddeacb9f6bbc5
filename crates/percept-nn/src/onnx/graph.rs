//! A graph that grows from its input to its output.

use burn::tensor::Tensor;
use half::f16;
use prost::Message;

use super::proto::{self, data_type};
use crate::weights::Array;

/// The version of the file format, and that of the operators.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;
/// What a file of this format may hold.
const MOST_BYTES: usize = i32::MAX as usize;

/// What an operator gave, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value(String);

/// A setting of an operator.
#[derive(Clone, Debug)]
pub(crate) enum Attribute<'a> {
    Int(i64),
    Float(f32),
    Text(&'a str),
    Ints(&'a [i64]),
}

/// Operators and constants.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    nodes: Vec<proto::Node>,
    constants: Vec<proto::Tensor>,
    half: bool,
}

impl Graph {
    pub const INPUT: &str = "input";
    pub const OUTPUT: &str = "output";

    /// A graph without operators. With `half`, weights take 16 bits in the file and are widened when they are used.
    pub fn new(half: bool) -> Self {
        Self { half, ..Self::default() }
    }

    /// What the graph reads.
    pub fn input(&self) -> Value {
        Value(Self::INPUT.to_string())
    }

    /// The result of the operator `op`.
    pub fn node(&mut self, op: &str, inputs: &[&Value], attributes: &[(&str, Attribute<'_>)]) -> Value {
        let name = format!("{op}_{}", self.nodes.len());
        self.nodes.push(proto::Node {
            input: inputs.iter().map(|input| input.0.clone()).collect(),
            output: vec![name.clone()],
            name: Some(name.clone()),
            op_type: Some(op.to_string()),
            attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
        });
        Value(name)
    }

    /// The result of an operator without settings.
    pub fn op(&mut self, op: &str, inputs: &[&Value]) -> Value {
        self.node(op, inputs, &[])
    }

    /// Weights of a network.
    pub fn weights<const D: usize>(&mut self, tensor: Tensor<D>) -> Value {
        let Array { shape, data } = Array::of(tensor);
        // Beyond what 16 bits can say, a value would be infinite.
        if self.half && data.iter().all(|value| value.abs() <= f16::MAX.to_f32()) {
            let bytes = data.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
            let short = self.constant(&shape, data_type::FLOAT16, bytes);
            return self.node("Cast", &[&short], &[("to", Attribute::Int(data_type::FLOAT.into()))]);
        }
        self.floats(&shape, &data)
    }

    /// Numbers that are not learned, of this shape.
    pub fn floats(&mut self, shape: &[usize], values: &[f32]) -> Value {
        self.constant(shape, data_type::FLOAT, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// A number for all.
    pub fn float(&mut self, value: f32) -> Value {
        self.floats(&[], &[value])
    }

    /// Whole numbers of this shape.
    pub fn indices(&mut self, shape: &[usize], values: &[i64]) -> Value {
        self.constant(shape, data_type::INT64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Whole numbers in a row.
    pub fn ints(&mut self, values: &[i64]) -> Value {
        self.indices(&[values.len()], values)
    }

    /// A whole number.
    pub fn int(&mut self, value: i64) -> Value {
        self.indices(&[], &[value])
    }

    fn constant(&mut self, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> Value {
        let dims: Vec<_> = shape.iter().map(|extent| *extent as i64).collect();
        // Small ones are needed again and again.
        let same = |known: &&proto::Tensor| {
            known.data_type == Some(data_type)
                && known.dims == dims
                && known.raw_data.as_ref() == Some(&raw_data)
        };
        if let Some(name) = self.constants.iter().find(same).and_then(|known| known.name.clone()) {
            return Value(name);
        }
        let name = format!("constant_{}", self.constants.len());
        self.constants.push(proto::Tensor {
            dims,
            data_type: Some(data_type),
            name: Some(name.clone()),
            raw_data: Some(raw_data),
        });
        Value(name)
    }

    /// The whole file, whose result is `output`; `about` is what it says of itself. `None` where the file would be larger than
    /// the format allows. `channels` and `output_channels` are those of input and output, `scale` times larger.
    pub fn file(
        mut self,
        output: &Value,
        channels: [usize; 2],
        scale: usize,
        about: Vec<(String, String)>,
    ) -> Option<Vec<u8>> {
        let last = self.op("Identity", &[output]);
        for name in self.nodes.iter_mut().flat_map(|node| node.output.iter_mut().chain(&mut node.name)) {
            if *name == last.0 {
                *name = Self::OUTPUT.to_string();
            }
        }
        let [read, made] = channels;
        let larger = |side: &str| if scale == 1 { side.to_string() } else { format!("{scale}*{side}") };
        let model = proto::Model {
            ir_version: Some(IR_VERSION),
            producer_name: Some("percept".to_string()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_string()),
            graph: Some(proto::Graph {
                node: self.nodes,
                name: Some("network".to_string()),
                initializer: self.constants,
                input: vec![picture(Self::INPUT, read, ["height".to_string(), "width".to_string()])],
                output: vec![picture(Self::OUTPUT, made, [larger("height"), larger("width")])],
            }),
            opset_import: vec![proto::OperatorSet { domain: Some(String::new()), version: Some(OPSET) }],
            metadata_props: about
                .into_iter()
                .map(|(key, value)| proto::Entry { key: Some(key), value: Some(value) })
                .collect(),
        };
        (model.encoded_len() <= MOST_BYTES).then(|| model.encode_to_vec())
    }
}

fn attribute(name: &str, value: &Attribute<'_>) -> proto::Attribute {
    let mut attribute = proto::Attribute { name: Some(name.to_string()), ..proto::Attribute::default() };
    attribute.kind = Some(match value {
        Attribute::Float(value) => {
            attribute.f = Some(*value);
            1
        }
        Attribute::Int(value) => {
            attribute.i = Some(*value);
            2
        }
        Attribute::Text(value) => {
            attribute.s = Some(value.as_bytes().to_vec());
            3
        }
        Attribute::Ints(values) => {
            attribute.ints = values.to_vec();
            7
        }
    });
    attribute
}

/// `[batch, channels, height, width]` of floats.
fn picture(name: &str, channels: usize, sides: [String; 2]) -> proto::ValueInfo {
    let open = |name: String| proto::Dimension { dim_param: Some(name), dim_value: None };
    let channels = proto::Dimension { dim_value: Some(channels as i64), dim_param: None };
    let [height, width] = sides.map(open);
    let shape = proto::Shape { dim: vec![open("batch".to_string()), channels, height, width] };
    let tensor_type = proto::TensorType { elem_type: Some(data_type::FLOAT), shape: Some(shape) };
    proto::ValueInfo {
        name: Some(name.to_string()),
        kind: Some(proto::ValueType { tensor_type: Some(tensor_type) }),
    }
}
