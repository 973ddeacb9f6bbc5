//! `percept agree`: how far scores agree with people.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use percept_image::{Better, write_atomic};
use percept_judge::agree::{AgreeError, AgreeOptions, Agreement, Agreements, Layout, Rows, Table};
use percept_judge::stats::{Curve, Estimate};
use percept_judge::{Kept, Panel};

use crate::args::{AgreeArgs, Global};
use crate::failure::Failure;
use crate::output::{counted, csv_line, print, table, writable};
use crate::progress::Progress;
use crate::screen::say;
use crate::{bundle, interrupt, kept};

/// Skipped rows that are named; the rest are counted, and all are in JSON and page.
const NAMED: usize = 10;

/// Runs the command.
pub fn run(global: &Global, args: &AgreeArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let device = global.device()?;
    args.output.as_deref().map_or(Ok(()), writable)?;
    let opinions = opinions(args)?;
    let names: Vec<_> = args.metric.iter().map(|name| name.trim().to_string()).collect();
    let store = bundle::store(global.weights.as_deref())?;
    let panel = Panel::of_photos(&names, 0, &store, &device).map_err(Failure::call)?;
    let kept = kept::open(global, args.no_cache);
    let found = measure(&opinions, &panel, kept.as_ref(), args)?;

    let format = Format::of(args);
    match (&args.output, format) {
        (Some(path), Format::Page) => {
            found.write_page(path).map_err(Failure::work)?;
            let text = if args.json {
                json(&found)?
            } else if args.csv {
                csv(&found)
            } else {
                say(&human(&found));
                path.display().to_string()
            };
            print(&text)?;
        }
        (Some(path), format) => {
            let text = format.text(&found)? + "\n";
            write_atomic(path, text.as_bytes())
                .map_err(|error| Failure::work(format!("{}: cannot be written: {error}", path.display())))?;
            print(&path.display().to_string())?;
        }
        (None, format) => print(&format.text(&found)?)?,
    }
    match found.skipped.len() {
        0 => Ok(()),
        skipped => Err(Failure::work(format!(
            "{skipped} of {} rows skipped, {} judged; replace or remove the files named above",
            skipped + found.n,
            found.n
        ))),
    }
}

/// The table with its direction.
fn opinions(args: &AgreeArgs) -> Result<Table, Failure> {
    let mut opinions = Table::read(&args.table, args.layout, args.root.as_deref()).map_err(failure)?;
    if args.lower_is_better {
        if opinions.layout != Layout::Csv || !matches!(opinions.rows, Rows::Ratings(_)) {
            return Err(Failure::call(
                "--lower-is-better is for the ratings of a CSV file: data sets and choices say it themselves; leave it \
                 out",
            ));
        }
        opinions.better = Better::Lower;
    }
    Ok(opinions)
}

fn measure(
    opinions: &Table,
    panel: &Panel,
    kept: Option<&Kept>,
    args: &AgreeArgs,
) -> Result<Agreements, Failure> {
    let stop = interrupt::listen("finishing these pictures")?;
    let bar: Mutex<Option<Progress>> = Mutex::new(None);
    let progress = |done, total| {
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        // After the last picture come the intervals, which take a while for many metrics.
        let next = if done == total { "then intervals" } else { "" };
        bar.get_or_insert_with(|| Progress::new("agree", total, 0)).set(done, next);
        !interrupt::asked(stop)
    };
    let curve = if args.logistic == 4 { Curve::Four } else { Curve::Five };
    let options = AgreeOptions { curve, ..AgreeOptions::default() };
    let found = Agreements::measure(opinions, panel, &options, kept, &progress);
    bar.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().for_each(Progress::finish);
    let found = found.map_err(failure)?;
    for row in found.skipped.iter().take(NAMED) {
        say(&format!("skipped {}: {}", row.name, row.reason));
    }
    if let Some(more @ 1..) = found.skipped.len().checked_sub(NAMED) {
        say(&format!("skipped {more} more"));
    }
    Ok(found)
}

/// What the caller can set right in the call or the table; the rest is work that failed.
fn failure(error: AgreeError) -> Failure {
    match error {
        AgreeError::NothingSound { .. } | AgreeError::Stopped { .. } | AgreeError::Write { .. } => {
            Failure::work(error)
        }
        _ => Failure::call(error),
    }
}

#[derive(Clone, Copy)]
enum Format {
    Table,
    Json,
    Csv,
    /// A file that is a page; stdout has what the flags say.
    Page,
}

impl Format {
    fn of(args: &AgreeArgs) -> Self {
        let ending = args.output.as_deref().and_then(Path::extension);
        match ending.map(|ending| ending.to_ascii_lowercase()) {
            Some(ending) if ending == "html" || ending == "htm" => Self::Page,
            _ if args.json => Self::Json,
            _ if args.csv => Self::Csv,
            Some(ending) if ending == "json" => Self::Json,
            Some(ending) if ending == "csv" => Self::Csv,
            _ => Self::Table,
        }
    }

    fn text(self, found: &Agreements) -> Result<String, Failure> {
        match self {
            Self::Json => json(found),
            Self::Csv => Ok(csv(found)),
            Self::Table | Self::Page => Ok(human(found)),
        }
    }
}

fn json(found: &Agreements) -> Result<String, Failure> {
    serde_json::to_string_pretty(found).map_err(Failure::work)
}

/// A statistic and where it is.
type Statistic = (&'static str, fn(&Agreement) -> Option<Estimate>);

const STATISTICS: [Statistic; 7] = [
    ("srocc", |of| of.srocc),
    ("krocc", |of| of.krocc),
    ("plcc", |of| of.plcc),
    ("rmse", |of| of.rmse),
    ("outliers", |of| of.outliers),
    ("2afc", |of| of.two_afc),
    ("best", |of| of.best),
];

/// The statistics over all rows with their intervals, then one of them for every kind of distortion.
fn human(found: &Agreements) -> String {
    let overall = found.order.iter().filter_map(|name| Some((name, &found.metrics.get(name)?.overall)));
    let metrics: Vec<(&String, &Agreement)> = overall.collect();
    let present: Vec<&Statistic> = STATISTICS
        .iter()
        .filter(|(_, of)| metrics.iter().any(|(_, agreement)| of(agreement).is_some()))
        .collect();
    let rows: Vec<Vec<String>> = metrics
        .iter()
        .map(|(name, agreement)| {
            let cells = present.iter().map(|(_, of)| cell(of(agreement)));
            std::iter::once((*name).clone()).chain(cells).collect()
        })
        .collect();
    let header: Vec<&str> = std::iter::once("metric").chain(present.iter().map(|(name, _)| *name)).collect();
    let alone = found.rows.iter().all(|row| row.reference.is_empty());
    let references = counted(found.references, "reference");
    let of = if alone { "without references".to_string() } else { format!("of {references}") };
    let over = if alone { "rows" } else { "references" };
    let facts = [
        Some(format!("{} {} {of}", found.n, found.kind)),
        (found.references > 1 && !present.is_empty()).then(|| format!("95 % intervals over {over}")),
        (found.kind == "ratings" && !present.is_empty())
            .then(|| "srocc and krocc above 0: metric and people agree".to_string()),
    ];
    let facts = facts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let mut text = match present.is_empty() {
        true => facts,
        false => format!("{}\n\n{facts}", table(&header, &rows, 1)),
    };
    found.notes.iter().for_each(|note| text.push_str(&format!("\n{note}")));
    if let Some(more) = more(found) {
        text.push_str(&format!("\n{more}"));
    }
    let main = STATISTICS.iter().find(|(name, _)| *name == found.statistic).map(|(_, of)| of);
    if let (false, Some(of)) = (found.distortions().is_empty() || present.is_empty(), main) {
        let header: Vec<&str> =
            ["distortion", "rows"].into_iter().chain(found.order.iter().map(String::as_str)).collect();
        let rows = found.distortions().into_iter().map(|kind| {
            let of_kind = |name: &String| found.metrics.get(name)?.distortions.get(kind);
            let n = found.order.first().and_then(of_kind).map_or(0, |agreement| agreement.n);
            let cells = found.order.iter().map(|name| cell(of_kind(name).and_then(of)));
            [kind.to_string(), n.to_string()].into_iter().chain(cells).collect()
        });
        text.push_str(&format!(
            "\n\n{} by kind of distortion\n{}",
            found.statistic,
            table(&header, &rows.collect::<Vec<_>>(), 1)
        ));
    }
    text
}

/// Which scores agree with people more than others do, where there are several.
fn more(found: &Agreements) -> Option<String> {
    let pairs = counted(found.differences.iter().filter(|pair| pair.p_holm.is_some()).count(), "pair");
    let beaten = found.order.iter().filter_map(|name| {
        let beaten = found.differences.iter().filter(|pair| pair.more.as_ref() == Some(name));
        let others: Vec<&str> =
            beaten.map(|pair| if pair.a == *name { pair.b.as_str() } else { pair.a.as_str() }).collect();
        (!others.is_empty()).then(|| format!("{name} above {}", others.join(", ")))
    });
    let beaten: Vec<String> = beaten.collect();
    found.differences.iter().any(|pair| pair.p_holm.is_some()).then(|| match beaten.is_empty() {
        true => {
            format!("no two scores differ in {} by more than chance (Holm over {pairs})", found.statistic)
        }
        false => {
            format!(
                "{} differs by more than chance (Holm over {pairs}): {}",
                found.statistic,
                beaten.join("; ")
            )
        }
    })
}

/// `0.912 [0.871, 0.940]`.
fn cell(estimate: Option<Estimate>) -> String {
    match estimate {
        None => "-".to_string(),
        Some(Estimate { value, low: Some(low), high: Some(high) }) => {
            format!("{value:.3} [{low:.3}, {high:.3}]")
        }
        Some(Estimate { value, .. }) => format!("{value:.3}"),
    }
}

/// A line for every metric and kind of distortion; `all` is over all rows.
fn csv(found: &Agreements) -> String {
    let ends =
        STATISTICS.iter().flat_map(|(name, _)| ["", " low", " high"].map(|end| format!("{name}{end}")));
    let header = ["metric", "distortion", "n", "references"].map(str::to_string).into_iter().chain(ends);
    let mut lines = vec![csv_line(header.chain(std::iter::once("protocol".to_string())))];
    for name in &found.order {
        let Some(metric) = found.metrics.get(name) else { continue };
        let all = BTreeMap::from([("all".to_string(), metric.overall.clone())]);
        for (kind, agreement) in all.iter().chain(&metric.distortions) {
            let numbers = STATISTICS.iter().flat_map(|(_, of)| {
                let of = of(agreement);
                let ends = [of.map(|of| of.value), of.and_then(|of| of.low), of.and_then(|of| of.high)];
                ends.map(|value| value.map(|value| value.to_string()).unwrap_or_default())
            });
            let first =
                [name.clone(), kind.clone(), agreement.n.to_string(), agreement.references.to_string()];
            let protocol = std::iter::once(metric.info.protocol.clone());
            lines.push(csv_line(first.into_iter().chain(numbers).chain(protocol)));
        }
    }
    lines.join("\n")
}
