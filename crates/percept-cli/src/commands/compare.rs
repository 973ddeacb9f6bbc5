//! `percept compare`: two runs on the same photos, and what that shows.

use percept_image::Better;
use percept_judge::compare::{CompareError, CompareOptions, Comparison, MetricComparison, PhotoSource};
use percept_judge::stats::Outcome;

use crate::args::{CompareArgs, Global};
use crate::failure::Failure;
use crate::output::{counted, print, table};
use crate::progress::Progress;
use crate::screen::say;
use crate::{bundle, interrupt};

/// Runs the command.
pub fn run(global: &Global, args: &CompareArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let device = global.device()?;
    let store = bundle::store(global.weights.as_deref())?;
    let source = match (&args.data, &args.gt, &args.lq) {
        (Some(folder), ..) => PhotoSource::Degraded(folder.clone()),
        (_, Some(gt), Some(lq)) => PhotoSource::Pairs { gt: gt.clone(), lq: lq.clone() },
        _ => return Err(Failure::call("no photos are named; pass --data DIR, or --gt DIR and --lq DIR")),
    };
    let metrics = args.metric.iter().map(|name| name.trim().to_string()).collect();
    let options = CompareOptions { metrics, over_seeds: args.over.is_some(), ..CompareOptions::default() };
    let stop = interrupt::listen("finishing this photo")?;
    let mut progress: Option<Progress> = None;
    let runs = [args.a.as_path(), args.b.as_path()];
    let found = Comparison::measure(runs, &source, &options, &store, &device, &mut |done, total| {
        progress.get_or_insert_with(|| Progress::new("compare", total, 0)).set(done, "");
        !interrupt::asked(stop)
    });
    progress.into_iter().for_each(Progress::finish);
    let found = found.map_err(failure)?;
    for photo in &found.skipped {
        say(&format!("skipped {}: {}", photo.name, photo.reason));
    }
    let text = match args.json {
        true => serde_json::to_string_pretty(&found).map_err(Failure::work)?,
        false => human(&found),
    };
    print(&text)?;
    match found.skipped.len() {
        0 => Ok(()),
        skipped => Err(Failure::work(format!(
            "{skipped} of {} skipped, {} compared; replace or remove the files named above",
            counted(skipped + found.photos.len(), "photo"),
            found.photos.len()
        ))),
    }
}

/// What the caller can set right in the call; the rest is work that failed.
fn failure(error: CompareError) -> Failure {
    match error {
        CompareError::NothingSound { .. } | CompareError::Stopped { .. } | CompareError::Model(_) => {
            Failure::work(error)
        }
        _ => Failure::call(error),
    }
}

/// A row for every metric, then the verdict.
fn human(found: &Comparison) -> String {
    let rows: Vec<Vec<String>> =
        found.order.iter().filter_map(|name| Some(row(name, found.metrics.get(name)?))).collect();
    let header = [
        "metric",
        "",
        &found.a.name,
        &found.b.name,
        "difference",
        "95 % interval",
        "effect",
        "p (Holm)",
        "verdict",
    ];
    let seeds = match found.a.runs.len() {
        1 => "one run each".to_string(),
        seeds => format!("{seeds} seeds"),
    };
    let notes: String = found.notes.iter().map(|note| format!("\n{note}")).collect();
    format!(
        "{}\n\n{}, {seeds}; differences are {} less {}, paired; intervals and p-values are bootstraps over photos{}, \
         scaled by Student's t and wider the fewer the photos are{notes}\n\n{}",
        table(&header, &rows, 2),
        counted(found.photos.len(), "photo"),
        found.a.name,
        found.b.name,
        if found.a.runs.len() > 1 { " and seeds" } else { "" },
        found.verdict
    )
}

fn row(name: &str, metric: &MetricComparison) -> Vec<String> {
    let arrow = match metric.info.better {
        Better::Higher => "↑",
        Better::Lower => "↓",
    };
    let number = |value: f64| format!("{value:.4}");
    let effect = metric.difference;
    let words = match (metric.shares_backbone, metric.outcome) {
        (Some(family), _) => format!("not counted: {family}"),
        (_, Some(Outcome::Better)) => "better".to_string(),
        (_, Some(Outcome::Worse)) => "worse".to_string(),
        (_, Some(Outcome::None)) => "no difference".to_string(),
        (_, None) => "-".to_string(),
    };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_string());
    vec![
        name.to_string(),
        arrow.to_string(),
        number(metric.mean_a),
        number(metric.mean_b),
        or_dash(effect.map(|effect| format!("{:+.4}", effect.mean))),
        or_dash(effect.map(|effect| format!("[{:+.4}, {:+.4}]", effect.low, effect.high))),
        or_dash(effect.and_then(|effect| effect.d_z).map(|d_z| format!("{d_z:+.2}"))),
        or_dash(metric.p_holm.map(|p| format!("{p:.4}"))),
        words,
    ]
}
