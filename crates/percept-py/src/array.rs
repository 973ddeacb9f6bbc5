//! Pictures that a call passes: paths, arrays, tensors, one or a batch.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use percept_image::{ArrayView, Image, Photo, Srgb, read_photo};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyString};

use crate::error;
use crate::memory::{Described, Kind, dlpack, unknown_kind};

/// What a call passed.
pub enum Pictures {
    /// One.
    One(Box<Photo>),
    /// A batch.
    Many(Vec<Photo>),
}

impl Pictures {
    /// All of them.
    pub fn all(self) -> (Vec<Photo>, bool) {
        match self {
            Self::One(photo) => (vec![*photo], false),
            Self::Many(photos) => (photos, true),
        }
    }
}

/// Which axis of an array has the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channels {
    /// `[H, W]`, `[C, H, W]`, `[N, C, H, W]`: PyTorch's.
    First,
    /// `[H, W]`, `[H, W, C]`, `[N, H, W, C]`: everyone else's.
    Last,
}

/// Memory of pictures that were scored, for the next ones: two of at most 32 MiB.
static SPARE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());
const SPARES: usize = 2;
const LARGEST_SPARE: usize = 1 << 23;

fn spare() -> std::sync::MutexGuard<'static, Vec<Vec<f32>>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the memory of a picture that nobody needs any more.
pub fn done_with(picture: Image<Srgb>) {
    let (memory, mut spare) = (picture.into_vec(), spare());
    if spare.len() < SPARES && memory.capacity() <= LARGEST_SPARE {
        spare.push(memory);
    }
}

/// A path, if that is what `value` is.
pub fn path(value: &Bound<'_, PyAny>) -> PyResult<Option<PathBuf>> {
    match value.is_instance_of::<PyString>() || value.hasattr("__fspath__")? {
        true => Ok(Some(percept_image::expand_home(value.extract::<PathBuf>()?))),
        false => Ok(None),
    }
}

/// The pictures in `value`; `role` is what messages call it.
pub fn pictures(value: &Bound<'_, PyAny>, role: &str) -> PyResult<Pictures> {
    if let Some(path) = path(value)? {
        return Ok(Pictures::One(Box::new(read_photo(path).map_err(error::call)?)));
    }
    of_array(value).map_err(|error| prefixed(value.py(), error, role))
}

fn of_array(value: &Bound<'_, PyAny>) -> PyResult<Pictures> {
    let module = value.get_type().module()?.to_string();
    let is = |name: &str| module.split('.').next() == Some(name);
    if is("torch") && value.hasattr("__dlpack__")? {
        // A tensor that is in memory already is not copied by either.
        let tensor = value.call_method0("detach")?.call_method0("cpu")?;
        return of_capsule(&tensor, Channels::First);
    }
    if is("PIL") {
        let mode: String = value.getattr("mode")?.extract()?;
        if !["L", "RGB", "RGBA", "I;16"].contains(&mode.as_str()) {
            return Err(error::array(format!(
                "a PIL image of mode {mode} is no grey or RGB picture; pass .convert(\"RGB\") of it"
            )));
        }
    }
    if value.hasattr("__array_interface__")? {
        return of_interface(value);
    }
    if value.hasattr("__dlpack__")? {
        return of_capsule(value, Channels::Last);
    }
    let name = value.get_type().qualname()?.to_string();
    Err(error::array(format!("{name} is no array, no tensor and no path of a picture")))
}

/// By the protocol of `__dlpack__`.
fn of_capsule(value: &Bound<'_, PyAny>, channels: Channels) -> PyResult<Pictures> {
    let capsule = value.call_method0("__dlpack__")?;
    let capsule = capsule.cast::<PyCapsule>().map_err(|_| error::array("__dlpack__ gave no capsule"))?;
    split(&dlpack(capsule)?, channels)
}

/// By the protocol of `__array_interface__`.
fn of_interface(value: &Bound<'_, PyAny>) -> PyResult<Pictures> {
    let interface = value.getattr("__array_interface__")?;
    let interface = interface.cast::<PyDict>().map_err(|_| error::array("__array_interface__ is no dict"))?;
    let missing = |key: &str| error::array(format!("__array_interface__ has no `{key}`"));
    let item = |key: &str| Ok::<_, PyErr>(interface.get_item(key)?.filter(|item| !item.is_none()));
    let shape: Vec<usize> = item("shape")?.ok_or_else(|| missing("shape"))?.extract()?;
    let kind = kind(&item("typestr")?.ok_or_else(|| missing("typestr"))?.extract::<String>()?)?;
    let dense = Described::dense(&shape);
    let strides = match item("strides")? {
        None => dense,
        Some(strides) => {
            let size = kind.size() as isize;
            let strides: Vec<isize> = strides.extract()?;
            if strides.iter().any(|stride| stride % size != 0) {
                return Err(error::array("the array's values are not aligned in memory; pass a copy of it"));
            }
            strides.into_iter().map(|stride| stride / size).collect()
        }
    };
    let data = item("data")?.ok_or_else(|| missing("data"))?;
    if let Ok(bytes) = data.cast::<PyBytes>() {
        // Of bytes the length is known.
        let needed = shape.iter().try_fold(kind.size(), |all, side| all.checked_mul(*side));
        if strides != Described::dense(&shape) || needed != Some(bytes.as_bytes().len()) {
            return Err(error::array("shape and strides of the array do not fit its bytes"));
        }
        let aligned = bytes.as_bytes().as_ptr() as usize;
        return split(&Described { address: aligned, kind, shape, strides }, Channels::Last);
    }
    let (address, _): (usize, bool) = data.extract()?;
    split(&Described { address, kind, shape, strides }, Channels::Last)
}

/// `<f4`, `|u1`, …
fn kind(typestr: &str) -> PyResult<Kind> {
    let own = if cfg!(target_endian = "little") { ['<', '|', '='] } else { ['>', '|', '='] };
    match typestr.split_at_checked(1) {
        Some((order, rest)) => match (rest, order.chars().all(|order| own.contains(&order))) {
            ("u1", _) => Ok(Kind::U8),
            ("u2" | "f2" | "f4" | "f8", false) => Err(error::array(
                "the array's bytes are in the order of another machine; pass a copy in this one's",
            )),
            ("u2", _) => Ok(Kind::U16),
            ("f2", _) => Ok(Kind::F16),
            ("f4", _) => Ok(Kind::F32),
            ("f8", _) => Ok(Kind::F64),
            _ => Err(unknown_kind(typestr)),
        },
        None => Err(unknown_kind(typestr)),
    }
}

/// The pictures of an array.
fn split(array: &Described, channels: Channels) -> PyResult<Pictures> {
    let (samples, first) = array.samples()?;
    let (shape, strides) = (&array.shape[..], &array.strides[..]);
    let last = channels == Channels::Last;
    // How many pictures, from one to the next, and the places of height, width and channels.
    let (count, step, [h, w, c]) = match (shape.len(), last) {
        (2, _) => (1, 0, [Some(0), Some(1), None]),
        (3, true) => (1, 0, [Some(0), Some(1), Some(2)]),
        (3, false) => (1, 0, [Some(1), Some(2), Some(0)]),
        (4, true) => (shape[0], strides[0], [Some(1), Some(2), Some(3)]),
        (4, false) => (shape[0], strides[0], [Some(2), Some(3), Some(1)]),
        _ => return Err(unfit(shape, last)),
    };
    let side = |at: Option<usize>| at.map_or((1, 0), |at| (shape[at], strides[at]));
    let ([(height, rows), (width, columns)], (planes, plane)) = ([h, w].map(side), side(c));
    if !matches!(planes, 1 | 3 | 4) {
        return Err(unfit(shape, last));
    }
    let one = |at: usize| {
        let offset = isize::try_from(at).ok().and_then(|at| at.checked_mul(step));
        let first = offset.and_then(|offset| first.checked_add_signed(offset));
        let first = first.ok_or_else(|| error::array("the array's strides lead nowhere"))?;
        let view =
            ArrayView { samples, first, shape: [height, width, planes], strides: [rows, columns, plane] };
        view.photo_in(spare().pop().unwrap_or_default()).map_err(error::array)
    };
    match shape.len() {
        4 => Ok(Pictures::Many((0..count).map(one).collect::<PyResult<_>>()?)),
        _ => Ok(Pictures::One(Box::new(one(0)?))),
    }
}

/// The error for another shape.
fn unfit(shape: &[usize], last: bool) -> PyErr {
    let wanted = match last {
        true => "[H, W], [H, W, C] or [N, H, W, C] with 1, 3 or 4 channels C",
        false => "[H, W], [C, H, W] or [N, C, H, W] with 1, 3 or 4 channels C (tensors have channels first)",
    };
    error::array(format!("the shape is {shape:?}, and pictures are {wanted}"))
}

/// The same error, saying which argument it is about.
fn prefixed(py: Python<'_>, error: PyErr, role: &str) -> PyErr {
    let message = error.value(py).to_string();
    let class = error.get_type(py).qualname().map(|name| name.to_string()).unwrap_or_default();
    if class == "ArrayError" { error::array(format!("{role}: {message}")) } else { error }
}
