//! Colour difference by CIEDE2000.

use std::f64::consts::{PI, TAU};
use std::ops::RangeInclusive;

use super::lab::{D65, lab};
use super::{numeric, pair, sum_rows};
use crate::{Better, Cost, Image, Metric, MetricError, Srgb};

/// Mean CIEDE2000 colour difference over all pixels (Luo, Cui, Rigg, *The development of the CIE 2000 colour-difference
/// formula: CIEDE2000*, 2001; details as in Sharma, Wu, Dalal, *The CIEDE2000 color-difference formula: Implementation
/// notes, supplementary test data, and mathematical observations*, 2005): `ciede2000`. 0 for equal images; about 1 is
/// just visible, black and white are 100 apart.
#[derive(Clone, Debug)]
pub struct Ciede2000 {
    crop: usize,
}

impl Ciede2000 {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Ciede2000 {
    fn name(&self) -> &str {
        "ciede2000"
    }

    fn protocol(&self) -> String {
        format!(
            "CIEDE2000, mean over pixels, CIELAB of sRGB with D65 white and 2° observer, kL = kC = kH = 1, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "Sharma, Wu, Dalal, The CIEDE2000 color-difference formula: Implementation notes, supplementary test data, and mathematical observations, 2005"
    }

    fn cost(&self) -> Cost {
        Cost::Medium
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, 1)?;
        let (width, height) = a.size();
        let [sum] = sum_rows(height, |y| {
            let row = 3 * y * width..3 * (y + 1) * width;
            let pixels = a.data()[row.clone()].as_chunks().0.iter().zip(b.data()[row].as_chunks().0);
            let differing = pixels.filter(|(a, b)| a != b);
            [differing.map(|(a, b)| difference(lab(*a, D65), lab(*b, D65))).sum::<f64>()]
        });
        numeric(self, sum / (width * height) as f64)
    }
}

/// ΔE₀₀ of two colours.
fn difference([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    // How much the chroma tells at all: the factor that vanishes near grey.
    let vivid = |chroma: f64| {
        let seventh = chroma.powi(7);
        (seventh / (seventh + 25.0f64.powi(7))).sqrt()
    };
    // Colours are far from where squares overflow: no need of `hypot`, nor of a remainder for one turn.
    let length = |a: f64, b: f64| (a * a + b * b).sqrt();
    let stretch = 1.0 + 0.5 * (1.0 - vivid(0.5 * (length(a1, b1) + length(a2, b2))));
    let polar = |a: f64, b: f64| {
        let hue = b.atan2(a);
        (length(a, b), if hue < 0.0 { hue + TAU } else { hue })
    };
    let ((c1, h1), (c2, h2)) = (polar(stretch * a1, b1), polar(stretch * a2, b2));
    let (lightness, chroma) = (0.5 * (l1 + l2), 0.5 * (c1 + c2));

    // The shorter way round; a grey has no hue.
    let grey = c1 * c2 == 0.0;
    let (turn, hue) = match h2 - h1 {
        _ if grey => (0.0, h1 + h2),
        turn if turn.abs() <= PI => (turn, 0.5 * (h1 + h2)),
        turn => (turn - TAU.copysign(turn), 0.5 * (h1 + h2) + if h1 + h2 < TAU { PI } else { -PI }),
    };
    let shade = (lightness - 50.0).powi(2);
    let degrees = |angle: f64| angle * PI / 180.0;
    let hues = 1.0 - 0.17 * (hue - degrees(30.0)).cos()
        + 0.24 * (2.0 * hue).cos()
        + 0.32 * (3.0 * hue + degrees(6.0)).cos()
        - 0.20 * (4.0 * hue - degrees(63.0)).cos();
    let dl = (l2 - l1) / (1.0 + 0.015 * shade / (20.0 + shade).sqrt());
    let dc = (c2 - c1) / (1.0 + 0.045 * chroma);
    let dh = 2.0 * (c1 * c2).sqrt() * (0.5 * turn).sin() / (1.0 + 0.015 * chroma * hues);
    let blue = degrees(30.0) * (-((hue - degrees(275.0)) / degrees(25.0)).powi(2)).exp();
    let turned = -(2.0 * blue).sin() * 2.0 * vivid(chroma);
    (dl * dl + dc * dc + dh * dh + turned * dc * dh).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_the_paper_have_its_differences() {
        // Table 1 of Sharma et al. 2005, by number: small differences, hues on both sides of 0°, greys, large ones.
        for (one, other, expected) in [
            ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
            ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
            ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0009], 7.1792),
            ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0011], 7.2195),
            ([50.0, -0.001, 2.49], [50.0, 0.0011, -2.49], 4.7461),
            ([50.0, 2.5, 0.0], [50.0, 0.0, -2.5], 4.3065),
            ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
            ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
            ([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082),
        ] {
            for got in [difference(one, other), difference(other, one)] {
                assert!((got - expected).abs() < 5e-5, "{one:?} {other:?}: {got} is not {expected}");
            }
        }
    }
}
