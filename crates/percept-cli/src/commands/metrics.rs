//! `percept metrics`: what scores there are, and what each of them is.

use percept_image::{Better, Cost, Metric};
use percept_judge::Panel;
use percept_nn::metric::FrechetVgg;
use serde_json::{Value, json};

use crate::args::{Global, MetricsArgs};
use crate::bundle;
use crate::commands::score::direction;
use crate::failure::Failure;
use crate::output::{print, table};

const SELECTED: &str = "\
And selected:RUN, for the folder of any run that was trained with a selection: the distance in the channels that it\n\
selected, from 0, lower is better, cost network. Its protocol names the run's frozen network, taps and state.\n\
selected:FILE is the same for a file of `percept select`, as selected-alex is for the one that is bundled.\n\n\
NAME@SIDE is a score of pictures that are first shrunk to a shorter side of so many pixels: dists@256 is DISTS as its\n\
authors compare it with people.";

/// Runs the command.
pub fn run(global: &Global, args: &MetricsArgs) -> Result<(), Failure> {
    let names = Panel::names().into_iter().chain([FrechetVgg::NAME]).map(ToString::to_string);
    let names: Vec<_> = names.collect();
    let store = bundle::store(global.weights.as_deref())?;
    // Of whole pictures: `crop 0` in the protocols.
    let panel = Panel::new(&names, 0, &store, &global.device()?).map_err(Failure::work)?;
    if args.json {
        let metrics: Vec<_> = panel.metrics().map(entry).chain(panel.distribution().map(set_entry)).collect();
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
    let set = panel.distribution().map(|set| {
        let cells = [FrechetVgg::NAME, "lower", "from 0", "all of them", "network", set.source()];
        cells.map(str::to_string).to_vec()
    });
    let rows = rows.chain(set);
    let header = ["score", "better", "range", "reference", "cost", "paper"];
    let protocols = panel.metrics().map(|metric| vec![metric.name().to_string(), metric.protocol()]);
    let set = panel.distribution().map(|set| vec![FrechetVgg::NAME.to_string(), set.protocol()]);
    let protocols = protocols.chain(set);
    let protocols = table(&["score", "protocol, without --crop"], &protocols.collect::<Vec<_>>(), 2);
    print(&format!(
        "{}\n\n{protocols}\n\n{SELECTED}",
        table(&header, &rows.collect::<Vec<_>>(), header.len())
    ))
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

fn set_entry(set: &FrechetVgg) -> Value {
    json!({
        "name": FrechetVgg::NAME, "better": Better::Lower, "range": [0.0, null], "reference": true,
        "cost": Cost::Network, "protocol": set.protocol(), "source": set.source(),
    })
}

/// `0 to 1`, `from 0` or `up to 100`.
fn range(metric: &dyn Metric) -> String {
    let (start, end) = (*metric.range().start(), *metric.range().end());
    // Bounds are whole numbers or given to a tenth.
    let number = |value: f64| format!("{}", (10.0 * value).round() / 10.0);
    match (start.is_finite(), end.is_finite()) {
        (true, true) => format!("{} to {}", number(start), number(end)),
        (true, false) => format!("from {}", number(start)),
        (false, _) => format!("up to {}", number(end)),
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
