//! What each knob changes, as a picture: a row for every knob, a panel for every metric.

use std::fmt::Write;

use super::forest::{LETTER, PLOT, Scale, colour};
use super::{Evidence, ExperimentError, Variant};
use crate::page::{arrow, escape, short};
use crate::report::words::setting;

/// Pixels of a panel's height, of what stands below and above the panels, and between them.
const TALL: f64 = 84.0;
const FOOT: f64 = 26.0;
const HEAD: f64 = 40.0;
const GAP: f64 = 16.0;
/// Of the height at either end, so that a point on the edge is seen whole.
const INSET: f64 = 5.0;

/// A knob: its name, and the variants with their values of it.
struct Knob<'a> {
    name: &'a str,
    positions: Vec<(String, &'a Variant)>,
}

/// `knobs.svg`: the variants of each knob in their order, less the reference, with their 95 % intervals. All panels of a
/// metric have one scale, so that a flat line is a knob that does not matter.
pub(super) fn picture(evidence: &Evidence, metrics: &[&String]) -> Result<String, ExperimentError> {
    let knobs = evidence.plan.experiment.knobs.iter().map(|(key, names)| knob(evidence, key, names));
    let knobs = knobs.collect::<Result<Vec<_>, _>>()?;
    let names = knobs.iter().map(|knob| knob.name.chars().count()).max().unwrap_or(0) as f64 * LETTER + GAP;
    let (width, height) =
        (names + metrics.len() as f64 * (PLOT + GAP), HEAD + knobs.len() as f64 * (TALL + FOOT));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (row, knob) in knobs.iter().enumerate() {
        let middle = HEAD + row as f64 * (TALL + FOOT) + TALL / 2.0;
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
            names - 8.0,
            middle + 4.0,
            escape(knob.name)
        );
    }
    for (column, metric) in metrics.iter().enumerate() {
        let left = names + column as f64 * (PLOT + GAP);
        let shown = knobs.iter().flat_map(|knob| &knob.positions);
        let effects = shown.filter_map(|(_, variant)| variant.findings.get(*metric)?.difference);
        let effects: Vec<_> = effects.collect();
        let means = effects.iter().map(|effect| effect.mean);
        let scale = means.fold(Scale::of(effects.iter().copied()), Scale::covering);
        let better = evidence.metrics.get(*metric).map_or("", |info| arrow(info.better));
        let _ = writeln!(
            svg,
            "<text x=\"{x:.0}\" y=\"16\" text-anchor=\"middle\" font-weight=\"bold\">{} {better}</text>\n\
             <text x=\"{x:.0}\" y=\"30\" text-anchor=\"middle\" fill=\"#666\" font-size=\"10\">{} to {}</text>",
            escape(metric),
            short(scale.low),
            short(scale.high),
            x = left + PLOT / 2.0,
        );
        for (row, knob) in knobs.iter().enumerate() {
            svg.push_str(&panel(knob, metric, &scale, left, HEAD + row as f64 * (TALL + FOOT)));
        }
    }
    Ok(svg + "</svg>\n")
}

/// The values stand in the configurations of the runs.
fn knob<'a>(evidence: &'a Evidence, key: &'a str, names: &[String]) -> Result<Knob<'a>, ExperimentError> {
    let first = evidence.plan.experiment.seeds.first().copied().unwrap_or_default();
    let finished =
        names.iter().filter_map(|name| evidence.variants.iter().find(|variant| variant.name == *name));
    let positions = finished.map(|variant| {
        let config = evidence.plan.run(first, &variant.name).read_config()?;
        Ok((setting(&config, key), variant))
    });
    let positions = positions.collect::<Result<Vec<_>, ExperimentError>>()?;
    Ok(Knob { name: short_key(key), positions })
}

/// Its last two parts: there is more than one `lr`.
fn short_key(key: &str) -> &str {
    let before = key.rmatch_indices('.').nth(1);
    before.and_then(|(dot, _)| key.get(dot + 1..)).unwrap_or(key)
}

fn panel(knob: &Knob<'_>, metric: &str, scale: &Scale, left: f64, top: f64) -> String {
    let bottom = top + TALL;
    let y = |value: f64| bottom - INSET - scale.share(value) * (TALL - 2.0 * INSET);
    let mut svg = format!(
        "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{PLOT}\" height=\"{TALL}\" fill=\"none\" stroke=\"#ddd\"/>\n\
         <line x1=\"{left:.1}\" x2=\"{:.1}\" y1=\"{zero:.1}\" y2=\"{zero:.1}\" stroke=\"#999\"/>\n",
        left + PLOT,
        zero = y(0.0)
    );
    let (mut line, mut marks) = (String::new(), String::new());
    for (at, (value, variant)) in knob.positions.iter().enumerate() {
        let x = left + (at as f64 + 0.5) / knob.positions.len() as f64 * PLOT;
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#666\" font-size=\"10\">{}</text>",
            bottom + 12.0,
            escape(value)
        );
        let Some(found) = variant.findings.get(metric) else { continue };
        // The reference is no difference from itself.
        let [low, mean, high] =
            found.difference.map_or([0.0; 3], |effect| [effect.low, effect.mean, effect.high]);
        let colour = colour(found.outcome);
        let _ = write!(line, "{x:.1},{:.1} ", y(mean));
        let _ = writeln!(
            marks,
            "<g stroke=\"{colour}\" fill=\"{colour}\"><line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" \
             stroke-width=\"2\"/><circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"3\"/></g>",
            y(low),
            y(high),
            y(mean)
        );
    }
    let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"#bbb\"/>", line.trim_end());
    svg + &marks
}
