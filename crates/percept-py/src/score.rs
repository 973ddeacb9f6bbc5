//! Scores of arrays, files and folders.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::Path;

use percept_image::{Better, Image, Photo, Srgb};
use percept_judge::{ImageScores, Pairs, Panel, Preset, Scores, Single, parallel};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::array::{done_with, path, pictures};
use crate::device::{cpu, store};
use crate::error;
use crate::value::plain;
use crate::work::quiet;

/// Most photos that are read and scored at a time.
const AT_A_TIME: usize = 8;

/// One score by name, ready to be taken as often as one likes, from several threads too.
#[pyclass(frozen, module = "percept")]
pub struct Metric {
    panel: Panel,
}

impl Metric {
    fn metric(&self) -> PyResult<&dyn percept_image::Metric> {
        self.panel.metrics().next().ok_or_else(|| error::fault("a metric without a score"))
    }
}

#[pymethods]
impl Metric {
    /// See `percept.create_metric`.
    #[new]
    #[pyo3(signature = (name, *, crop = 0))]
    fn new(py: Python<'_>, name: String, crop: usize) -> PyResult<Self> {
        Ok(Self { panel: panel(py, vec![name], crop)? })
    }

    #[pyo3(signature = (test, r#ref = None))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        test: &Bound<'py, PyAny>,
        r#ref: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let metric = self.metric()?;
        let (test, batch) = pictures(test, "test")?.all();
        let references = match (r#ref, metric.needs_reference()) {
            (Some(references), _) => Some(pictures(references, "ref")?.all().0),
            (None, false) => None,
            (None, true) => {
                let name = metric.name();
                return Err(error::call(format!(
                    "{name} compares with a reference; pass it as second argument"
                )));
            }
        };
        let pairs = paired(test, references)?;
        let scored = quiet(py, |stop| {
            let going = |_: &&(Image<Srgb>, Image<Srgb>)| !stop.load(std::sync::atomic::Ordering::SeqCst);
            let score = |(test, reference): &(Image<Srgb>, Image<Srgb>)| metric.score(reference, test);
            pairs.iter().take_while(going).map(score).collect::<Result<Vec<f64>, _>>()
        });
        for (test, reference) in pairs {
            done_with(test);
            done_with(reference);
        }
        let scores = scored?.map_err(error::call)?;
        match (batch, scores.first()) {
            (false, Some(score)) => Ok(pyo3::types::PyFloat::new(py, *score).into_any()),
            _ => Ok(PyList::new(py, scores)?.into_any()),
        }
    }

    /// The name.
    #[getter]
    fn name(&self) -> PyResult<&str> {
        Ok(self.metric()?.name())
    }

    /// All that someone needs to get the same number elsewhere.
    #[getter]
    fn protocol(&self) -> PyResult<String> {
        Ok(self.metric()?.protocol())
    }

    /// Whether less is better.
    #[getter]
    fn lower_better(&self) -> PyResult<bool> {
        Ok(self.metric()?.better() == Better::Lower)
    }

    /// Whether it compares with a reference.
    #[getter]
    fn needs_reference(&self) -> PyResult<bool> {
        Ok(self.metric()?.needs_reference())
    }

    /// The least and the largest value, infinite where there is none.
    #[getter]
    fn range(&self) -> PyResult<(f64, f64)> {
        let range = self.metric()?.range();
        Ok((*range.start(), *range.end()))
    }

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!("percept.Metric({:?})", self.name()?))
    }
}

/// See `percept.metrics`.
#[pyfunction]
pub fn metrics(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let names = Panel::names().into_iter().map(str::to_string).collect();
    let panel = panel(py, names, 0)?;
    let list = PyList::empty(py);
    for metric in panel.metrics() {
        let entry = PyDict::new(py);
        entry.set_item("name", metric.name())?;
        entry.set_item("better", better(metric.better()))?;
        entry.set_item("range", (*metric.range().start(), *metric.range().end()))?;
        entry.set_item("reference", metric.needs_reference())?;
        entry.set_item("cost", format!("{:?}", metric.cost()).to_lowercase())?;
        entry.set_item("protocol", metric.protocol())?;
        entry.set_item("source", metric.source())?;
        list.append(entry)?;
    }
    Ok(list)
}

/// See `percept.score`.
#[pyfunction]
#[pyo3(signature = (test, r#ref, metrics, crop, preset))]
pub fn score<'py>(
    py: Python<'py>,
    test: &Bound<'py, PyAny>,
    r#ref: Option<&Bound<'py, PyAny>>,
    metrics: Vec<String>,
    crop: usize,
    preset: Option<&str>,
) -> PyResult<Bound<'py, PyDict>> {
    let preset = preset.map(named_preset).transpose()?;
    let metrics = preset.map_or(metrics, Preset::metrics);
    let panel = panel(py, metrics, crop)?;
    if r#ref.is_none()
        && let Some(name) = panel.comparing().next()
    {
        return Err(error::call(format!("{name} compares with a reference; pass it as second argument")));
    }
    let paths = (path(test)?, r#ref.map(path).transpose()?);
    let work = match paths {
        (Some(test), None) => Work::of_singles(&test)?,
        (Some(test), Some(Some(reference))) => Work::of_pairs(&reference, &test)?,
        // A file against an array, or two arrays.
        _ => {
            let test = pictures(test, "test")?.all().0;
            let references = r#ref.map(|reference| Ok::<_, PyErr>(pictures(reference, "ref")?.all().0));
            Work::Images(paired(test, references.transpose()?)?)
        }
    };
    let (images, skipped) = work.done(py, &panel)?;
    if let (true, Some((_, reason))) = (images.is_empty(), skipped.first()) {
        return Err(error::work(reason));
    }
    let scores = Scores::new(&panel, images);
    let scores = match preset {
        Some(preset) => scores.with_preset(preset),
        None => scores,
    };
    report(py, &scores, &skipped)
}

fn named_preset(name: &str) -> PyResult<&'static Preset> {
    Preset::find(name).ok_or_else(|| {
        let known = Preset::ALL.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
        error::call(format!("no preset is called {name}; there is {known}"))
    })
}

/// What is to be scored.
enum Work {
    Pairs(Pairs),
    Singles(Vec<Single>),
    Images(Vec<(Image<Srgb>, Image<Srgb>)>),
}

/// A photo that has no scores, and why.
type Skipped = (String, String);

impl Work {
    fn of_pairs(reference: &Path, test: &Path) -> PyResult<Self> {
        Ok(Self::Pairs(Pairs::find(reference, test).map_err(error::call)?))
    }

    fn of_singles(test: &Path) -> PyResult<Self> {
        Ok(Self::Singles(Single::find(test).map_err(error::call)?.0))
    }

    fn count(&self) -> usize {
        match self {
            Self::Pairs(pairs) => pairs.pairs.len(),
            Self::Singles(singles) => singles.len(),
            Self::Images(images) => images.len(),
        }
    }

    fn name(&self, at: usize) -> String {
        match self {
            Self::Pairs(pairs) => pairs.pairs[at].name.clone(),
            Self::Singles(singles) => singles[at].name.clone(),
            Self::Images(_) => at.to_string(),
        }
    }

    fn score(&self, at: usize, panel: &Panel) -> Result<ImageScores, String> {
        match self {
            Self::Pairs(pairs) => pairs.pairs[at].score(panel, None, None).map_err(|error| error.to_string()),
            Self::Singles(singles) => singles[at].score(panel, None).map_err(|error| error.to_string()),
            Self::Images(images) => {
                let (test, reference) = &images[at];
                let scores = panel.score_what_can_be(&self.name(at), reference, test);
                scores.map_err(|error| error.to_string())
            }
        }
    }

    /// Scores all photos, as the command does: several at a time unless there is a network among the scores.
    fn done(&self, py: Python<'_>, panel: &Panel) -> PyResult<(Vec<ImageScores>, Vec<Skipped>)> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let workers = if panel.has_network() { 1 } else { cores.min(AT_A_TIME) };
        quiet(py, |stop| {
            let (mut images, mut skipped) = (Vec::new(), Vec::new());
            let hear = |at, result: Result<ImageScores, String>| match result {
                Ok(scores) => images.push(scores),
                Err(reason) => skipped.push((self.name(at), reason)),
            };
            parallel::in_order(self.count(), workers, stop, |at| self.score(at, panel), hear);
            (images, skipped)
        })
    }
}

/// As the command's JSON, but for infinity, which Python has.
fn report<'py>(py: Python<'py>, scores: &Scores, skipped: &[Skipped]) -> PyResult<Bound<'py, PyDict>> {
    let numbers = |scores: &BTreeMap<String, f64>| {
        let dict = PyDict::new(py);
        scores.iter().try_for_each(|(name, score)| dict.set_item(name, score))?;
        Ok::<_, PyErr>(dict)
    };
    let metrics = PyDict::new(py);
    for (name, info) in &scores.metrics {
        let entry = PyDict::new(py);
        entry.set_item("protocol", &info.protocol)?;
        entry.set_item("better", better(info.better))?;
        metrics.set_item(name, entry)?;
    }
    let images = PyList::empty(py);
    for image in &scores.images {
        let entry = PyDict::new(py);
        entry.set_item("name", &image.name)?;
        entry.set_item("scores", numbers(&image.scores)?)?;
        if !image.missing.is_empty() {
            entry.set_item("missing", &image.missing)?;
        }
        images.append(entry)?;
    }
    let left = PyList::empty(py);
    for (name, reason) in skipped {
        let entry = PyDict::new(py);
        entry.set_item("name", name)?;
        entry.set_item("reason", reason)?;
        left.append(entry)?;
    }
    let report = PyDict::new(py);
    report.set_item("metrics", metrics)?;
    report.set_item("images", images)?;
    report.set_item("mean", numbers(&scores.mean)?)?;
    report.set_item("skipped", left)?;
    if let Some(preset) = &scores.preset {
        report.set_item("preset", plain(py, preset)?)?;
    }
    Ok(report)
}

/// Each test image with its reference; without references with a pixel, which no score then looks at.
fn paired(test: Vec<Photo>, references: Option<Vec<Photo>>) -> PyResult<Vec<(Image<Srgb>, Image<Srgb>)>> {
    let Some(references) = references else {
        let alone = test.into_iter().map(|test| (test.pixels, Image::from_fn(1, 1, |_, _, _| 0.0)));
        return Ok(alone.collect());
    };
    if test.len() != references.len() {
        let (tests, references) = (test.len(), references.len());
        return Err(error::array(format!(
            "test has {tests} pictures and ref {references}; pass as many of both"
        )));
    }
    Ok(test.into_iter().zip(references).map(|(test, reference)| (test.pixels, reference.pixels)).collect())
}

/// The scores of these names; learned ones load their weights meanwhile.
pub fn panel(py: Python<'_>, names: Vec<String>, crop: usize) -> PyResult<Panel> {
    let (store, device) = (store()?, cpu()?);
    quiet(py, |_| Panel::of_photos(&names, crop, &store, &device))?.map_err(error::call)
}

fn better(better: Better) -> &'static str {
    match better {
        Better::Higher => "higher",
        Better::Lower => "lower",
    }
}
