//! How a training goes, by what it has written so far.

use std::collections::BTreeMap;
use std::path::Path;

use percept_image::{list_photos, photo_name};
use percept_run::log::{Curve, History, SelectionLine, selections};
use percept_run::{RunFiles, Standing};
use serde_json::{Value, json};

/// Points of a curve: more than a chart has columns nobody sees.
const POINTS: usize = 400;
/// Validations whose pictures are offered.
const VALIDATIONS: usize = 60;

/// All that the page shows of a run; or a sentence that says why there is nothing to show.
pub(crate) fn told(run: &str, files: &RunFiles) -> Result<Value, String> {
    let config = files.read_config().map_err(|error| error.to_string())?;
    let unread = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let history = History::read(&files.log()).map_err(|error| unread(&files.log(), error))?;
    let selection = selections(&files.selection()).map_err(|error| unread(&files.selection(), error))?;
    let standing = Standing::of(&config);
    let total = config.train.total_iter;
    let finished = standing == Standing::Finished;
    let saved = match standing {
        Standing::New => 0,
        Standing::Begun(iter) => iter,
        Standing::Finished => history.last,
    };
    let left = history.seconds.filter(|_| !finished).map(|s| s * total.saturating_sub(history.last) as f64);
    let losses: Vec<_> = config.train.losses.iter().map(|term| term.name.clone()).collect();
    Ok(json!({
        "name": if config.name.is_empty() { run } else { config.name.as_str() },
        "task": config.task.name(), "network": config.network_g.name(), "losses": losses,
        "iter": history.last, "total": total, "finished": finished, "saved": saved,
        "seconds": history.seconds, "left": left, "gaps": history.gaps,
        "terms": curves(&history.terms), "scores": curves(&history.scores),
        "selection": chosen(&selection), "pictures": pictures(files),
    }))
}

/// What a list shows of a run.
pub(crate) fn short(told: &Value) -> Value {
    let keys = ["name", "task", "network", "losses", "iter", "total", "finished", "seconds", "left"];
    let mut short: serde_json::Map<_, _> =
        keys.iter().map(|key| (key.to_string(), told[*key].clone())).collect();
    let last = |curve: &Value| curve.as_array().and_then(|curve| curve.last()).map(|point| point[1].clone());
    let scores = told["scores"].as_object().into_iter().flatten();
    let scores: serde_json::Map<_, _> =
        scores.filter_map(|(name, curve)| Some((name.clone(), last(curve)?))).collect();
    short.insert("scores".to_string(), scores.into());
    short.into()
}

fn curves(curves: &BTreeMap<String, Curve>) -> Value {
    curves
        .iter()
        .map(|(name, curve)| (name.clone(), json!(thinned(curve))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A curve of few points, each the mean of its neighbours; what is no number is left out.
fn thinned(curve: &Curve) -> Curve {
    let sound: Curve = curve.iter().copied().filter(|(_, value)| value.is_finite()).collect();
    let each = sound.len().div_ceil(POINTS).max(1);
    let mean = |points: &[(f64, f64)]| {
        let count = points.len() as f64;
        let sum = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        ((sum.0 / count).round(), sum.1 / count)
    };
    sound.chunks(each).map(mean).collect()
}

/// What the selection switches on: the weights of every tap as they are, and how many channels were effective over time.
fn chosen(lines: &[SelectionLine]) -> Value {
    let Some(last) = lines.last() else { return Value::Null };
    let taps = last.taps.iter().enumerate().map(|(at, tap)| {
        let weights: Vec<f64> = tap.weights.iter().map(|w| (f64::from(*w) * 100.0).round() / 100.0).collect();
        let effective = |line: &SelectionLine| Some((line.iter as f64, line.taps.get(at)?.effective));
        let curve = thinned(&lines.iter().filter_map(effective).collect());
        json!({"name": tap.name, "weights": weights, "effective": tap.effective, "curve": curve})
    });
    json!({
        "iter": last.iter, "term": last.term, "backbone": last.backbone, "active": last.active, "idle": last.idle,
        "taps": taps.collect::<Vec<_>>(),
    })
}

/// The validations that have pictures, and of what.
fn pictures(files: &RunFiles) -> Value {
    let names = |folder: &str| -> Vec<String> {
        list_photos(files.val_folder(folder)).unwrap_or_default().iter().map(photo_name).collect()
    };
    let mut iters = files.val_iters();
    iters.sort_unstable();
    iters.drain(..iters.len().saturating_sub(VALIDATIONS));
    // The newest one may be on its way.
    let restored = iters.last().map(|iter| names(&RunFiles::iter(*iter))).unwrap_or_default();
    let names = if iters.len() > 1 { names(&RunFiles::iter(iters[iters.len() - 2])) } else { restored };
    json!({
        "iters": iters, "names": names,
        "gt": files.val_folder(RunFiles::GT).is_dir(), "lq": files.val_folder(RunFiles::LQ).is_dir(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_curves_become_short_and_keep_their_course() {
        let curve: Curve = (0..10_000).map(|at| (f64::from(at), f64::from(at) * 2.0)).collect();
        let thin = thinned(&curve);
        assert!(thin.len() <= POINTS && thin.len() > POINTS / 2, "{}", thin.len());
        assert!(thin.iter().all(|(at, value)| (value - 2.0 * at).abs() < 2.0));
        assert_eq!(thinned(&vec![(1.0, f64::NAN), (2.0, 5.0)]), [(2.0, 5.0)]);
    }
}
