//! The statistics of a block.

use std::sync::LazyLock;

use libm::tgamma;

use crate::score::plane::Plane;

/// Numbers that describe a block at one scale: shape and width of its values, and of their products with the neighbours in
/// four directions shape, mean and the two widths.
pub(super) const FEATURES: usize = 18;

/// Shapes that are tried, from 0.2 to 10.
const FIRST: f64 = 0.2;
const STEP: f64 = 0.001;
const SHAPES: usize = 9801;

/// The features of the square of `side` values that starts at (`left`, `top`). NaN where it has no values of a sign.
pub(super) fn features(plane: &Plane, (left, top): (usize, usize), side: usize) -> [f64; FEATURES] {
    let row = |y: usize| &plane.row(top + y)[left..left + side];
    let mut out = [0.0; FEATURES];
    let whole = Fit::of((0..side).flat_map(row).copied());
    (out[0], out[1]) = (whole.shape, (whole.left + whole.right) / 2.0);
    // The neighbour on the left, above, above left and above right; beyond the edge comes the opposite one.
    for (k, (up, shift)) in [(0, side - 1), (1, 0), (1, side - 1), (1, 1)].into_iter().enumerate() {
        let products = (0..side).flat_map(|y| {
            let other = row((y + side - up) % side);
            let neighbours = other[shift..].iter().chain(&other[..shift]);
            row(y).iter().zip(neighbours).map(|(a, b)| a * b)
        });
        let fit = Fit::of(products);
        let at = 2 + 4 * k;
        out[at..at + 4].copy_from_slice(&[fit.shape, fit.mean(), fit.left, fit.right]);
    }
    out
}

/// An asymmetric generalised Gaussian distribution (Lasmar, Stitou, Berthoumieu, *Multiscale skewed heavy tailed model for
/// texture analysis*, 2009), fitted by moments.
struct Fit {
    shape: f64,
    /// Widths below and above zero.
    left: f64,
    right: f64,
}

impl Fit {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        // Squares and counts below and above zero, the sum of magnitudes, and how many there are.
        let (mut squares, mut counts, mut magnitudes, mut count) = ([0.0; 2], [0.0; 2], 0.0, 0.0);
        for v in values {
            // Zeros are on neither side.
            let [below, above] = [f64::from(v < 0.0), f64::from(v > 0.0)];
            squares[0] += below * v * v;
            squares[1] += above * v * v;
            counts[0] += below;
            counts[1] += above;
            magnitudes += v.abs();
            count += 1.0;
        }
        let [left, right] = [0, 1].map(|k: usize| (squares[k] / counts[k]).sqrt());
        let ratio = left / right;
        let mean = magnitudes / count;
        let moment =
            mean * mean / ((squares[0] + squares[1]) / count) * (ratio.powi(3) + 1.0) * (ratio + 1.0)
                / (ratio * ratio + 1.0).powi(2);
        let shape = shape(moment);
        let width = (tgamma(1.0 / shape) / tgamma(3.0 / shape)).sqrt();
        Self { shape, left: left * width, right: right * width }
    }

    fn mean(&self) -> f64 {
        (self.right - self.left) * tgamma(2.0 / self.shape) / tgamma(1.0 / self.shape)
    }
}

/// The shape whose ratio of moments is nearest to `moment`.
fn shape(moment: f64) -> f64 {
    static MOMENTS: LazyLock<Vec<f64>> = LazyLock::new(|| {
        let moment = |shape: f64| tgamma(2.0 / shape).powi(2) / (tgamma(1.0 / shape) * tgamma(3.0 / shape));
        (0..SHAPES).map(|k| moment(candidate(k))).collect()
    });
    if moment.is_nan() {
        return f64::NAN;
    }
    // They rise with the shape.
    let above = MOMENTS.partition_point(|m| *m < moment).clamp(1, SHAPES - 1);
    let below = above - 1;
    candidate(if moment - MOMENTS[below] <= MOMENTS[above] - moment { below } else { above })
}

fn candidate(k: usize) -> f64 {
    FIRST + STEP * k as f64
}
