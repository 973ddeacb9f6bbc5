//! Agreement as a page: the table, a plot for every metric, and every kind of distortion.

use std::fmt::Write;
use std::time::SystemTime;

use percept_image::Better;

use super::{Agreement, Agreements, MetricAgreement};
use crate::page::scatter::{Cloud, Labels, scatter};
use crate::page::{counted, date, escape, page as html, short};
use crate::stats::Estimate;

const FOOTER: &str = "Intervals are bootstraps over whole references, scaled by Student's t for so many; they say how much the \
                      choice of photos matters, not of people or of distortions.";

/// A statistic: its name on the page, what it is, and where it is.
type Statistic = (&'static str, &'static str, fn(&Agreement) -> Option<Estimate>);

const STATISTICS: [Statistic; 7] = [
    ("SROCC", "rank correlation; positive: the metric and people agree", |of| of.srocc),
    ("KROCC", "rank correlation by pairs, tau-b; positive: the metric and people agree", |of| of.krocc),
    ("PLCC", "linear correlation of human scores and the fitted curve", |of| of.plcc),
    ("RMSE", "error of the curve, in units of the human scores; lower is better", |of| of.rmse),
    ("outliers", "share of scores further from the curve than twice their spread; lower is better", |of| {
        of.outliers
    }),
    ("2AFC", "share of choices in which the metric and people agree", |of| of.two_afc),
    ("best", "share of choices among several in which the metric finds the same picture best", |of| of.best),
];

/// The whole page.
pub(super) fn page(found: &Agreements) -> String {
    let table = found.table.file_name().unwrap_or(found.table.as_os_str()).to_string_lossy();
    let title = format!("{table}: metrics and people");
    let main = [
        head(&title, found),
        scores(found),
        differences(found),
        plots(found),
        kinds(found),
        protocols(found),
    ]
    .concat();
    html(&title, &["agreement", "differences", "plots", "distortions", "protocols"], &main, FOOTER, "")
}

fn head(title: &str, found: &Agreements) -> String {
    let direction = match (found.statistic, found.human_better) {
        ("best", _) => "the place of the best picture",
        ("2afc", _) => "the share of people who chose the second picture",
        (_, Better::Higher) => "higher is better",
        (_, Better::Lower) => "lower is better",
    };
    let facts = [
        ("Rows", counted(found.n, found.kind.trim_end_matches('s'))),
        ("References", found.references.to_string()),
        ("Layout", found.layout.name().to_string()),
        ("Human scores", direction.to_string()),
        ("Page made", date(SystemTime::now())),
        ("percept", env!("CARGO_PKG_VERSION").to_string()),
    ];
    let facts: String = facts
        .iter()
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(value)))
        .collect();
    let notes: String = found.notes.iter().map(|note| format!("<li>{}</li>", escape(note))).collect();
    let notes = if notes.is_empty() { notes } else { format!("<ul class=\"notes\">{notes}</ul>") };
    let skipped: String = found
        .skipped
        .iter()
        .map(|row| format!("<li>Left out: {}: {}</li>", escape(&row.name), escape(&row.reason)))
        .collect();
    let skipped = match found.skipped.len() {
        0 => skipped,
        count => format!(
            "<details><summary>{count} of {} rows left out</summary><ul class=\"notes\">{skipped}</ul></details>",
            count + found.n
        ),
    };
    format!(
        "<header class=\"top\"><h1>{}</h1>\n<p class=\"lead\">How far each metric orders pictures as people do. A \
         metric that agrees with people on these pictures may still fail on others, and a loss made of it may teach a \
         network what people do not see.</p>\n<dl class=\"facts\">{facts}</dl>\n{notes}{skipped}</header>\n",
        escape(title)
    )
}

/// The statistics that the table has.
fn present(found: &Agreements) -> Vec<&'static Statistic> {
    let any = |statistic: &&Statistic| {
        found.metrics.values().any(|metric| (statistic.2)(&metric.overall).is_some())
    };
    STATISTICS.iter().filter(any).collect()
}

fn scores(found: &Agreements) -> String {
    let present = present(found);
    let said = counted(found.n, found.kind.trim_end_matches('s'));
    let legend: String =
        present.iter().map(|(name, words, _)| format!("<li><b>{name}</b> {words}</li>")).collect();
    let rows = metrics(found).map(|(name, metric)| (name, &metric.overall));
    let table = match present.is_empty() {
        true => String::new(),
        false => format!("{}<ul class=\"protocols\">{legend}</ul>", table("Metric", rows, &present)),
    };
    format!(
        "<section id=\"agreement\" aria-labelledby=\"agreement-title\"><h2 id=\"agreement-title\">Agreement</h2>\n\
         <p>Of {} of {}{}.</p>\n{table}</section>\n",
        said,
        counted(found.references, "reference"),
        if found.references > 1 && !present.is_empty() { ", with 95 % intervals" } else { "" },
    )
}

fn metrics(found: &Agreements) -> impl Iterator<Item = (&str, &MetricAgreement)> {
    found.order.iter().filter_map(|name| Some((name.as_str(), found.metrics.get(name)?)))
}

fn table<'a>(
    first: &str,
    rows: impl Iterator<Item = (&'a str, &'a Agreement)>,
    statistics: &[&Statistic],
) -> String {
    let heads: String = statistics
        .iter()
        .map(|(name, words, _)| format!("<th scope=\"col\" title=\"{words}\">{name}</th>"))
        .collect();
    let mut html = format!(
        "<table class=\"scores\"><thead><tr><th scope=\"col\">{first}</th>{heads}</tr></thead><tbody>\n"
    );
    for (name, agreement) in rows {
        let cells: String = statistics
            .iter()
            .map(|(title, _, of)| format!("<td data-metric=\"{title}\">{}</td>", cell(of(agreement))))
            .collect();
        let _ = writeln!(html, "<tr><th scope=\"row\">{}</th>{cells}</tr>", escape(name));
    }
    html + "</tbody></table>\n"
}

/// `0.912 [0.871, 0.940]`.
fn cell(estimate: Option<Estimate>) -> String {
    let Some(Estimate { value, low, high }) = estimate else { return "<b>–</b>".to_string() };
    let interval = match (low, high) {
        (Some(low), Some(high)) => format!("<small>[{}, {}]</small>", digits(low), digits(high)),
        _ => "<small>no interval</small>".to_string(),
    };
    format!("<b>{}</b>{interval}", digits(value))
}

fn digits(value: f64) -> String {
    format!("{value:.3}").replace('-', "−")
}

/// Every pair of metrics, and which of the two agrees more.
fn differences(found: &Agreements) -> String {
    if found.differences.is_empty() {
        return String::new();
    }
    let rows = found.differences.iter().map(|pair| {
        let p = |p: Option<f64>| p.map_or("–".to_string(), |p| format!("{p:.4}"));
        format!(
            "<tr><th scope=\"row\">{} − {}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            escape(&pair.a),
            escape(&pair.b),
            cell(Some(pair.difference)),
            p(pair.p),
            p(pair.p_holm),
            escape(pair.more.as_deref().unwrap_or("no difference beyond chance"))
        )
    });
    format!(
        "<section id=\"differences\" aria-labelledby=\"differences-title\"><h2 id=\"differences-title\">Which metrics agree \
         more</h2>\n<p>Differences of {}, each on the same resamples. The corrected p keeps the chance of a single wrong \
         answer among all {} below it (Holm).</p>\n<table class=\"scores\"><thead><tr><th scope=\"col\">Metrics</th><th \
         scope=\"col\">difference</th><th scope=\"col\">p</th><th scope=\"col\">corrected p</th><th scope=\"col\">agrees \
         more</th></tr></thead><tbody>\n{}</tbody></table></section>\n",
        found.statistic.to_uppercase(),
        counted(found.differences.len(), "pair"),
        rows.collect::<String>()
    )
}

fn plots(found: &Agreements) -> String {
    let plots: String = metrics(found).map(|(name, metric)| plot(found, name, metric)).collect();
    if plots.is_empty() || found.kind == "choices" {
        return String::new();
    }
    format!(
        "<section id=\"plots\" aria-labelledby=\"plots-title\"><h2 id=\"plots-title\">Human scores over each metric</h2>\n\
         <p>A point is a picture; its colour is the kind of distortion. The line is the logistic curve fitted to all \
         of them, against which PLCC and RMSE are taken.</p><div class=\"charts\">{plots}</div></section>\n"
    )
}

fn plot(found: &Agreements, name: &str, metric: &MetricAgreement) -> String {
    let mut clouds: Vec<Cloud<'_>> = match metric.distortions.is_empty() {
        true => vec![Cloud { name: "all", points: Vec::new() }],
        false => metric.distortions.keys().map(|name| Cloud { name, points: Vec::new() }).collect(),
    };
    let other = clouds.len();
    for row in &found.rows {
        let kind =
            row.distortion.as_deref().and_then(|kind| clouds.iter().position(|cloud| cloud.name == kind));
        let value = row.scores.get(name).and_then(|values| values.first()).copied();
        let kind = kind.unwrap_or(if metric.distortions.is_empty() { 0 } else { other });
        if kind == clouds.len() {
            clouds.push(Cloud { name: "other", points: Vec::new() });
        }
        if let (Some(cloud), Some(value)) = (clouds.get_mut(kind), value) {
            cloud.points.push((value, row.human));
        }
    }
    let fit = metric.overall.logistic.as_ref();
    let curve = |x: f64| fit.map_or(f64::NAN, |fit| fit.at(x));
    let beta = fit
        .map(|fit| fit.beta.iter().map(|beta| short(*beta).replace('-', "−")).collect::<Vec<_>>().join(", "));
    let note = beta.map(|beta| format!("β = {beta}")).unwrap_or_default();
    let y = match found.human_better {
        Better::Higher => "human score, higher is better",
        Better::Lower => "human score, lower is better",
    };
    scatter(&Labels { title: name, note: &note, x: name, y }, &clouds, Some(&curve))
}

fn kinds(found: &Agreements) -> String {
    let (kinds, present) = (found.distortions(), present(found));
    if kinds.is_empty() || present.is_empty() {
        return String::new();
    }
    let tables = kinds.iter().map(|kind| {
        let rows = metrics(found).filter_map(|(name, metric)| Some((name, metric.distortions.get(*kind)?)));
        let rows: Vec<_> = rows.collect();
        let (n, references) = rows.first().map_or((0, 0), |(_, of)| (of.n, of.references));
        format!(
            "<h3 class=\"sub\">{}</h3><p class=\"hint\">{} of {}</p>{}",
            escape(kind),
            counted(n, "row"),
            counted(references, "reference"),
            table("Metric", rows.into_iter(), &present)
        )
    });
    format!(
        "<section id=\"distortions\" aria-labelledby=\"distortions-title\"><h2 id=\"distortions-title\">By kind of \
         distortion</h2>\n<p>The curve is fitted to each kind by itself.</p>{}</section>\n",
        tables.collect::<String>()
    )
}

fn protocols(found: &Agreements) -> String {
    let items: String = metrics(found)
        .map(|(name, metric)| format!("<li><b>{}</b> {}</li>", escape(name), escape(&metric.info.protocol)))
        .collect();
    format!(
        "<section id=\"protocols\" aria-labelledby=\"protocols-title\"><h2 id=\"protocols-title\">How each metric is \
         computed</h2><ul class=\"protocols\">{items}</ul></section>\n"
    )
}
