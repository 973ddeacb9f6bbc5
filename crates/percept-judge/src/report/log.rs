//! What a run wrote down while it trained, one JSON object a line.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::ReportError;

/// Values over steps. NaN where the log holds no number.
pub(crate) type Curve = Vec<(f64, f64)>;

/// `log.jsonl`.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Loss terms (`l_g_pix`, …) by name.
    pub(crate) terms: BTreeMap<String, Curve>,
    /// Validation scores by name.
    pub(crate) scores: BTreeMap<String, Curve>,
    /// Seconds a step, the middle one of all lines.
    pub(crate) seconds: Option<f64>,
    /// The last step that was written down.
    pub(crate) last: u64,
    /// Values that are no numbers, and lines that are no JSON.
    pub(crate) gaps: usize,
}

/// One line of `selection.jsonl`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Moment {
    pub(crate) iter: u64,
    #[serde(default)]
    pub(crate) contrast: String,
    pub(crate) taps: Vec<TapWeights>,
    /// Share of triplets that violate their margin.
    #[serde(default)]
    pub(crate) active: Option<f64>,
}

/// The weights of one tap: mean 1, one a channel.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TapWeights {
    pub(crate) name: String,
    pub(crate) weights: Vec<f64>,
    /// Effective number of channels.
    pub(crate) effective: f64,
}

impl Log {
    pub(crate) fn read(path: &Path) -> Result<Self, ReportError> {
        let (lines, gaps) = lines::<Map<String, Value>>(path)?;
        let mut log = Self { gaps, ..Self::default() };
        let mut seconds = Vec::new();
        for line in lines {
            let Some(iter) = line.get("iter").and_then(Value::as_u64) else { continue };
            log.last = log.last.max(iter);
            if let Some(Value::Object(val)) = line.get("val") {
                val.iter().for_each(|(name, value)| push(&mut log.scores, &mut log.gaps, name, iter, value));
            }
            let terms = line.iter().filter(|(name, _)| name.starts_with("l_"));
            terms.for_each(|(name, value)| push(&mut log.terms, &mut log.gaps, name, iter, value));
            seconds.extend(line.get("seconds").and_then(Value::as_f64));
        }
        seconds.sort_by(f64::total_cmp);
        log.seconds = seconds.get(seconds.len() / 2).copied();
        Ok(log)
    }
}

fn push(curves: &mut BTreeMap<String, Curve>, gaps: &mut usize, name: &str, iter: u64, value: &Value) {
    let value = value.as_f64().unwrap_or(f64::NAN);
    *gaps += usize::from(!value.is_finite());
    curves.entry(name.to_string()).or_default().push((iter as f64, value));
}

/// The selection over time, as far as it has the taps of the last line; empty where there is no such file.
pub(crate) fn selection(path: &Path) -> Result<Vec<Moment>, ReportError> {
    let (mut moments, _) = lines::<Moment>(path)?;
    let shape = |moment: &Moment| -> Vec<(String, usize)> {
        moment.taps.iter().map(|tap| (tap.name.clone(), tap.weights.len())).collect()
    };
    let Some(last) = moments.last().map(shape) else { return Ok(moments) };
    moments.retain(|moment| shape(moment) == last);
    Ok(moments)
}

/// The lines that can be read, and how many cannot. A last line without its end is one that is being written, or that
/// a kill cut off: it is left out and not counted. A file that is not there has no lines.
fn lines<T: DeserializeOwned>(path: &Path) -> Result<(Vec<T>, usize), ReportError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(source) => return Err(ReportError::Read { path: path.to_path_buf(), source }),
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
