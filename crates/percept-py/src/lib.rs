//! The compiled part of the Python package `percept`: it turns Python's values into percept's, calls the libraries that the
//! command calls, and turns what comes back into Python's. It computes nothing itself.
//!
//! `python/percept/__init__.py` is what people import; the types of all of it are in `python/percept/__init__.pyi`.

mod array;
mod device;
mod error;
mod image;
mod judge;
mod memory;
mod model;
mod oracle;
mod score;
mod train;
mod value;
mod work;

use pyo3::prelude::*;

/// The compiled part of `percept`.
#[pymodule]
fn _percept(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<image::Picture>()?;
    module.add_class::<model::Model>()?;
    module.add_class::<score::Metric>()?;
    module.add_class::<oracle::Loss>()?;
    module.add_function(wrap_pyfunction!(oracle::deal, module)?)?;
    module.add_function(wrap_pyfunction!(judge::agree, module)?)?;
    module.add_function(wrap_pyfunction!(judge::compare, module)?)?;
    module.add_function(wrap_pyfunction!(model::models, module)?)?;
    module.add_function(wrap_pyfunction!(device::weights, module)?)?;
    module.add_function(wrap_pyfunction!(score::metrics, module)?)?;
    module.add_function(wrap_pyfunction!(score::score, module)?)?;
    module.add_function(wrap_pyfunction!(train::train, module)?)?;
    Ok(())
}
