//! The photos that all runs have restored.

use std::path::Path;

use percept_image::{Image, Srgb, read_srgb};

use super::ReportError;
use super::folder::RunFolder;

/// One photo in all its versions, all of one size.
pub(super) struct Versions {
    pub(super) input: Image<Srgb>,
    /// In the order of the runs.
    pub(super) runs: Vec<Image<Srgb>>,
    pub(super) target: Image<Srgb>,
}

impl Versions {
    /// The photo `name`; what is wrong with it otherwise.
    pub(super) fn read(runs: &[RunFolder], name: &str) -> Result<Self, String> {
        let read = |path: Option<&std::path::PathBuf>| match path {
            Some(path) => read_srgb(path).map_err(|error| error.to_string()),
            None => Err(format!("{name}: a version of it is missing")),
        };
        let first = runs.first();
        let versions = Self {
            input: read(first.and_then(|run| run.inputs.get(name)))?,
            runs: runs.iter().map(|run| read(run.restored.get(name))).collect::<Result<_, _>>()?,
            target: read(first.and_then(|run| run.targets.get(name)))?,
        };
        let size = versions.target.size();
        let other = versions.all().map(Image::size).find(|other| *other != size);
        match other {
            Some(other) => Err(format!("{name}: its target is {size:?} pixels, a version of it {other:?}")),
            None => Ok(versions),
        }
    }

    /// The results; of a single one, it and the input.
    pub(super) fn compared(&self) -> Vec<&Image<Srgb>> {
        match self.runs.as_slice() {
            [single] => vec![single, &self.input],
            several => several.iter().collect(),
        }
    }

    /// Input, results, target.
    pub(super) fn all(&self) -> impl Iterator<Item = &Image<Srgb>> {
        std::iter::once(&self.input).chain(&self.runs).chain(std::iter::once(&self.target))
    }
}

/// The names of the photos that every run has, and what should be said about the others.
pub(super) fn common(runs: &[RunFolder]) -> Result<(Vec<String>, Vec<String>), ReportError> {
    let everywhere = |name: &&String| {
        let whole = |run: &RunFolder| {
            [&run.restored, &run.targets, &run.inputs].iter().all(|photos| photos.contains_key(*name))
        };
        runs.iter().all(whole)
    };
    let mut all: Vec<&String> = runs.iter().flat_map(|run| run.restored.keys()).collect();
    all.sort();
    all.dedup();
    let (mut names, others): (Vec<&String>, Vec<&String>) = all.into_iter().partition(everywhere);
    let mut notes = Vec::new();
    if !others.is_empty() {
        let others: Vec<&str> = others.into_iter().map(String::as_str).collect();
        notes.push(format!(
            "Left out, because not every run has them with input and target: {}.",
            others.join(", ")
        ));
    }
    if names.is_empty() {
        return Err(ReportError::NothingInCommon { runs: runs.iter().map(|run| run.name.clone()).collect() });
    }
    let Some((first, rest)) = runs.split_first() else { return Err(ReportError::NoRuns) };
    let mut inputs_differ = Vec::new();
    let mut failed = None;
    names.retain(|name| {
        for run in rest {
            let same = |a: Option<&std::path::PathBuf>, b: Option<&std::path::PathBuf>| match (a, b) {
                (Some(a), Some(b)) => same(a, b),
                _ => Ok(true),
            };
            match same(first.targets.get(*name), run.targets.get(*name)) {
                Ok(true) => {}
                Ok(false) => {
                    failed.get_or_insert_with(|| ReportError::TargetsDiffer {
                        photo: (*name).clone(),
                        first: first.name.clone(),
                        second: run.name.clone(),
                    });
                }
                Err(problem) => {
                    notes.push(format!("Left out: {problem}."));
                    return false;
                }
            }
            if matches!(same(first.inputs.get(*name), run.inputs.get(*name)), Ok(false)) {
                inputs_differ.push(format!("{name} ({})", run.name));
            }
        }
        true
    });
    if let Some(error) = failed {
        return Err(error);
    }
    if !inputs_differ.is_empty() {
        notes.push(format!(
            "The runs did not all start from the same inputs; shown are those of {}. Others: {}.",
            first.name,
            inputs_differ.join(", ")
        ));
    }
    if names.is_empty() {
        let problem = notes.last().cloned().unwrap_or_default();
        return Err(ReportError::NothingSound { photos: first.restored.len(), problem });
    }
    Ok((names.into_iter().cloned().collect(), notes))
}

/// Whether two files hold the same picture.
fn same(a: &Path, b: &Path) -> Result<bool, String> {
    // Runs on the same photos leave equal files: cheaper than to decode them.
    if let (Ok(a), Ok(b)) = (std::fs::read(a), std::fs::read(b))
        && a == b
    {
        return Ok(true);
    }
    let read = |path: &Path| read_srgb(path).map_err(|error| error.to_string());
    Ok(read(a)? == read(b)?)
}
