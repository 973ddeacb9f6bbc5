//! Statistics of natural photos: how the values of a normalised plane are distributed, and their products with neighbours.

use std::array;
use std::sync::LazyLock;

use libm::tgamma;
use rayon::prelude::*;

use super::filter::{Border, filtered, gaussian};
use super::plane::Plane;
use super::sum_rows;

/// What rounding leaves of a flat part.
const NOTHING: f64 = 1e-9;

/// Shapes that are tried, from 0.2 to 10.
const FIRST: f64 = 0.2;
const STEP: f64 = 0.001;
const SHAPES: usize = 9801;

/// Every level without its local mean, divided by its local deviation plus one level, in a Gaussian window of 7×7.
///
/// A flat part becomes zeros, which the statistics leave out. What rounding leaves of it would be counted as positive or negative by
/// chance, as it is by the authors' programs.
pub(super) fn normalised(levels: &Plane, border: Border) -> Plane {
    let window = gaussian(7, 7.0 / 6.0);
    let mean = filtered(levels, &window, border, 1);
    let squares = Plane { data: levels.data.iter().map(|v| v * v).collect(), ..*levels };
    let mut out = filtered(&squares, &window, border, 1);
    let local = levels.data.par_iter().zip(&mean.data).with_min_len(1 << 14);
    out.data.par_iter_mut().zip(local).for_each(|(out, (v, mean))| {
        let value = (v - mean) / ((*out - mean * mean).abs().sqrt() + 1.0);
        *out = if value.abs() < NOTHING { 0.0 } else { value };
    });
    out
}

/// A rectangle of a plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

impl Part {
    /// The distributions of the values, and of their products with the neighbour on the left, above, above left and above right;
    /// beyond the edge comes the opposite one.
    pub fn fits(self, plane: &Plane) -> [Fit; 5] {
        let Self { left, top, width, height } = self;
        let row = |y: usize| &plane.row(top + y % height)[left..left + width];
        let products = |y: usize, up: usize, shift: usize| {
            let other = row(y + height - up);
            let neighbours = other[shift..].iter().chain(&other[..shift]);
            Sums::of(row(y).iter().zip(neighbours).map(|(a, b)| a * b))
        };
        let (beside, next) = (width - 1, 1 % width);
        let sums = sum_rows(height, |y| {
            let values = Sums::of(row(y).iter().copied());
            let all = [
                values,
                products(y, 0, beside),
                products(y, 1, 0),
                products(y, 1, beside),
                products(y, 1, next),
            ];
            let flat: [f64; 25] = array::from_fn(|k| all[k / 5].0[k % 5]);
            flat
        });
        let count = (width * height) as f64;
        array::from_fn(|k| Sums(array::from_fn(|i| sums[5 * k + i])).fit(count))
    }
}

/// The squares below and above zero, how many there are of each, and the magnitudes. Zeros are on neither side.
struct Sums([f64; 5]);

impl Sums {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sums = [0.0; 5];
        for v in values {
            let [below, above] = [f64::from(v < 0.0), f64::from(v > 0.0)];
            let more = [below * v * v, above * v * v, below, above, v.abs()];
            sums.iter_mut().zip(more).for_each(|(sum, v)| *sum += v);
        }
        Self(sums)
    }

    fn fit(&self, count: f64) -> Fit {
        let [below, above, count_below, count_above, magnitudes] = self.0;
        let [left, right] = [(below / count_below).sqrt(), (above / count_above).sqrt()];
        let square = (below + above) / count;
        let mean = magnitudes / count;
        let peak = mean * mean / square;
        let ratio = left / right;
        let moment = peak * (ratio.powi(3) + 1.0) * (ratio + 1.0) / (ratio * ratio + 1.0).powi(2);
        Fit { shape: nearest(moment, |moment| moment), left, right, square, peak }
    }
}

/// An asymmetric generalised Gaussian distribution (Lasmar, Stitou, Berthoumieu, *Multiscale skewed heavy tailed model for
/// texture analysis*, 2009), fitted by moments. NaN where there are no values of a sign.
pub(super) struct Fit {
    pub shape: f64,
    /// Deviations below and above zero.
    pub left: f64,
    pub right: f64,
    /// The mean square.
    pub square: f64,
    /// The squared mean magnitude by that.
    peak: f64,
}

impl Fit {
    /// What makes a width of a deviation.
    pub fn width(&self) -> f64 {
        (tgamma(1.0 / self.shape) / tgamma(3.0 / self.shape)).sqrt()
    }

    /// The mean of the distribution.
    pub fn mean(&self) -> f64 {
        (self.right - self.left) * self.width() * tgamma(2.0 / self.shape) / tgamma(1.0 / self.shape)
    }

    /// The shape of the symmetric distribution with the same moments.
    pub fn symmetric(&self) -> f64 {
        nearest(self.peak, |moment| 1.0 / moment)
    }
}

/// The shape whose ratio of moments is nearest to `moment`, on the scale that `of` gives.
fn nearest(moment: f64, of: impl Fn(f64) -> f64) -> f64 {
    static MOMENTS: LazyLock<Vec<f64>> = LazyLock::new(|| {
        let moment = |shape: f64| tgamma(2.0 / shape).powi(2) / (tgamma(1.0 / shape) * tgamma(3.0 / shape));
        (0..SHAPES).map(|k| moment(candidate(k))).collect()
    });
    if moment.is_nan() {
        return f64::NAN;
    }
    // They rise with the shape.
    let above = MOMENTS.partition_point(|m| *m < moment).clamp(1, SHAPES - 1);
    let distance = |k: usize| (of(MOMENTS[k]) - of(moment)).abs();
    candidate(if distance(above - 1) <= distance(above) { above - 1 } else { above })
}

fn candidate(k: usize) -> f64 {
    FIRST + STEP * k as f64
}
