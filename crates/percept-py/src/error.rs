//! What is raised where something goes wrong. The classes are Python's own, in `python/percept/_errors.py`.

use std::fmt::Display;

use pyo3::prelude::*;

/// The call was wrong: an unknown name, a file that is not there. The command's exit code 2.
pub fn call(error: impl Display) -> PyErr {
    raise("CallError", error)
}

/// An array that is no picture. A kind of wrong call.
pub fn array(error: impl Display) -> PyErr {
    raise("ArrayError", error)
}

/// The work failed: a broken file, a full disk. The command's exit code 1.
pub fn work(error: impl Display) -> PyErr {
    raise("WorkError", error)
}

/// A fault of percept itself.
pub fn fault(what: impl Display) -> PyErr {
    raise("Fault", format!("{what}; this is a fault of percept, please report it with what led to it"))
}

fn raise(class: &str, error: impl Display) -> PyErr {
    let message = error.to_string();
    Python::attach(|py| {
        let made = py.import("percept._errors").and_then(|module| module.getattr(class)?.call1((message,)));
        made.map_or_else(|error| error, PyErr::from_value)
    })
}
