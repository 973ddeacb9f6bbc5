//! Networks that restore pictures.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use percept_conv::Precision;
use percept_image::resize::RowResizer;
use percept_image::{Image, Luma, Photo, Srgb};
use percept_nn::model::{self, Asked, Ensemble, ImageRows, ModelError, Rows, Tiling};
use percept_nn::weights::WeightError;
use pyo3::exceptions::PyRuntimeWarning;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::array::{path, pictures};
use crate::device::{cpu, store};
use crate::error;
use crate::image::Picture;
use crate::work::quiet;

/// See `percept.Model`.
#[pyclass(frozen, module = "percept", subclass)]
pub struct Model {
    /// Cheap to clone, and not to be shared by threads.
    model: Mutex<model::Model>,
    name: String,
}

impl Model {
    fn model(&self) -> model::Model {
        self.model.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[pymethods]
impl Model {
    #[new]
    #[pyo3(signature = (model, *, precision = "f32"))]
    fn new(py: Python<'_>, model: PathBuf, precision: &str) -> PyResult<Self> {
        let (store, device) = (store()?, cpu()?);
        let known = Precision::ALL.iter().copied().find(|known| known.name() == precision);
        let precision = known.ok_or_else(|| {
            let names: Vec<_> = Precision::ALL.iter().map(|known| known.name()).collect();
            error::call(format!("precision: {precision:?} is none of {}", names.join(", ")))
        })?;
        if let Some(why) = precision.lacking(&device) {
            let why = CString::new(format!("precision: {why}"))?;
            PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &why, 1)?;
        }
        let file = if model.is_dir() { model.join("model.safetensors") } else { model.clone() };
        let file = percept_image::expand_home(file);
        let opened = quiet(py, |_| {
            let state = store
                .model(&file)
                .map_err(|error| (matches!(error, WeightError::NoModel { .. }), error.to_string()))?;
            let model = model::Model::of_weights(state, &file, Asked::default(), &device);
            let model = model.and_then(|model| match precision {
                Precision::F32 => Ok(model),
                other => model.in_precision(other),
            });
            model.map_err(|error| (false, error.to_string()))
        });
        let opened = opened?.map_err(|(call, why)| if call { error::call(why) } else { error::work(why) })?;
        if opened.card().in_channels != 3 {
            let name = model.display();
            return Err(error::call(format!(
                "{name}: this network reads a camera's RAW; use a network for photos"
            )));
        }
        Ok(Self { model: Mutex::new(opened), name: model.display().to_string() })
    }

    /// How many times larger results are.
    #[getter]
    fn scale(&self) -> usize {
        self.model().card().scale
    }

    /// The architecture, in words.
    #[getter]
    fn network(&self) -> String {
        self.model().card().network_g.to_string()
    }

    /// One picture for one, a list of them for a batch.
    #[pyo3(signature = (image, *, tile = None, overlap = None, tta = false, floats = None))]
    fn _restore<'py>(
        &self,
        py: Python<'py>,
        image: &Bound<'py, PyAny>,
        tile: Option<usize>,
        overlap: Option<usize>,
        tta: bool,
        floats: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let floats = floats.unwrap_or(path(image)?.is_none());
        let (photos, batch) = pictures(image, "image")?.all();
        let model = self.model();
        let how = (Tiling { size: tile, overlap }, if tta { Ensemble::Eight } else { Ensemble::One });
        let made = quiet(py, |stop| {
            let restored = photos.into_iter().map(|photo| restored(&model, photo, how, stop));
            restored.collect::<Result<Vec<_>, Fault>>()
        });
        let made = made?.map_err(|fault| match fault {
            Fault::Model(error) => error::work(error),
            Fault::Stopped => error::work("stopped"),
        })?;
        let mut made = made.into_iter().map(|photo| Py::new(py, Picture::new(photo, floats)));
        match (batch, made.next()) {
            (false, Some(one)) => Ok(one?.into_bound(py).into_any()),
            (_, first) => {
                let all: PyResult<Vec<_>> = first.into_iter().chain(made).collect();
                Ok(PyList::new(py, all?)?.into_any())
            }
        }
    }

    fn __repr__(&self) -> String {
        format!("percept.Model({:?})", self.name)
    }
}

/// See `percept.models`.
#[pyfunction]
pub fn models(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let store = store()?;
    let list = PyList::empty(py);
    for asset in percept_bundle::MODELS {
        let state = store.model(Path::new(asset.name)).map_err(error::fault)?;
        let entry = PyDict::new(py);
        entry.set_item("name", asset.name)?;
        for key in ["title", "task", "licence", "copyright", "origin", "scores"] {
            entry.set_item(key, state.metadata().get(key))?;
        }
        list.append(entry)?;
    }
    Ok(list)
}

/// Why there is no result.
enum Fault {
    Model(ModelError),
    Stopped,
}

impl From<ModelError> for Fault {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

/// Rows of an image, until someone asks to stop.
struct Source<'a> {
    rows: ImageRows<'a, Srgb>,
    stop: &'a AtomicBool,
}

impl Rows for Source<'_> {
    type Error = Fault;

    fn size(&self) -> (usize, usize) {
        self.rows.size()
    }

    fn rewind(&mut self) -> Result<(), Fault> {
        Ok(self.rows.rewind()?)
    }

    fn read(&mut self, row: &mut [f32]) -> Result<(), Fault> {
        if self.stop.load(Ordering::SeqCst) {
            return Err(Fault::Stopped);
        }
        Ok(self.rows.read(row)?)
    }
}

/// The photo as the network makes it, its opacity enlarged by itself.
fn restored(
    model: &model::Model,
    photo: Photo,
    (tiling, ensemble): (Tiling, Ensemble),
    stop: &AtomicBool,
) -> Result<Photo, Fault> {
    let scale = model.card().scale;
    let (width, height) = photo.pixels.size();
    let size = (width.saturating_mul(scale), height.saturating_mul(scale));
    let too_large =
        || ModelError::Memory { model: model.card().network_g.to_string(), width: size.0, height: size.1 };
    let mut values = Vec::new();
    let count = size.0.saturating_mul(size.1).saturating_mul(3);
    values.try_reserve_exact(count).map_err(|_| too_large())?;
    let bled = photo.bled();
    let mut rows = Source { rows: ImageRows::new(&bled), stop };
    model.restore_rows(&mut rows, tiling, ensemble, |row: &[f32]| {
        values.extend_from_slice(row);
        Ok(())
    })?;
    drop(bled);
    let alpha = photo.alpha.as_ref().map(|alpha| enlarged(alpha, (width, height), size));
    let pixels = Image::from_vec(size.0, size.1, values).map_err(|_| too_large())?;
    Ok(Photo { alpha, ..photo.with_pixels(pixels) })
}

fn enlarged(alpha: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
    let mut resizer = RowResizer::new::<Luma>(from, to);
    let mut all = Vec::with_capacity(to.0 * to.1);
    for row in alpha.chunks_exact(from.0.max(1)) {
        let kept = resizer.push(row, |row| {
            all.extend(row.iter().map(|value| value.clamp(0.0, 1.0)));
            Ok::<_, std::convert::Infallible>(())
        });
        let Ok(()) = kept;
    }
    all
}
