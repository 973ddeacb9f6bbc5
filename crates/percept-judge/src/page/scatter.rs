//! Points and a curve through them, as SVG.

use std::fmt::Write;

use super::chart::{Axes, COLOURS, HEIGHT, Scale, WIDTH, colour};
use super::{escape, short};

/// Places at which the curve is computed.
const CURVE: usize = 120;

/// Points of one kind.
pub(crate) struct Cloud<'a> {
    pub(crate) name: &'a str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What a plot says beside its points.
pub(crate) struct Labels<'a> {
    pub(crate) title: &'a str,
    pub(crate) note: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
}

/// A plot of all clouds, each in a colour of its own, with `curve` through them; empty where there are not two
/// different finite values. Thousands of points are one path a cloud, which keeps the page small.
pub(crate) fn scatter(
    labels: &Labels<'_>,
    clouds: &[Cloud<'_>],
    curve: Option<&dyn Fn(f64) -> f64>,
) -> String {
    let finite = || {
        let points = clouds.iter().flat_map(|cloud| &cloud.points).copied();
        points.filter(|(x, y)| x.is_finite() && y.is_finite())
    };
    let Some(axes) = Axes::new(finite(), Scale::Linear) else { return String::new() };
    let mut svg = axes.svg(labels.x);
    for (at, cloud) in clouds.iter().enumerate() {
        let mut path = String::new();
        for (x, y) in cloud.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
            let _ = write!(path, "M{:.1} {:.1}h0", axes.x(*x), axes.y(*y));
        }
        let _ = write!(svg, r#"<path class="dots {}"{} d="{path}"/>"#, colour(at), shade(at, clouds.len()));
    }
    if let Some(curve) = curve {
        let at = |step: usize| axes.x0 + (axes.x1 - axes.x0) * step as f64 / (CURVE - 1) as f64;
        let points = (0..CURVE).map(|step| (at(step), curve(at(step)))).collect();
        let _ = write!(svg, r#"<path class="fit" d="{}"/>"#, axes.path(&points));
    }
    let keys = clouds.iter().enumerate().filter(|_| clouds.len() > 1).map(|(at, cloud)| {
        let (class, style) = (colour(at), shade(at, clouds.len()));
        format!(r#"<span><i class="{class}"{style}></i>{}</span>"#, escape(cloud.name))
    });
    let described = format!(
        "{}: {} points, {} from {} to {} against {}.",
        labels.title,
        finite().count(),
        labels.x,
        short(axes.x0),
        short(axes.x1),
        labels.y
    );
    format!(
        r#"<figure class="chart"><figcaption><b>{}</b> <small>{}</small></figcaption>
<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">{svg}<text x="4" y="10" class="unit">{}</text></svg>
<p class="keys">{}</p></figure>"#,
        escape(labels.title),
        escape(labels.note),
        escape(&described),
        escape(labels.y),
        keys.collect::<String>(),
    )
}

/// The hue of one of many clouds, evenly spread; few have the page's own colours.
fn shade(at: usize, of: usize) -> String {
    if of <= COLOURS {
        return String::new();
    }
    format!(r#" style="--run:hsl({} 65% 48%)""#, at * 360 / of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_point_has_its_dot_and_names_stay_text() {
        let cloud = |name, points: &[(f64, f64)]| Cloud { name, points: points.to_vec() };
        let clouds =
            [cloud("a<b", &[(0.0, 1.0), (1.0, 2.0), (f64::INFINITY, 3.0)]), cloud("c", &[(0.5, 9.0)])];
        let labels = Labels { title: "m & n", note: "", x: "m", y: "people" };
        let svg = scatter(&labels, &clouds, Some(&|x| 2.0 * x));
        assert_eq!(svg.matches("h0").count(), 3);
        assert!(
            svg.contains("class=\"fit\"") && svg.contains("a&lt;b") && svg.contains("m &amp; n: 3 points")
        );
        assert!(!svg.contains("inf") && !svg.contains("NaN") && !svg.contains("style="));
        assert_eq!(scatter(&labels, &[cloud("a", &[(1.0, 1.0)])], None), "");
        let many: Vec<_> = (0..8).map(|at| cloud("x", &[(f64::from(at), 1.0)])).collect();
        assert!(scatter(&labels, &many, None).contains("hsl(45 65% 48%)"));
    }
}
