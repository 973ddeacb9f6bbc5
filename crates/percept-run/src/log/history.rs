//! What a run wrote down while it trained, read back.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{SelectionLine, StepLine, Validation};

/// Values over steps. NaN where the log holds no number.
pub type Curve = Vec<(f64, f64)>;

/// `log.jsonl`.
#[derive(Debug, Default)]
pub struct History {
    /// Loss terms (`l_g_l1`, …) by name.
    pub terms: BTreeMap<String, Curve>,
    /// Validation scores by name.
    pub scores: BTreeMap<String, Curve>,
    /// Seconds a step, the middle one of all lines.
    pub seconds: Option<f64>,
    /// The last step that was written down.
    pub last: u64,
    /// Values that are no numbers, and lines that are neither of the two kinds.
    pub gaps: usize,
}

impl History {
    /// The log at `path`; empty where there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        let (lines, gaps) = lines::<Value>(path)?;
        let mut history = Self { gaps, ..Self::default() };
        let mut seconds = Vec::new();
        for line in lines {
            if let Ok(validation) = Validation::deserialize(&line) {
                history.last = history.last.max(validation.iter);
                for (name, value) in validation.val {
                    push(&mut history.scores, &mut history.gaps, name, validation.iter, value);
                }
            } else if let Ok(step) = StepLine::deserialize(&line) {
                history.last = history.last.max(step.iter);
                for (name, value) in step.terms {
                    let value = value.unwrap_or(f64::NAN);
                    push(&mut history.terms, &mut history.gaps, name, step.iter, value);
                }
                seconds.push(step.seconds);
            } else {
                history.gaps += 1;
            }
        }
        seconds.sort_by(f64::total_cmp);
        history.seconds = seconds.get(seconds.len() / 2).copied();
        Ok(history)
    }
}

fn push(curves: &mut BTreeMap<String, Curve>, gaps: &mut usize, name: String, iter: u64, value: f64) {
    *gaps += usize::from(!value.is_finite());
    curves.entry(name).or_default().push((iter as f64, value));
}

/// The lines of `selection.jsonl` about the first term of the loss that has a selection, as [`all_selections`] has them.
///
/// # Errors
/// When the file cannot be read.
pub fn selections(path: &Path) -> io::Result<Vec<SelectionLine>> {
    Ok(all_selections(path)?.into_iter().next().unwrap_or_default())
}

/// The lines of `selection.jsonl` by the term of the loss that has the selection, in the order in which the terms come there, at
/// least one of each; of every term as far as they have the taps of its last one. Empty where there is no such file.
///
/// # Errors
/// When the file cannot be read.
pub fn all_selections(path: &Path) -> io::Result<Vec<Vec<SelectionLine>>> {
    let shape = |line: &SelectionLine| -> Vec<(String, usize)> {
        line.taps.iter().map(|tap| (tap.name.clone(), tap.weights.len())).collect()
    };
    let mut terms: Vec<Vec<SelectionLine>> = Vec::new();
    for line in lines::<SelectionLine>(path)?.0 {
        match terms.iter_mut().find(|term| term.first().is_some_and(|first| first.term == line.term)) {
            Some(term) => term.push(line),
            None => terms.push(vec![line]),
        }
    }
    for term in &mut terms {
        let last = term.last().map(shape);
        term.retain(|line| Some(shape(line)) == last);
    }
    Ok(terms)
}

/// The lines that can be read, and how many cannot. A last line without its end is one that is being written, or that
/// a kill cut off: it is left out and not counted. A file that is not there has no lines.
fn lines<T: DeserializeOwned>(path: &Path) -> io::Result<(Vec<T>, usize)> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error),
    };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let lines = bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
    let (mut read, mut broken) = (Vec::new(), 0);
    for line in lines.filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(value) => read.push(value),
            Err(_) => broken += 1,
        }
    }
    Ok((read, broken))
}
