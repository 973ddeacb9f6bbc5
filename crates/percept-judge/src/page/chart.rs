//! Lines over steps, as SVG that a script can make answer to the pointer.

use std::fmt::Write;

use serde_json::json;

use super::{escape, short};

pub(crate) const WIDTH: f64 = 460.0;
pub(crate) const HEIGHT: f64 = 240.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;

/// Shape of the vertical axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Logarithmic where all values are above 0 and spread over more than a factor of four.
    Free,
    /// As they are.
    Linear,
    /// From 0 to 1, as percent.
    Share,
}

/// Values over steps. NaN where there is no number.
pub(crate) type Series = Vec<(f64, f64)>;

/// One line.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    /// Number of the colour.
    pub(crate) colour: usize,
    pub(crate) curve: Series,
}

/// Colours before they repeat; also in `page.css`.
pub(crate) const COLOURS: usize = 6;

/// The class of a colour.
pub(crate) fn colour(number: usize) -> String {
    format!("c{}", number % COLOURS)
}

/// A chart with its title; nothing where there are not finite values of two steps. Long curves are smoothed, the raw
/// ones pale behind.
pub(crate) fn chart(title: &str, note: &str, lines: &[Line<'_>], scale: Scale) -> String {
    let finite = || lines.iter().flat_map(|line| &line.curve).filter(|(_, y)| y.is_finite());
    let Some(axes) = Axes::new(finite().copied(), scale) else { return String::new() };
    let mut svg = axes.svg("step");
    for line in lines {
        let class = colour(line.colour);
        let smooth = smoothed(&line.curve);
        let (points, raw) = match &smooth {
            Some(smooth) => (smooth, Some(&line.curve)),
            None => (&line.curve, None),
        };
        if let Some(raw) = raw {
            let _ = write!(svg, r#"<path class="raw {class}" d="{}"/>"#, axes.path(raw));
        }
        let _ = write!(svg, r#"<path class="line {class}" d="{}"/>"#, axes.path(points));
        if points.len() <= 12 {
            for (x, y) in points.iter().filter(|(_, y)| y.is_finite()) {
                let (x, y) = (axes.x(*x), axes.y(*y));
                let _ = write!(svg, r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="3"/>"#);
            }
        }
    }
    let data = json!({
        "plot": [LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM], "x": [axes.x0, axes.x1], "share": scale == Scale::Share,
        "lines": lines.iter().map(|line| json!({
            "name": line.name, "colour": colour(line.colour), "points": line.curve,
        })).collect::<Vec<_>>(),
    });
    let keys = lines
        .iter()
        .filter(|_| lines.len() > 1 || !title.contains(lines[0].name))
        .map(|line| format!(r#"<span><i class="{}"></i>{}</span>"#, colour(line.colour), escape(line.name)));
    let kind = if axes.log { "logarithmic scale" } else { "" };
    let notes: Vec<&str> = [note, kind].into_iter().filter(|part| !part.is_empty()).collect();
    format!(
        r#"<figure class="chart" data-chart="{}"><figcaption><b>{}</b> <small>{}</small></figcaption>
<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" tabindex="0" aria-label="{}">{svg}<g class="at"></g></svg>
<p class="keys">{}</p></figure>"#,
        escape(&data.to_string()),
        escape(title),
        escape(&notes.join(", ")),
        escape(&axes.described(title, lines)),
        keys.collect::<String>(),
    )
}

/// A centred running mean over a twentieth of the curve; `None` where that is too short to smooth anything.
fn smoothed(curve: &Series) -> Option<Series> {
    let half = curve.len() / 40;
    if half < 1 || curve.len() < 24 {
        return None;
    }
    let mean = |at: usize| {
        // As many on both sides, so that the ends do not bend.
        let half = half.min(at).min(curve.len() - 1 - at);
        let near = curve.get(at - half..=at + half).unwrap_or_default();
        near.iter().map(|(_, y)| y).sum::<f64>() / near.len() as f64
    };
    Some(curve.iter().enumerate().map(|(at, (x, _))| (*x, mean(at))).collect())
}

/// Where values are on the picture.
pub(crate) struct Axes {
    pub(crate) x0: f64,
    pub(crate) x1: f64,
    y0: f64,
    y1: f64,
    log: bool,
    share: bool,
}

impl Axes {
    pub(crate) fn new(points: impl Iterator<Item = (f64, f64)>, scale: Scale) -> Option<Self> {
        let (mut x0, mut x1) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut y0, mut y1) = (f64::INFINITY, f64::NEG_INFINITY);
        for (x, y) in points {
            (x0, x1, y0, y1) = (x0.min(x), x1.max(x), y0.min(y), y1.max(y));
        }
        if x0.partial_cmp(&x1) != Some(std::cmp::Ordering::Less) || !y0.is_finite() {
            return None;
        }
        if scale == Scale::Share {
            return Some(Self { x0, x1, y0: 0.0, y1: 1.0, log: false, share: true });
        }
        let log = scale == Scale::Free && y0 > 0.0 && y1 / y0 > 4.0;
        let (low, high) = if log { (y0.ln(), y1.ln()) } else { (y0, y1) };
        let room = if high > low { 0.06 * (high - low) } else { 0.05 * high.abs().max(1e-6) };
        Some(Self { x0, x1, y0: low - room, y1: high + room, log, share: false })
    }

    pub(crate) fn x(&self, x: f64) -> f64 {
        LEFT + (x - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT)
    }

    pub(crate) fn y(&self, y: f64) -> f64 {
        let y = if self.log { y.ln() } else { y };
        HEIGHT - BOTTOM - (y - self.y0) / (self.y1 - self.y0) * (HEIGHT - TOP - BOTTOM)
    }

    /// A path that is interrupted where there is no number.
    pub(crate) fn path(&self, curve: &Series) -> String {
        let mut path = String::new();
        let mut pen = 'M';
        for (x, y) in curve {
            if y.is_finite() && (!self.log || *y > 0.0) {
                let _ = write!(path, "{pen}{:.1} {:.1}", self.x(*x), self.y(*y));
                pen = 'L';
            } else {
                pen = 'M';
            }
        }
        path
    }

    /// Grid, ticks and their labels; `unit` is what the horizontal axis counts.
    pub(crate) fn svg(&self, unit: &str) -> String {
        let mut svg = String::new();
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let ticks = self.y_ticks();
        let brief = ticks.windows(2).all(|pair| short(pair[0]) != short(pair[1]));
        for value in ticks {
            let y = self.y(value);
            let label = match (self.share, brief) {
                (true, _) => format!("{:.0} %", value * 100.0),
                (false, true) => short(value),
                (false, false) => value.to_string(),
            };
            let _ = write!(
                svg,
                r#"<path class="grid" d="M{LEFT} {y:.1}H{right}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#,
                LEFT - 8.0,
                y + 4.0
            );
        }
        for value in steps(self.x0, self.x1, 5) {
            let x = self.x(value);
            let _ = write!(
                svg,
                r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{value}</text>"#,
                bottom + 18.0
            );
        }
        let _ = write!(
            svg,
            r#"<path class="axis" d="M{LEFT} {bottom}H{right}"/><text x="{right}" y="{:.1}" text-anchor="end" class="unit">{}</text>"#,
            HEIGHT - 3.0,
            escape(unit)
        );
        svg
    }

    fn y_ticks(&self) -> Vec<f64> {
        if !self.log {
            return steps(self.y0, self.y1, 5);
        }
        let (low, high) = (self.y0.exp(), self.y1.exp());
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let ticks = |of: &[f64]| -> Vec<f64> {
            let all = (first..=last).flat_map(|power| of.iter().map(move |digit| digit * 10f64.powi(power)));
            all.filter(|value| (low..=high).contains(value)).collect()
        };
        match ticks(&[1.0]) {
            few if few.len() < 3 => ticks(&[1.0, 2.0, 5.0]),
            enough => enough,
        }
    }

    /// The chart in words.
    fn described(&self, title: &str, lines: &[Line<'_>]) -> String {
        let ends = lines.iter().filter_map(|line| {
            let mut finite = line.curve.iter().filter(|(_, y)| y.is_finite());
            let (_, first) = finite.clone().next()?;
            let (step, last) = finite.next_back()?;
            Some(format!("{} goes from {} to {} at step {step}", line.name, short(*first), short(*last)))
        });
        format!("{title}: {}. Arrow keys read single values.", ends.collect::<Vec<_>>().join("; "))
    }
}

/// About `count` round values between `low` and `high`.
fn steps(low: f64, high: f64, count: usize) -> Vec<f64> {
    let rough = (high - low) / count as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|step| *step >= rough);
    let Some(step) = step.filter(|step| step.is_finite() && *step > 0.0) else { return vec![low] };
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    // A product of whole numbers and a step has tails of digits that no label should show.
    let digits = (-step.log10().floor()).max(0.0) as i32;
    let round = |value: f64| (value * 10f64.powi(digits)).round() / 10f64.powi(digits);
    (first..=last).map(|at| round(at as f64 * step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(steps(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(steps(3.0, 197.0, 5), [50.0, 100.0, 150.0]);
        assert_eq!(steps(1.0, 1.0, 5), [1.0]);
    }

    #[test]
    fn labels_of_a_narrow_axis_differ() {
        let axes = Axes::new([(0.0, 24.9978), (1.0, 24.9981)].into_iter(), Scale::Free).unwrap();
        let svg = axes.svg("step");
        assert_eq!(svg.matches(">24.998<").count(), 1, "{svg}");
        assert_eq!(svg.matches(">24.9979<").count(), 1, "{svg}");
    }

    #[test]
    fn what_is_no_number_interrupts_the_line() {
        let curve = vec![(0.0, 1.0), (1.0, 1.1), (2.0, f64::NAN), (3.0, 1.2), (4.0, 1.3)];
        let svg = chart("loss", "", &[Line { name: "a", colour: 0, curve }], Scale::Free);
        let path = svg.split("class=\"line c0\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert!(!svg.contains("NaN"));
        let nothing = Line { name: "a", colour: 0, curve: vec![(0.0, f64::NAN)] };
        assert_eq!(chart("loss", "", &[nothing], Scale::Free), "");
    }

    #[test]
    fn smoothing_keeps_straight_lines_straight() {
        let line: Series = (0..100).map(|x| (f64::from(x), 3.0 * f64::from(x))).collect();
        let smooth = smoothed(&line).unwrap();
        assert!(line.iter().zip(&smooth).all(|(a, b)| (a.1 - b.1).abs() < 1e-9));
        assert_eq!(smoothed(&line[..10].to_vec()), None);
    }
}
