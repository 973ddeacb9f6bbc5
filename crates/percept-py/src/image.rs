//! A picture that percept made.

use std::path::PathBuf;

use percept_image::{Depth, Photo, write_photo};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error;

/// The values as someone reads them.
enum Values {
    U8(Vec<u8>),
    U16(Vec<u16>),
    F32(Vec<f32>),
}

/// A picture that percept made: `[H, W, 3]`, or `[H, W, 4]` with opacity, sRGB.
///
/// `numpy.asarray(image)` and `PIL.Image.fromarray(numpy.asarray(image))` read it without a copy. `save` writes a file with all
/// that the original's said of itself (opacity, 16 bits, colour profile, EXIF).
#[pyclass(frozen, module = "percept", name = "Image")]
pub struct Picture {
    photo: Photo,
    values: Values,
}

impl Picture {
    /// In the depth of the photo, or as floats.
    pub fn new(photo: Photo, floats: bool) -> Self {
        let values = match (floats, photo.depth) {
            (true, _) => Values::F32(photo.values()),
            (false, Depth::Eight) => Values::U8(photo.levels8()),
            (false, Depth::Sixteen) => Values::U16(photo.levels16()),
        };
        Self { photo, values }
    }
}

#[pymethods]
impl Picture {
    /// Height, width, channels.
    #[getter]
    fn shape(&self) -> (usize, usize, usize) {
        let (width, height) = self.photo.pixels.size();
        (height, width, 3 + usize::from(self.photo.alpha.is_some()))
    }

    /// `uint8`, `uint16` or `float32`.
    #[getter]
    fn dtype(&self) -> &'static str {
        match self.values {
            Values::U8(_) => "uint8",
            Values::U16(_) => "uint16",
            Values::F32(_) => "float32",
        }
    }

    /// How NumPy and others read it without a copy.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let order = if cfg!(target_endian = "little") { '<' } else { '>' };
        let (typestr, address) = match &self.values {
            Values::U8(values) => ("|u1".to_string(), values.as_ptr() as usize),
            Values::U16(values) => (format!("{order}u2"), values.as_ptr() as usize),
            Values::F32(values) => (format!("{order}f4"), values.as_ptr() as usize),
        };
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("shape", self.shape())?;
        interface.set_item("typestr", typestr)?;
        // It never changes, so it may not be written to.
        interface.set_item("data", (address, true))?;
        Ok(interface)
    }

    /// All values in order, in the machine's byte order.
    fn tobytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = match &self.values {
            Values::U8(values) => values.clone(),
            Values::U16(values) => values.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            Values::F32(values) => values.iter().flat_map(|value| value.to_ne_bytes()).collect(),
        };
        PyBytes::new(py, &bytes)
    }

    /// Writes it as PNG, JPEG, WebP, TIFF, BMP or PPM, by the ending of `path`: a temporary file, then renamed.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| write_photo(percept_image::expand_home(path), &self.photo)).map_err(error::work)
    }

    fn __repr__(&self) -> String {
        let (height, width, channels) = self.shape();
        format!("percept.Image({height}, {width}, {channels}, {})", self.dtype())
    }
}
