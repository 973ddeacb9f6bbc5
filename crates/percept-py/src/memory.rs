//! Memory that another program owns. This file has all of the crate's unsafe code.
//!
//! Whoever made an array says where it is, of what type and how large; that has to be true. While it is read the interpreter is
//! held, so no Python code changes or frees it.

use std::ffi::c_void;

use half::f16;
use percept_image::Samples;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::error;

/// The type of an array's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    U8,
    U16,
    F16,
    F32,
    F64,
}

impl Kind {
    /// Bytes of a value.
    pub fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 | Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// An array as its owner describes it.
#[derive(Clone, Debug)]
pub struct Described {
    /// Address of the first value.
    pub address: usize,
    pub kind: Kind,
    pub shape: Vec<usize>,
    /// In values, one for each side.
    pub strides: Vec<isize>,
}

impl Described {
    /// Strides of an array without gaps.
    pub fn dense(shape: &[usize]) -> Vec<isize> {
        let mut strides = vec![1isize; shape.len()];
        for at in (1..shape.len()).rev() {
            let side = isize::try_from(shape[at]).unwrap_or(isize::MAX);
            strides[at - 1] = strides[at].saturating_mul(side);
        }
        strides
    }

    /// All of its memory, and where in it the first value is.
    pub fn samples(&self) -> PyResult<(Samples<'_>, usize)> {
        let unfit = || error::array("shape and strides of the array do not fit any memory");
        if self.shape.contains(&0) || self.shape.len() != self.strides.len() {
            return Err(error::array("the array is empty"));
        }
        let (mut below, mut above) = (0usize, 0usize);
        for (side, stride) in self.shape.iter().zip(&self.strides) {
            let reach = (side - 1).checked_mul(stride.unsigned_abs()).ok_or_else(unfit)?;
            let end = if *stride < 0 { &mut below } else { &mut above };
            *end = end.checked_add(reach).ok_or_else(unfit)?;
        }
        let count = below.checked_add(above).and_then(|count| count.checked_add(1)).ok_or_else(unfit)?;
        let size = self.kind.size();
        let bytes = count.checked_mul(size).filter(|bytes| isize::try_from(*bytes).is_ok());
        let start = below.checked_mul(size).and_then(|offset| self.address.checked_sub(offset));
        let (Some(start), Some(_)) = (start.filter(|start| *start > 0), bytes) else { return Err(unfit()) };
        if !start.is_multiple_of(size) {
            return Err(error::array("the array's values are not aligned in memory; pass a copy of it"));
        }
        // SAFETY: `start` is aligned and not null, and `count` values from there, no more than `isize::MAX` bytes, are those
        // between the first and the last one that shape and strides name, which the owner of the array vouches for. Any bits
        // are a value of these types.
        let samples = unsafe {
            match self.kind {
                Kind::U8 => Samples::U8(values(start, count)),
                Kind::U16 => Samples::U16(values(start, count)),
                Kind::F16 => Samples::F16(values::<f16>(start, count)),
                Kind::F32 => Samples::F32(values(start, count)),
                Kind::F64 => Samples::F64(values(start, count)),
            }
        };
        Ok((samples, below))
    }
}

/// # Safety
/// As [`std::slice::from_raw_parts`].
unsafe fn values<'a, T>(start: usize, count: usize) -> &'a [T] {
    // SAFETY: the caller's.
    unsafe { std::slice::from_raw_parts(start as *const T, count) }
}

/// The tensor of a DLPack capsule (`dlpack.h`, the form without versions).
#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device_type: i32,
    device_id: i32,
    ndim: i32,
    code: u8,
    bits: u8,
    lanes: u16,
    shape: *const i64,
    strides: *const i64,
    byte_offset: u64,
}

const DL_CPU: i32 = 1;

/// What a DLPack capsule describes. The capsule stays its owner: as long as it lives, so does the memory.
pub fn dlpack(capsule: &Bound<'_, PyCapsule>) -> PyResult<Described> {
    let pointer = capsule.pointer_checked(Some(c"dltensor"))?.cast::<DlTensor>();
    // SAFETY: a capsule of that name that nobody took holds a `DLManagedTensor`, which begins with a `DLTensor`.
    let tensor = unsafe { pointer.as_ref() };
    if tensor.device_type != DL_CPU {
        return Err(error::array("the array is not in the memory of the CPU; copy it there first"));
    }
    let kind = match (tensor.code, tensor.bits, tensor.lanes) {
        (1, 8, 1) => Kind::U8,
        (1, 16, 1) => Kind::U16,
        (2, 16, 1) => Kind::F16,
        (2, 32, 1) => Kind::F32,
        (2, 64, 1) => Kind::F64,
        (code, bits, _) => {
            let name = match code {
                0 => "int",
                1 => "uint",
                2 => "float",
                4 => "bfloat",
                6 => "bool",
                _ => "type",
            };
            return Err(unknown_kind(&format!("{name}{bits}")));
        }
    };
    let count = usize::try_from(tensor.ndim).unwrap_or(0);
    let sides = |start: *const i64| -> Option<Vec<i64>> {
        // SAFETY: `ndim` numbers stand there if it is not null.
        (count > 0 && !start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start, count) }.to_vec())
    };
    let shape = sides(tensor.shape).unwrap_or_default();
    let shape: Vec<usize> = shape.into_iter().map(|side| usize::try_from(side).unwrap_or(0)).collect();
    let strides = sides(tensor.strides);
    let strides = strides.map(|all| all.into_iter().map(|one| isize::try_from(one).unwrap_or(0)).collect());
    let strides = strides.unwrap_or_else(|| Described::dense(&shape));
    let offset = usize::try_from(tensor.byte_offset).unwrap_or(0);
    Ok(Described { address: (tensor.data as usize).saturating_add(offset), kind, shape, strides })
}

/// The error for values of another type.
pub fn unknown_kind(name: &str) -> PyErr {
    error::array(format!("values are of type {name}; pass uint8, uint16, or floats of 16, 32 or 64 bits"))
}
