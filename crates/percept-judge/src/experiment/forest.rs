//! The differences as a picture: a point and its interval for every variant, a panel for every metric.

use std::fmt::Write;

use super::{Evidence, Variant};
use crate::compare::Outcome;
use crate::report::board::arrow;
use crate::report::html::{escape, short};

/// Pixels of a panel's plot, of a row, of the names to the left, and around the panels.
const PLOT: f64 = 150.0;
const ROW: f64 = 18.0;
const GAP: f64 = 16.0;
const HEAD: f64 = 30.0;
const FOOT: f64 = 22.0;
/// A character of the names, about.
const LETTER: f64 = 6.6;

/// `differences.svg`: the variants less the reference, with their 95 % intervals; the line is no difference. Blue is
/// better and red worse, after Holm's correction; grey is not shown to differ, or does not count.
pub(super) fn forest(evidence: &Evidence, metrics: &[&String]) -> String {
    let rows: Vec<&Variant> =
        evidence.variants.iter().filter(|variant| variant.name != evidence.plan.reference).collect();
    let names = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0) as f64 * LETTER + GAP;
    let width = names + metrics.len() as f64 * (PLOT + GAP);
    let bottom = HEAD + rows.len() as f64 * ROW;
    let height = bottom + FOOT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let middle = |row: usize| HEAD + (row as f64 + 0.5) * ROW;
    for (row, variant) in rows.iter().enumerate() {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
            names - 8.0,
            middle(row) + 4.0,
            escape(&variant.name)
        );
    }
    for (at, metric) in metrics.iter().enumerate() {
        let left = names + at as f64 * (PLOT + GAP);
        let better = evidence.metrics.get(*metric).map_or("", |info| arrow(info.better));
        let found = |variant: &Variant| {
            let finding = variant.findings.get(*metric)?;
            Some((finding.difference?, finding.outcome))
        };
        let ends = rows.iter().filter_map(|row| found(row)).flat_map(|(effect, _)| [effect.low, effect.high]);
        let (low, high) = ends
            .filter(|end| end.is_finite())
            .fold((0.0f64, 0.0f64), |(low, high), end| (low.min(end), high.max(end)));
        let span = if high > low { high - low } else { 1.0 };
        let x = |value: f64| left + (value.clamp(low, high) - low) / span * PLOT;
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"16\" text-anchor=\"middle\" font-weight=\"bold\">{} {better}</text>\n\
             <line x1=\"{zero:.1}\" x2=\"{zero:.1}\" y1=\"{HEAD}\" y2=\"{bottom}\" stroke=\"#999\"/>\n\
             <text x=\"{left:.0}\" y=\"{foot:.0}\" fill=\"#666\" font-size=\"10\">{}</text>\n\
             <text x=\"{:.0}\" y=\"{foot:.0}\" fill=\"#666\" font-size=\"10\" text-anchor=\"end\">{}</text>",
            left + PLOT / 2.0,
            escape(metric),
            short(low),
            left + PLOT,
            short(high),
            zero = x(0.0),
            foot = bottom + 14.0,
        );
        for (row, (effect, outcome)) in rows.iter().enumerate().filter_map(|(row, v)| Some((row, found(v)?)))
        {
            let colour = match outcome {
                Some(Outcome::Better) => "#1f5fbf",
                Some(Outcome::Worse) => "#c0392b",
                _ => "#888",
            };
            let y = middle(row);
            let _ = writeln!(
                svg,
                "<g stroke=\"{colour}\" fill=\"{colour}\"><line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y}\" y2=\"{y}\" \
                 stroke-width=\"2\"/><circle cx=\"{:.1}\" cy=\"{y}\" r=\"3\"/></g>",
                x(effect.low),
                x(effect.high),
                x(effect.mean),
            );
        }
    }
    svg + "</svg>\n"
}
