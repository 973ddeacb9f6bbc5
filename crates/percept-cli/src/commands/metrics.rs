//! `percept metrics`: what scores there are, and what each of them is.

use percept_image::{Cost, Metric};
use percept_judge::Panel;
use serde_json::{Value, json};

use crate::args::{Global, MetricsArgs};
use crate::bundle;
use crate::commands::score::direction;
use crate::failure::Failure;
use crate::output::{print, table};

/// Runs the command.
pub fn run(global: &Global, args: &MetricsArgs) -> Result<(), Failure> {
    let names: Vec<_> = Panel::names().iter().map(ToString::to_string).collect();
    let store = bundle::store(global.weights.as_deref());
    // Of whole pictures: `crop 0` in the protocols.
    let panel = Panel::new(&names, 0, &store, &global.device()?).map_err(Failure::work)?;
    if args.json {
        let metrics: Vec<_> = panel.metrics().map(entry).collect();
        return print(&format!("{:#}", json!({"metrics": metrics})));
    }
    let rows = panel.metrics().map(|metric| {
        let cells = [
            metric.name(),
            direction(metric.better()),
            &range(metric),
            reference(metric),
            cost(metric.cost()),
        ];
        cells.map(str::to_string).into_iter().chain([metric.source().to_string()]).collect()
    });
    let header = ["score", "better", "range", "reference", "cost", "paper"];
    let protocols = panel.metrics().map(|metric| vec![metric.name().to_string(), metric.protocol()]);
    let protocols = table(&["score", "protocol, without --crop"], &protocols.collect::<Vec<_>>(), 2);
    print(&format!("{}\n\n{protocols}", table(&header, &rows.collect::<Vec<_>>(), header.len())))
}

fn entry(metric: &dyn Metric) -> Value {
    // JSON has no infinity.
    let end = |end: f64| end.is_finite().then_some(end);
    json!({
        "name": metric.name(), "better": metric.better(), "range": [end(*metric.range().start()), end(*metric.range().end())],
        "reference": metric.needs_reference(), "cost": metric.cost(), "protocol": metric.protocol(),
        "source": metric.source(),
    })
}

/// `0 to 1`, or `from 0`.
fn range(metric: &dyn Metric) -> String {
    let (start, end) = (*metric.range().start(), *metric.range().end());
    // Bounds are whole numbers or given to a tenth.
    let number = |value: f64| format!("{}", (10.0 * value).round() / 10.0);
    match end.is_finite() {
        true => format!("{} to {}", number(start), number(end)),
        false => format!("from {}", number(start)),
    }
}

fn reference(metric: &dyn Metric) -> &'static str {
    if metric.needs_reference() { "yes" } else { "no" }
}

fn cost(cost: Cost) -> &'static str {
    match cost {
        Cost::Low => "low",
        Cost::Medium => "medium",
        Cost::Network => "network",
    }
}
