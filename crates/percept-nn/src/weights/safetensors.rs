//! The safetensors format: 8 bytes of header length, a JSON header, then the values.

use std::collections::{BTreeMap, BTreeSet};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::wrapper::unwrapped;
use super::{Array, Provenance, StateDict, WeightError};

/// Bytes that the header's length itself takes.
const PREFIX: usize = 8;

/// How files begin that downloads leave behind.
const STANDS_FOR: [(&[u8], &str); 4] = [
    (b"version https://git-lfs", "a pointer of Git LFS"),
    (b"<!DOCTYPE", "a web page"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
];

pub(super) fn read(bytes: &[u8], origin: String) -> Result<StateDict, WeightError> {
    let malformed = |problem: String| WeightError::Malformed { origin: origin.clone(), problem };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| malformed(explain(bytes, &error)))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| malformed(explain(bytes, &error)))?;
    let views: BTreeMap<_, _> = file.iter().map(|(name, view)| (name.to_string(), view)).collect();
    let (views, wrapper) = unwrapped(views);
    let mut arrays = BTreeMap::new();
    let mut precision = BTreeSet::new();
    for (name, view) in views {
        let data = values(&view).ok_or_else(|| WeightError::Dtype {
            origin: origin.clone(),
            name: name.clone(),
            dtype: format!("{:?}", view.dtype()),
        })?;
        precision.insert(format!("{:?}", view.dtype()).to_lowercase());
        let array = Array { shape: view.shape().to_vec(), data };
        if !array.is_consistent() {
            return Err(malformed(format!(
                "`{name}` is {:?} but holds {} values",
                array.shape,
                array.data.len()
            )));
        }
        arrays.insert(name, array);
    }
    let metadata =
        header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    let provenance = Provenance {
        format: "safetensors",
        precision: precision.into_iter().collect(),
        wrapper: wrapper.keys,
        left: wrapper.left,
    };
    Ok(StateDict { origin, arrays, metadata, provenance })
}

/// The library's reason, with the two sizes where the file is shorter or longer than it claims.
fn explain(bytes: &[u8], error: &safetensors::SafeTensorError) -> String {
    for (start, what) in STANDS_FOR {
        if bytes.starts_with(start) {
            return format!("it is {what}, which was saved in the place of the file");
        }
    }
    format!("it has {} bytes and is read as safetensors, but: {error}", bytes.len())
}

/// The values as `f32`, or `None` for a type that holds no numbers.
fn values(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let bytes = view.data();
    Some(match view.dtype() {
        Dtype::F32 => convert(bytes, f32::from_le_bytes),
        Dtype::F16 => convert(bytes, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => convert(bytes, |b| bf16::from_le_bytes(b).to_f32()),
        Dtype::F64 => convert(bytes, |b| f64::from_le_bytes(b) as f32),
        Dtype::I64 => convert(bytes, |b| i64::from_le_bytes(b) as f32),
        Dtype::I32 => convert(bytes, |b| i32::from_le_bytes(b) as f32),
        Dtype::I16 => convert(bytes, |b| f32::from(i16::from_le_bytes(b))),
        Dtype::I8 => convert(bytes, |b| f32::from(i8::from_le_bytes(b))),
        Dtype::U8 => convert(bytes, |[b]: [u8; 1]| f32::from(b)),
        _ => return None,
    })
}

/// Every `N` bytes through `value`.
pub(super) fn convert<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| value(*chunk)).collect()
}

/// Our own writer: the header in the order of names, so that equal contents give equal bytes.
pub(super) fn write(state: &StateDict) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    if !state.metadata.is_empty() {
        header.insert("__metadata__".to_string(), serde_json::json!(state.metadata));
    }
    let mut end = 0;
    for (name, array) in &state.arrays {
        let start = end;
        end += size_of::<f32>() * array.data.len();
        let entry = serde_json::json!({ "dtype": "F32", "shape": array.shape, "data_offsets": [start, end] });
        header.insert(name.clone(), entry);
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    // Spaces so that the values start aligned, as the format recommends.
    header.resize(header.len().next_multiple_of(PREFIX), b' ');
    let mut bytes = Vec::with_capacity(PREFIX + header.len() + end);
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header);
    for array in state.arrays.values() {
        bytes.extend(array.data.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}
