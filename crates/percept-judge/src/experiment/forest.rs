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
/// How much farther than the middle one of the variants a panel reaches at most.
const REACH: f64 = 3.0;

/// `differences.svg`: the variants less the reference, with their 95 % intervals; the line is no difference. Blue is
/// better and red worse, after Holm's correction; grey is not shown to differ, or does not count. One that is far from the
/// others would leave no room for them: what lies beyond a panel ends in an arrow.
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
        let effects: Vec<_> = rows.iter().filter_map(|row| Some(found(row)?.0)).collect();
        let limit = limit(effects.iter().map(|effect| effect.low.abs().max(effect.high.abs())));
        let ends = effects.iter().flat_map(|effect| [effect.low, effect.high]).filter(|end| end.is_finite());
        let (low, high) = ends.fold((0.0f64, 0.0f64), |(low, high), end| {
            let end = end.clamp(-limit, limit);
            (low.min(end), high.max(end))
        });
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
            let _ = write!(
                svg,
                "<g stroke=\"{colour}\" fill=\"{colour}\"><line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y}\" y2=\"{y}\" \
                 stroke-width=\"2\"/>",
                x(effect.low),
                x(effect.high),
            );
            if (low..=high).contains(&effect.mean) {
                let _ = write!(svg, "<circle cx=\"{:.1}\" cy=\"{y}\" r=\"3\"/>", x(effect.mean));
            }
            for (end, outwards) in [(effect.low, -1.0), (effect.high, 1.0)] {
                if !(low..=high).contains(&end) {
                    let (tip, back) = (x(end) + 5.0 * outwards, x(end));
                    let [above, below] = [y - 4.0, y + 4.0];
                    let _ = write!(svg, "<path d=\"M{back:.1} {above}L{tip:.1} {y}L{back:.1} {below}Z\"/>");
                }
            }
            svg.push_str("</g>\n");
        }
    }
    svg + "</svg>\n"
}

/// How far from no difference a panel reaches: no farther than `REACH` times the middle one of `reaches`.
fn limit(reaches: impl Iterator<Item = f64>) -> f64 {
    let mut reaches: Vec<f64> = reaches.filter(|reach| reach.is_finite()).collect();
    reaches.sort_by(f64::total_cmp);
    reaches.get(reaches.len() / 2).map_or(f64::INFINITY, |middle| middle * REACH)
}

#[cfg(test)]
mod tests {
    use super::limit;

    #[test]
    fn one_far_away_does_not_set_the_scale() {
        assert_eq!(limit([1.0, 2.0, 1.5].into_iter()), 4.5);
        assert_eq!(limit([1.0, 200.0, 1.5, f64::NAN].into_iter()), 4.5);
        assert_eq!(limit(std::iter::empty()), f64::INFINITY);
    }
}
