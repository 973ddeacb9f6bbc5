//! Where things are computed, and the weights that are inside.

use std::path::Path;

use percept_conv::Device;
use percept_nn::backbone::{BackboneKind, random_weights};
use percept_nn::weights::WeightStore;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error;

/// The CPU.
pub fn cpu() -> PyResult<Device> {
    percept_conv::device("cpu").map_err(error::fault)
}

/// The user's own weights, then those inside.
pub fn store() -> PyResult<WeightStore> {
    percept_bundle::store(None).map_err(error::call)
}

/// Known weights as the bytes of a safetensors file, checked by their sha256; `random NETWORK`, those of a backbone's `weights =
/// "random"`; or those of a file.
///
/// Half-precision arrays are given in single precision.
#[pyfunction]
pub fn weights<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyBytes>> {
    let store = store()?;
    let random = |kind: &&BackboneKind| name.strip_prefix("random ") == Some(kind.name());
    if let Some(kind) = BackboneKind::ALL.iter().find(random) {
        return Ok(PyBytes::new(py, &random_weights(*kind).to_safetensors()));
    }
    let state = match percept_nn::weights::KNOWN.iter().any(|known| known.name == name) {
        true => store.load(name),
        false => store.model(Path::new(name)),
    };
    Ok(PyBytes::new(py, &state.map_err(error::call)?.to_safetensors()))
}
