//! A training run.

use std::path::PathBuf;

use percept_run::Config;
use percept_train::{Event, Outcome, Resume, StepReport, TrainError, Trainer};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::device::store;
use crate::error;
use crate::value::plain;
use crate::work::{interruptible, quiet};

/// See `percept.train`. `config` is a file, or `text` the content of one.
#[pyfunction]
#[pyo3(signature = (config, text, out, resume, callback, on_validation))]
pub fn train<'py>(
    py: Python<'py>,
    config: Option<PathBuf>,
    text: Option<&str>,
    out: Option<PathBuf>,
    resume: bool,
    callback: Option<Py<PyAny>>,
    on_validation: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let store = store()?;
    let trainer = match (&config, resume) {
        (Some(folder), true) => {
            let folder = folder.clone();
            quiet(py, |_| Trainer::resume(&folder, &Resume::default(), &store))?
        }
        (_, true) => return Err(error::call("resume=True goes on with a run: pass its folder")),
        (file, false) => {
            let mut config = match (file, text) {
                (Some(file), _) => Config::load(file),
                (None, text) => Config::from_toml(text.unwrap_or_default(), "config"),
            }
            .map_err(error::call)?;
            if let Some(out) = out {
                config.path.run = Some(out);
            }
            quiet(py, |_| Trainer::create(config, &store))?
        }
    };
    let trainer = trainer.map_err(failure)?;
    let (run, total) = (trainer.config().run_dir(), trainer.config().train.total_iter);
    let hear = |py: Python<'_>, event: Event| match event {
        Event::Step(report) => match &callback {
            Some(callback) => callback.call1(py, (step(py, &report, total)?,)).map(drop),
            None => Ok(()),
        },
        Event::Validated(validation) => match &on_validation {
            Some(callback) => callback.call1(py, (plain(py, &validation)?,)).map(drop),
            None => Ok(()),
        },
        Event::Warning(message) => py.import("warnings")?.call_method1("warn", (message,)).map(drop),
        _ => Ok(()),
    };
    let outcome = interruptible(py, |stop, tell| trainer.run(stop, tell), hear)?.map_err(failure)?;
    let ended = PyDict::new(py);
    ended.set_item("run", &run)?;
    ended.set_item("model", run.join("model.safetensors"))?;
    ended.set_item("finished", outcome == Outcome::Finished)?;
    Ok(ended)
}

fn step<'py>(py: Python<'py>, report: &StepReport, total: u64) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let pairs = |pairs: &[(String, f64)]| {
        let dict = PyDict::new(py);
        pairs.iter().try_for_each(|(name, value)| dict.set_item(name, value))?;
        Ok::<_, PyErr>(dict)
    };
    dict.set_item("iter", report.iter)?;
    dict.set_item("total", total)?;
    dict.set_item("lr", report.lr)?;
    dict.set_item("terms", pairs(&report.terms)?)?;
    dict.set_item("active", pairs(&report.active)?)?;
    dict.set_item("gradient_norm", report.gradient_norm)?;
    dict.set_item("seconds", report.seconds)?;
    Ok(dict)
}

/// What the caller can set right is a wrong call; the rest is work that failed.
fn failure(error: TrainError) -> PyErr {
    match error {
        TrainError::Config(_)
        | TrainError::Run(_)
        | TrainError::Device(_)
        | TrainError::Metric(_)
        | TrainError::CropTooSmall { .. }
        | TrainError::Beyond { .. }
        | TrainError::OtherPhotos { .. } => error::call(error),
        _ => error::work(error),
    }
}
