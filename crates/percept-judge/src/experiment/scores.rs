//! The scores of one run, kept beside it.

use std::collections::BTreeMap;

use percept_image::write_atomic;
use percept_nn::model::Model;
use percept_run::RunFiles;
use serde::{Deserialize, Serialize};

use super::ExperimentError;
use super::photos::{TestPhotos, restored};
use crate::Panel;
use crate::compare::score;

/// `scores.json`: a value for every photo, `None` where a metric has none.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// What they were made of; with anything else they are made anew.
    key: Vec<String>,
    scores: BTreeMap<String, Vec<Option<f64>>>,
}

/// By metric a value for every photo, NaN where it has none: from the file beside the run, or taken now and kept.
pub(super) fn of_run(
    run: &RunFiles,
    model: &Model,
    photos: &TestPhotos,
    panel: &Panel,
) -> Result<BTreeMap<String, Vec<f64>>, ExperimentError> {
    let protocols = panel.metrics().map(|metric| format!("{}: {}", metric.name(), metric.protocol()));
    let key: Vec<String> = [model.card().sha256.clone(), photos.key()].into_iter().chain(protocols).collect();
    let path = run.scores();
    let kept = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
    let kept = match kept.filter(|kept| kept.key == key) {
        Some(kept) => kept,
        None => {
            let kept = Kept { key, scores: take(model, photos, panel)? };
            let text = serde_json::to_vec(&kept)?;
            write_atomic(&path, &text).map_err(|source| ExperimentError::Write { path, source })?;
            kept
        }
    };
    let numbers = |row: Vec<Option<f64>>| row.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    Ok(kept.scores.into_iter().map(|(metric, row)| (metric, numbers(row))).collect())
}

fn take(
    model: &Model,
    photos: &TestPhotos,
    panel: &Panel,
) -> Result<BTreeMap<String, Vec<Option<f64>>>, ExperimentError> {
    let mut scores = BTreeMap::<String, Vec<Option<f64>>>::new();
    for at in 0..photos.len() {
        let Some((name, gt, input)) = photos.get(at) else { continue };
        let restored = [restored(model, name, &input)?];
        for (metric, found) in panel.metrics().zip(score(panel, gt, &restored)) {
            let value =
                found.ok().and_then(|values| values.first().copied()).filter(|value| value.is_finite());
            scores.entry(metric.name().to_string()).or_default().push(value);
        }
    }
    Ok(scores)
}
