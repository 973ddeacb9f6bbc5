//! The curve from a metric's values to human scores, before their linear correlation is taken.

use serde::Serialize;

/// Most steps of a fit.
const STEPS: usize = 200;
/// A fit has settled when a step lowers the squared error by less than this share.
const SETTLED: f64 = 1e-10;
/// Most parameters of a curve.
const MOST: usize = 5;

/// Which logistic curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Curve {
    /// `β2 + (β1 − β2) / (1 + exp((β3 − x) / |β4|))`: monotonic (Video Quality Experts Group, "Final report on the
    /// validation of objective models of video quality assessment, phase II", 2003).
    Four,
    /// `β1 (1/2 − 1 / (1 + exp(β2 (x − β3)))) + β4 x + β5` (Sheikh, Sabir, Bovik, "A statistical evaluation of recent
    /// full reference image quality assessment algorithms", IEEE TIP, 2006).
    #[default]
    Five,
}

/// A fitted curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Logistic {
    /// Which one.
    pub curve: Curve,
    /// β1, β2, … of [`Curve`].
    pub beta: Vec<f64>,
}

impl Curve {
    /// Number of parameters.
    pub fn parameters(self) -> usize {
        match self {
            Self::Four => 4,
            Self::Five => 5,
        }
    }

    /// The value at `x`, and its derivatives by the parameters.
    fn at(self, beta: &[f64; MOST], x: f64) -> (f64, [f64; MOST]) {
        let [b1, b2, b3, b4, b5] = *beta;
        match self {
            Self::Four => {
                let width = b4.abs().max(f64::MIN_POSITIVE);
                let s = sigmoid((x - b3) / width);
                let slope = (b1 - b2) * s * (1.0 - s) / width;
                let by_width = -slope * (x - b3) / width * b4.signum();
                (b2 + (b1 - b2) * s, [s, 1.0 - s, -slope, by_width, 0.0])
            }
            Self::Five => {
                let s = sigmoid(b2 * (x - b3));
                let slope = b1 * s * (1.0 - s);
                (b1 * (s - 0.5) + b4 * x + b5, [s - 0.5, slope * (x - b3), -slope * b2, x, 1.0])
            }
        }
    }

    /// Where fits begin, for columns of mean 0 and deviation 1 that rise together where `sign` is 1.
    fn starts(self, sign: f64) -> Vec<[f64; MOST]> {
        let steepness = [0.5, 1.5, 5.0];
        match self {
            Self::Four => steepness.map(|s| [2.0 * sign, -2.0 * sign, 0.0, 1.0 / s, 0.0]).to_vec(),
            Self::Five => {
                let curved = steepness.map(|s| [4.0, s * sign, 0.0, 0.0, 0.0]);
                let bent = [-1.0, 1.0].map(|at| [2.0, 3.0 * sign, at, 0.3 * sign, 0.0]);
                curved.into_iter().chain(bent).collect()
            }
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Mean and deviation of a column whose rows count `weights` times; `None` where it is constant.
fn scale(values: &[f64], weights: &[f64]) -> Option<(f64, f64)> {
    let total: f64 = weights.iter().sum();
    let mean = values.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>() / total;
    let square = values.iter().zip(weights).map(|(v, w)| w * (v - mean).powi(2)).sum::<f64>() / total;
    let deviation = square.sqrt();
    (deviation.is_finite() && deviation > 1e-12 * mean.abs()).then_some((mean, deviation))
}

impl Logistic {
    /// The least squares fit of `y` over `x`, rows counting `weights` times, by Levenberg's and Marquardt's method from
    /// several starts, or from `near` alone, the fit of similar rows. `None` when there are no more rows of weight
    /// than parameters, which any curve would meet, a column is constant, or a value is not finite.
    pub fn fit(curve: Curve, x: &[f64], y: &[f64], weights: &[f64], near: Option<&Self>) -> Option<Self> {
        let rows = weights.iter().filter(|weight| **weight > 0.0).count();
        if x.len() != y.len() || x.len() != weights.len() || rows <= curve.parameters() {
            return None;
        }
        let (mx, sx) = scale(x, weights)?;
        let (my, sy) = scale(y, weights)?;
        // Columns of one size, so that one damping fits all parameters.
        let columns = x.iter().zip(y).zip(weights).filter(|(_, w)| **w > 0.0);
        let columns: Vec<[f64; 3]> = columns.map(|((x, y), w)| [(x - mx) / sx, (y - my) / sy, *w]).collect();
        let starts = match near {
            Some(near) => vec![near.scaled((mx, sx), (my, sy))],
            None => {
                let covariance: f64 = columns.iter().map(|[x, y, w]| x * y * w).sum();
                curve.starts(if covariance < 0.0 { -1.0 } else { 1.0 })
            }
        };
        let fits = starts.into_iter().map(|start| descend(curve, start, &columns));
        let (beta, error) = fits.min_by(|a, b| a.1.total_cmp(&b.1))?;
        error.is_finite().then(|| Self::unscaled(curve, beta, (mx, sx), (my, sy)))
    }

    /// The human score that belongs to the value `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.curve.at(&self.array(), x).0
    }

    /// Whether it both rises and falls between `low` and `high`: five parameters allow it, and then the curve no longer
    /// says that a metric orders pictures.
    pub fn turns(&self, low: f64, high: f64) -> bool {
        let [b1, b2, b3, b4, _] = self.array();
        // The slope is steepest in the middle of the sigmoid and falls off to both sides.
        let slope = |x: f64| {
            let s = sigmoid(b2 * (x - b3));
            b1 * b2 * s * (1.0 - s) + b4
        };
        let slopes = [low, high, b3.max(low).min(high)].map(slope);
        let rises = slopes.iter().any(|slope| *slope > 0.0);
        self.curve == Curve::Five && rises && slopes.iter().any(|slope| *slope < 0.0)
    }

    fn array(&self) -> [f64; MOST] {
        let mut beta = [0.0; MOST];
        beta.iter_mut().zip(&self.beta).for_each(|(a, b)| *a = *b);
        beta
    }

    /// The parameters for columns from which means were taken and that were divided by deviations.
    fn scaled(&self, (mx, sx): (f64, f64), (my, sy): (f64, f64)) -> [f64; MOST] {
        let [b1, b2, b3, b4, b5] = self.array();
        match self.curve {
            Curve::Four => [(b1 - my) / sy, (b2 - my) / sy, (b3 - mx) / sx, b4 / sx, 0.0],
            Curve::Five => [b1 / sy, b2 * sx, (b3 - mx) / sx, b4 * sx / sy, (b5 + b4 * mx - my) / sy],
        }
    }

    fn unscaled(curve: Curve, beta: [f64; MOST], (mx, sx): (f64, f64), (my, sy): (f64, f64)) -> Self {
        let [b1, b2, b3, b4, b5] = beta;
        let mut beta = match curve {
            Curve::Four => vec![b1 * sy + my, b2 * sy + my, b3 * sx + mx, b4 * sx],
            Curve::Five => {
                let b4 = b4 * sy / sx;
                vec![b1 * sy, b2 / sx, b3 * sx + mx, b4, b5 * sy + my - b4 * mx]
            }
        };
        if curve == Curve::Four
            && let Some(width) = beta.last_mut()
        {
            *width = width.abs();
        }
        Self { curve, beta }
    }
}

/// The squared error of `rows` (`x`, `y`, weight).
fn error(curve: Curve, beta: &[f64; MOST], rows: &[[f64; 3]]) -> f64 {
    rows.iter().map(|[x, y, w]| w * (curve.at(beta, *x).0 - y).powi(2)).sum()
}

/// Levenberg–Marquardt with Marquardt's scaling: the parameters in which it ends, and their squared error.
fn descend(curve: Curve, mut beta: [f64; MOST], rows: &[[f64; 3]]) -> ([f64; MOST], f64) {
    let mut now = error(curve, &beta, rows);
    let mut damping = 1e-3;
    for _ in 0..STEPS {
        let (mut normal, mut slope) = ([[0.0; MOST]; MOST], [0.0; MOST]);
        for [x, y, w] in rows {
            let (value, by) = curve.at(&beta, *x);
            for (i, a) in by.iter().enumerate() {
                slope[i] -= w * a * (value - y);
                by.iter().take(i + 1).enumerate().for_each(|(j, b)| normal[i][j] += w * a * b);
            }
        }
        let mut gain = 0.0;
        while damping < 1e12 {
            let step = solve(&normal, &slope, damping, curve.parameters());
            let mut next = beta;
            next.iter_mut().zip(step).for_each(|(a, b)| *a += b);
            let then = error(curve, &next, rows);
            if then < now {
                gain = (now - then) / now.max(f64::MIN_POSITIVE);
                (beta, now) = (next, then);
                damping = (damping * 0.2).max(1e-12);
                break;
            }
            damping *= 4.0;
        }
        if gain < SETTLED {
            break;
        }
    }
    (beta, now)
}

/// Solves `(normal + damping · diagonal) step = slope` by Cholesky's factors; `normal` has its lower half.
fn solve(normal: &[[f64; MOST]; MOST], slope: &[f64; MOST], damping: f64, n: usize) -> [f64; MOST] {
    let (mut factor, mut step) = ([[0.0; MOST]; MOST], [0.0; MOST]);
    for i in 0..n {
        for j in 0..=i {
            let mut sum = normal[i][j];
            if i == j {
                sum += damping * (sum + 1e-9);
            }
            sum -= (0..j).map(|k| factor[i][k] * factor[j][k]).sum::<f64>();
            factor[i][j] = if i == j { sum.max(1e-300).sqrt() } else { sum / factor[j][j] };
        }
        let known: f64 = (0..i).map(|k| factor[i][k] * step[k]).sum();
        step[i] = (slope[i] - known) / factor[i][i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| factor[k][i] * step[k]).sum();
        step[i] = (step[i] - known) / factor[i][i];
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_that_turns_is_told_from_one_that_does_not() {
        let five = |beta: [f64; 5]| Logistic { curve: Curve::Five, beta: beta.to_vec() };
        // A steep fall in a line that rises.
        assert!(five([-0.8, 20.0, 32.0, 0.17, -2.0]).turns(20.0, 43.0));
        assert!(!five([-0.8, 20.0, 32.0, 0.17, -2.0]).turns(20.0, 30.0));
        assert!(!five([2.0, 1.0, 3.0, 0.2, 0.0]).turns(0.0, 6.0));
        assert!(!Logistic { curve: Curve::Four, beta: vec![1.0, 0.0, 3.0, 1.0] }.turns(0.0, 6.0));
    }
}
