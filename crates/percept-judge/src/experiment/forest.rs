//! The differences as a picture: a point and its interval for every variant, a panel for every metric.

use std::fmt::Write;

use super::{Evidence, Variant};
use crate::page::{arrow, escape, short};
use crate::stats::{Effect, Outcome};

/// Pixels of a panel's plot, of a row, of the names to the left, and around the panels.
pub(super) const PLOT: f64 = 150.0;
const ROW: f64 = 18.0;
const GAP: f64 = 16.0;
const HEAD: f64 = 30.0;
const FOOT: f64 = 22.0;
/// A character of the names, about.
pub(super) const LETTER: f64 = 6.6;
/// How much farther than the middle one of the variants a panel reaches at most.
const REACH: f64 = 3.0;

/// `differences.svg`: the variants less the reference, with their 95 % intervals; the line is no difference. Blue is
/// better and red worse, after Holm's correction; grey is not shown to differ, or does not count. One that is far from the
/// others would leave no room for them: what lies beyond a panel ends in an arrow.
pub(super) fn forest(evidence: &Evidence, metrics: &[&String]) -> String {
    let rows: Vec<&Variant> = evidence
        .variants
        .iter()
        .filter(|variant| variant.name != evidence.plan.experiment.reference)
        .collect();
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
        let scale = Scale::of(rows.iter().filter_map(|row| Some(found(row)?.0)));
        let x = |value: f64| left + scale.share(value) * PLOT;
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"16\" text-anchor=\"middle\" font-weight=\"bold\">{} {better}</text>\n\
             <line x1=\"{zero:.1}\" x2=\"{zero:.1}\" y1=\"{HEAD}\" y2=\"{bottom}\" stroke=\"#999\"/>\n\
             <text x=\"{left:.0}\" y=\"{foot:.0}\" fill=\"#666\" font-size=\"10\">{}</text>\n\
             <text x=\"{:.0}\" y=\"{foot:.0}\" fill=\"#666\" font-size=\"10\" text-anchor=\"end\">{}</text>",
            left + PLOT / 2.0,
            escape(metric),
            short(scale.low),
            left + PLOT,
            short(scale.high),
            zero = x(0.0),
            foot = bottom + 14.0,
        );
        for (row, (effect, outcome)) in rows.iter().enumerate().filter_map(|(row, v)| Some((row, found(v)?)))
        {
            let colour = colour(outcome);
            let y = middle(row);
            let _ = write!(
                svg,
                "<g stroke=\"{colour}\" fill=\"{colour}\"><line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y}\" y2=\"{y}\" \
                 stroke-width=\"2\"/>",
                x(effect.low),
                x(effect.high),
            );
            if scale.holds(effect.mean) {
                let _ = write!(svg, "<circle cx=\"{:.1}\" cy=\"{y}\" r=\"3\"/>", x(effect.mean));
            }
            for (end, outwards) in [(effect.low, -1.0), (effect.high, 1.0)] {
                if !scale.holds(end) {
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

/// Blue is better and red worse; grey is not shown to differ, or does not count.
pub(super) fn colour(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Better) => "#1f5fbf",
        Some(Outcome::Worse) => "#c0392b",
        _ => "#888",
    }
}

/// What a panel reaches from and to, no difference in it.
pub(super) struct Scale {
    pub low: f64,
    pub high: f64,
}

impl Scale {
    /// As wide as the intervals, and no farther from no difference than `REACH` times the middle one of them.
    pub fn of(effects: impl Iterator<Item = Effect>) -> Self {
        let intervals: Vec<[f64; 2]> = effects.map(|effect| [effect.low, effect.high]).collect();
        let reach = |[low, high]: &[f64; 2]| low.abs().max(high.abs());
        let mut reaches: Vec<f64> = intervals.iter().map(reach).filter(|reach| reach.is_finite()).collect();
        reaches.sort_by(f64::total_cmp);
        let limit = reaches.get(reaches.len() / 2).map_or(f64::INFINITY, |middle| middle * REACH);
        let ends = intervals.into_iter().flatten().filter(|end| end.is_finite());
        ends.map(|end| end.clamp(-limit, limit)).fold(Self { low: 0.0, high: 0.0 }, Self::covering)
    }

    /// One that reaches as far as `value`, too.
    pub fn covering(self, value: f64) -> Self {
        Self { low: self.low.min(value), high: self.high.max(value) }
    }

    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Where a value stands, 0 at the low end and 1 at the high one; what lies beyond stands at the end.
    pub fn share(&self, value: f64) -> f64 {
        let span = if self.high > self.low { self.high - self.low } else { 1.0 };
        (value.clamp(self.low, self.high) - self.low) / span
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;
    use crate::stats::Effect;

    fn reaches(highs: &[f64]) -> [f64; 2] {
        let effect = |high: &f64| Effect { mean: 0.5, low: -0.5, high: *high, p: 1.0, d_z: None };
        let scale = Scale::of(highs.iter().map(effect));
        [scale.low, scale.high]
    }

    #[test]
    fn one_far_away_does_not_set_the_scale() {
        assert_eq!(reaches(&[1.0, 2.0, 1.5]), [-0.5, 2.0]);
        assert_eq!(reaches(&[1.0, 200.0, 1.5, f64::NAN]), [-0.5, 4.5]);
        assert_eq!(reaches(&[]), [0.0, 0.0]);
        let scale = Scale { low: -1.0, high: 3.0 }.covering(-2.0);
        assert_eq!([scale.share(-2.0), scale.share(0.5), scale.share(9.0)], [0.0, 0.5, 1.0]);
    }
}
