//! What a table cannot say, in words: a missing number alone would leave its reader guessing.

use std::collections::BTreeMap;

use super::{AgreeOptions, Judged, MetricAgreement, Said};

/// Pictures for each parameter of a curve below which its error says little.
const FEW: usize = 3;

/// A sentence for everything that keeps a statistic or an interval from being found over all rows.
pub(super) fn notes(
    judged: &Judged,
    metrics: &BTreeMap<String, MetricAgreement>,
    options: &AgreeOptions,
) -> Vec<String> {
    let mut notes = Vec::new();
    if !judged.has_references {
        notes.push("The pictures have no references: intervals are over rows, each by itself.".to_string());
    } else if judged.references.iter().max() == Some(&0) {
        notes.push(
            "All pictures have one reference: there are no intervals, which need at least two.".to_string(),
        );
    }
    if judged.said == Said::Best {
        let all = metrics.keys().next().map(String::as_str).unwrap_or_default();
        let counts =
            judged.rows.iter().filter_map(|row| row.scores.get(all)).map(|values| values.len() as f64);
        let chance = counts.map(f64::recip).sum::<f64>() / judged.rows.len().max(1) as f64;
        notes.push(format!("Chance alone finds the same picture best in {chance:.3} of the rows."));
    }
    if judged.said != Said::Ratings {
        return notes;
    }
    let n = judged.rows.len();
    let same_score = equal(judged.rows.iter().map(|row| row.human));
    let parameters = options.curve.parameters();
    if n < 2 {
        notes.push("A single picture has no order: there are no correlations.".to_string());
    } else if same_score {
        notes.push("All human scores are equal: nothing can be correlated with them.".to_string());
    } else if judged.has_references && metrics.values().all(|metric| metric.overall.two_afc.is_none()) {
        notes.push(
            "No reference has two pictures that people rate differently: there is no 2AFC.".to_string(),
        );
    }
    for (name, metric) in metrics.iter().filter(|_| n > 1 && !same_score) {
        let values = || judged.rows.iter().filter_map(|row| row.scores.get(name)?.first().copied());
        let finite = values().filter(|value| value.is_finite()).count();
        if equal(values()) {
            notes.push(format!("{name} is equal for all pictures: it orders nothing."));
            continue;
        }
        if finite < n {
            notes.push(format!(
                "{name} is infinite where a picture equals its reference ({} of {n}): PLCC and RMSE leave it out.",
                n - finite
            ));
        }
        if finite <= parameters {
            notes.push(format!(
                "{name} has {finite} finite values: a curve with {parameters} parameters needs more, so there are no \
                 PLCC and RMSE."
            ));
        } else if finite < FEW * parameters {
            notes.push(format!(
                "{name} has {finite} finite values: a curve with {parameters} parameters follows so few whatever they \
                 are; PLCC and RMSE say little."
            ));
        }
        let [low, high] = values()
            .filter(|value| value.is_finite())
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| [low.min(value), high.max(value)]);
        if metric.overall.logistic.as_ref().is_some_and(|curve| curve.turns(low, high)) {
            notes.push(format!(
                "The curve of {name} both rises and falls, which flatters its PLCC and RMSE: --logistic 4 fits one that \
                 does not."
            ));
        }
    }
    notes
}

fn equal(mut values: impl Iterator<Item = f64>) -> bool {
    values.next().is_none_or(|first| values.all(|value| value == first))
}
