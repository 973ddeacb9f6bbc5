//! Agreement with people, and comparisons of runs.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use percept_image::Better;
use percept_judge::agree::{AgreeError, AgreeOptions, Agreements, Layout, Rows, Table};
use percept_judge::compare::{CompareError, CompareOptions, Comparison, PhotoSource};
use percept_judge::stats::Curve;
use pyo3::prelude::*;

use crate::device::{cpu, store};
use crate::error;
use crate::score::panel;
use crate::value::plain;
use crate::work::{Tell, interruptible};

/// What a call is told on the way: how many pictures of how many are done.
type Progress = (usize, usize);

fn report(callback: Option<&Py<PyAny>>) -> impl Fn(Python<'_>, Progress) -> PyResult<()> + Sync {
    move |py, progress| callback.map_or(Ok(()), |callback| callback.call1(py, progress).map(drop))
}

/// See `percept.agree`.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python names them")]
#[pyo3(signature = (table, metrics, layout, root, lower_is_better, logistic, progress))]
pub fn agree<'py>(
    py: Python<'py>,
    table: PathBuf,
    metrics: Vec<String>,
    layout: Option<&str>,
    root: Option<PathBuf>,
    lower_is_better: bool,
    logistic: u8,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let layout = layout.map(named_layout).transpose()?;
    let curve = match logistic {
        4 => Curve::Four,
        5 => Curve::Five,
        other => return Err(error::call(format!("logistic must be 4 or 5; it is {other}"))),
    };
    let mut table = Table::read(&table, layout, root.as_deref()).map_err(refused)?;
    if lower_is_better {
        if table.layout != Layout::Csv || !matches!(table.rows, Rows::Ratings(_)) {
            return Err(error::call(
                "lower_is_better is for the ratings of a CSV file: data sets and choices say it themselves; leave it out",
            ));
        }
        table.better = Better::Lower;
    }
    let panel = panel(py, metrics, 0)?;
    let options = AgreeOptions { curve, ..AgreeOptions::default() };
    let work = |stop: &std::sync::atomic::AtomicBool, tell: Tell<'_, Progress>| {
        let progress = |done: usize, all: usize| {
            tell((done, all));
            !stop.load(Ordering::SeqCst)
        };
        Agreements::measure(&table, &panel, &options, None, &progress)
    };
    let found = interruptible(py, work, report(progress.as_ref()))?.map_err(refused)?;
    plain(py, &found)
}

/// See `percept.compare`.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python names them")]
#[pyo3(signature = (a, b, data, gt, lq, metrics, over_seeds, progress))]
pub fn compare<'py>(
    py: Python<'py>,
    a: PathBuf,
    b: PathBuf,
    data: Option<PathBuf>,
    gt: Option<PathBuf>,
    lq: Option<PathBuf>,
    metrics: Vec<String>,
    over_seeds: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let source = match (data, gt, lq) {
        (Some(folder), None, None) => PhotoSource::Degraded(folder),
        (None, Some(gt), Some(lq)) => PhotoSource::Pairs { gt, lq },
        _ => return Err(error::call("pass the photos as data=FOLDER, or as gt=FOLDER and lq=FOLDER")),
    };
    let options = CompareOptions { metrics, over_seeds, ..CompareOptions::default() };
    let (store, device) = (store()?, cpu()?);
    let work = |stop: &std::sync::atomic::AtomicBool, tell: Tell<'_, Progress>| {
        let runs: [&Path; 2] = [&a, &b];
        Comparison::measure(runs, &source, &options, &store, &device, &mut |done, all| {
            tell((done, all));
            !stop.load(Ordering::SeqCst)
        })
    };
    let found = interruptible(py, work, report(progress.as_ref()))?.map_err(|error| match error {
        CompareError::NothingSound { .. } | CompareError::Stopped { .. } | CompareError::Model(_) => {
            error::work(error)
        }
        _ => error::call(error),
    })?;
    plain(py, &found)
}

fn named_layout(name: &str) -> PyResult<Layout> {
    let named =
        Layout::ALL.into_iter().find(|layout| serde_json::to_value(layout).is_ok_and(|known| known == name));
    named.ok_or_else(|| {
        let known = Layout::ALL.iter().filter_map(|layout| serde_json::to_value(layout).ok());
        let known: Vec<_> = known.filter_map(|name| Some(name.as_str()?.to_string())).collect();
        error::call(format!("no layout is called {name}; there are {}", known.join(", ")))
    })
}

fn refused(error: AgreeError) -> PyErr {
    match error {
        AgreeError::NothingSound { .. } | AgreeError::Stopped { .. } | AgreeError::Write { .. } => {
            error::work(error)
        }
        _ => error::call(error),
    }
}
