//! PyTorch's `.pth`: the zip archive of today, the pickle stream and the tar archive of before.
//!
//! The pickle inside is interpreted as data; nothing in it is ever executed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use half::{bf16, f16};
use pytorch_reader::{DType, PytorchReader};

use super::safetensors::convert;
use super::wrapper::unwrapped;
use super::{Array, Provenance, StateDict, WeightError, zip_end};

/// All tensors together may claim this many times the file's size: tied weights are views of one
/// storage, but a few kilobytes must not claim gigabytes.
const CLAIM: u64 = 4;

/// What the reader says of sound files that hold other things than named tensors: a whole network as an object (its layers are
/// written by persistent ids), subclasses of dictionaries, lists, tensors of other kinds.
const OBJECTS: [&str; 4] = [
    "persistent id has 4 fields",
    "unexpected pickle opcode",
    "unsupported Python type",
    "Expected a dictionary",
];

/// Whether a file that starts with these bytes is one that `torch.save` wrote: a zip archive, a pickle, or
/// a tar archive (which starts with the name of its first entry).
pub(super) fn is_pickle_or_archive(head: &[u8]) -> bool {
    // A safetensors file has its header's opening brace at byte 8, whatever its length's bytes are.
    let safetensors = head.get(8) == Some(&b'{');
    let starts: [&[u8]; 6] = [b"PK\x03\x04", b"\x80", b"sys_info", b"storages", b"tensors", b"pickle"];
    !safetensors && starts.iter().any(|start| head.starts_with(start))
}

pub(super) fn read(path: &Path, origin: String) -> Result<StateDict, WeightError> {
    let malformed = |problem: String| WeightError::Malformed { origin: origin.clone(), problem };
    let failed = |source| WeightError::Read { path: path.to_path_buf(), source };
    let size = fs::metadata(path).map_err(failed)?.len();
    // It is there until all tensors are read.
    let copy = zip_end::plain_copy(path).map_err(failed)?;
    let file =
        PytorchReader::new(copy.as_ref().map_or(path, |copy| copy.path())).map_err(|error| {
            match error.to_string() {
                problem if OBJECTS.iter().any(|words| problem.contains(words)) => {
                    WeightError::Objects { origin: origin.clone(), problem }
                }
                problem => malformed(format!("as a PyTorch file: {problem}")),
            }
        })?;
    let (tensors, wrapper) = unwrapped(file.into_tensors().into_iter().collect());
    if tensors.is_empty() {
        return Err(malformed("it is a PyTorch file without tensors".to_string()));
    }
    let claimed = tensors.values().try_fold(0u64, |sum, tensor| sum.checked_add(tensor.byte_len() as u64));
    if claimed.is_none_or(|claimed| claimed > size.saturating_mul(CLAIM)) {
        return Err(malformed(format!("its tensors claim far more than the {size} bytes it has")));
    }
    let precision: BTreeSet<_> =
        tensors.values().map(|tensor| format!("{:?}", tensor.dtype()).to_lowercase()).collect();
    let mut arrays = BTreeMap::new();
    for (name, tensor) in tensors {
        let bytes = tensor.read().map_err(|error| malformed(error.to_string()))?;
        let array = Array { shape: tensor.shape().to_vec(), data: values(tensor.dtype(), &bytes) };
        if !array.is_consistent() {
            return Err(malformed(format!(
                "`{name}` is {:?} but holds {} values",
                array.shape,
                array.data.len()
            )));
        }
        arrays.insert(name, array);
    }
    let provenance = Provenance {
        format: "PyTorch",
        precision: precision.into_iter().collect(),
        wrapper: wrapper.keys,
        left: wrapper.left,
    };
    Ok(StateDict { origin, arrays, metadata: BTreeMap::new(), provenance })
}

fn values(dtype: DType, bytes: &[u8]) -> Vec<f32> {
    match dtype {
        DType::F32 => convert(bytes, f32::from_ne_bytes),
        DType::F16 => convert(bytes, |b| f16::from_ne_bytes(b).to_f32()),
        DType::BF16 => convert(bytes, |b| bf16::from_ne_bytes(b).to_f32()),
        DType::F64 => convert(bytes, |b| f64::from_ne_bytes(b) as f32),
        DType::I64 => convert(bytes, |b| i64::from_ne_bytes(b) as f32),
        DType::I32 => convert(bytes, |b| i32::from_ne_bytes(b) as f32),
        DType::I16 => convert(bytes, |b| f32::from(i16::from_ne_bytes(b))),
        DType::I8 => convert(bytes, |b| f32::from(i8::from_ne_bytes(b))),
        DType::U64 => convert(bytes, |b| u64::from_ne_bytes(b) as f32),
        DType::U32 => convert(bytes, |b| u32::from_ne_bytes(b) as f32),
        DType::U16 => convert(bytes, |b| f32::from(u16::from_ne_bytes(b))),
        DType::U8 | DType::Bool => convert(bytes, |[b]: [u8; 1]| f32::from(b)),
    }
}
