//! Colour difference by CIEDE2000.

use std::f64::consts::{PI, TAU};
use std::ops::RangeInclusive;

use super::lab::{D65, labs};
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
            let row = |image: &Image<Srgb>| {
                labs(image.data()[3 * y * width..3 * (y + 1) * width].as_chunks().0, D65)
            };
            let differing = row(&a).into_iter().zip(row(&b)).filter(|(a, b)| a != b);
            [differing.map(|(a, b)| difference(a, b)).sum::<f64>()]
        });
        numeric(self, sum / (width * height) as f64)
    }
}

/// ΔE₀₀ of two colours. Hues are directions here, whose sines and cosines need no function of an angle.
fn difference([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    // How much the chroma tells at all: the factor that vanishes near grey.
    let vivid = |chroma: f64| {
        let seventh = chroma.powi(7);
        (seventh / (seventh + 25.0f64.powi(7))).sqrt()
    };
    // Colours are far from where squares overflow: no need of `hypot`.
    let length = |[a, b]: [f64; 2]| (a * a + b * b).sqrt();
    let stretch = 1.0 + 0.5 * (1.0 - vivid(0.5 * (length([a1, b1]) + length([a2, b2]))));
    let (one, other) = ([stretch * a1, b1], [stretch * a2, b2]);
    let (c1, c2) = (length(one), length(other));
    let (lightness, chroma) = (0.5 * (l1 + l2), 0.5 * (c1 + c2));

    // A grey has no hue.
    let hue = |[a, b]: [f64; 2], c: f64| if c > 0.0 { [a / c, b / c] } else { [0.0; 2] };
    let ([x1, y1], [x2, y2]) = (hue(one, c1), hue(other, c2));
    // Half the turn from one to the other, the shorter way round.
    let turn = (0.5 * length([x2 - x1, y2 - y1])).copysign(x1 * y2 - x2 * y1);
    let [x, y] = between([x1, y1], [x2, y2]);

    let shade = (lightness - 50.0).powi(2);
    let degrees = |angle: f64| angle * PI / 180.0;
    // Sine and cosine of twice, three and four times the hue.
    let (x_2, y_2) = (x * x - y * y, 2.0 * x * y);
    let (x_3, y_3) = (x_2 * x - y_2 * y, y_2 * x + x_2 * y);
    let (x_4, y_4) = (x_2 * x_2 - y_2 * y_2, 2.0 * x_2 * y_2);
    let turned_by = |x: f64, y: f64, angle: f64| x * degrees(angle).cos() + y * degrees(angle).sin();
    let hues = 1.0 - 0.17 * turned_by(x, y, 30.0) + 0.24 * x_2 + 0.32 * turned_by(x_3, y_3, -6.0)
        - 0.20 * turned_by(x_4, y_4, 63.0);
    let dl = (l2 - l1) / (1.0 + 0.015 * shade / (20.0 + shade).sqrt());
    let dc = (c2 - c1) / (1.0 + 0.045 * chroma);
    let dh = 2.0 * (c1 * c2).sqrt() * turn / (1.0 + 0.015 * chroma * hues);
    let turned = if is_far_from_blue(x, y) {
        0.0
    } else {
        let angle = y.atan2(x);
        let angle = if angle < 0.0 { angle + TAU } else { angle };
        let blue = degrees(30.0) * (-((angle - degrees(275.0)) / degrees(25.0)).powi(2)).exp();
        -(2.0 * blue).sin() * 2.0 * vivid(chroma)
    };
    (dl * dl + dc * dc + dh * dh + turned * dc * dh).max(0.0).sqrt()
}

/// The hue halfway between two, the shorter way round; that of the other one if one has none, and 0 if none has.
fn between([x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) -> [f64; 2] {
    let (x, y) = (x1 + x2, y1 + y2);
    let size = (x * x + y * y).sqrt();
    if size > 1e-9 {
        return [x / size, y / size];
    }
    // Both are grey, or opposite, where both ways round are as long: by angles from 0 to a turn, as the paper has it.
    let angle = |x: f64, y: f64| {
        let angle = y.atan2(x);
        if angle < 0.0 { angle + TAU } else { angle }
    };
    let (sine, cosine) = (0.5 * (angle(x1, y1) + angle(x2, y2))).sin_cos();
    [cosine, sine]
}

/// Whether a hue lies where the rotation around blue is below 10⁻⁹: from 0° to 159°.
fn is_far_from_blue(x: f64, y: f64) -> bool {
    y > 0.36 || (y >= 0.0 && x > 0.0)
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
