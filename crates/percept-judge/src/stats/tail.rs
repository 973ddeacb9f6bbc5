//! Probabilities of two distributions with whole degrees of freedom.

use std::f64::consts::FRAC_2_PI;

/// The probability that χ² with `freedom` degrees of freedom is at most `x`: the series of the incomplete gamma function
/// (Abramowitz and Stegun, "Handbook of mathematical functions", 1964, 6.5.29), whose terms are all positive.
pub(super) fn chi_squared(freedom: usize, x: f64) -> f64 {
    let (shape, y) = (freedom as f64 / 2.0, x / 2.0);
    if y <= 0.0 {
        return 0.0;
    }
    // So far out nothing is left.
    if y > shape + 40.0 * (1.0 + shape.sqrt()) {
        return 1.0;
    }
    let (mut term, mut sum, mut at) = (1.0, 1.0, shape);
    while term > sum * 1e-17 {
        at += 1.0;
        term *= y / at;
        sum += term;
    }
    (sum * (shape * y.ln() - y - libm::lgamma(shape + 1.0)).exp()).min(1.0)
}

/// The probability that Student's t with `freedom` degrees of freedom is above `t` (Abramowitz and Stegun, 26.7.3 and
/// 26.7.4).
pub(super) fn student(freedom: usize, t: f64) -> f64 {
    let angle = (t.abs() / (freedom as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    // cos, cos³, … for odd degrees, 1, cos², … for even ones.
    let mut term = if odd { cosine } else { 1.0 };
    let (mut sum, mut power) = (0.0, if odd { 1 } else { 0 });
    while power + 2 <= freedom {
        sum += term;
        power += 2;
        term *= cosine * cosine * (power - 1) as f64 / power as f64;
    }
    let within = if odd { FRAC_2_PI * (angle + sine * sum) } else { sine * sum };
    let tail = ((1.0 - within) / 2.0).max(0.0);
    if t < 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-6 * expected.max(1e-3), "{got} {expected}");
    }

    /// Values that have a closed form.
    #[test]
    fn chi_squared_is_what_it_is_by_hand() {
        for x in [0.01f64, 0.7, 3.0, 12.0, 60.0] {
            close(chi_squared(2, x), 1.0 - (-x / 2.0).exp());
            close(chi_squared(4, x), 1.0 - (-x / 2.0).exp() * (1.0 + x / 2.0));
            close(chi_squared(1, x), libm::erf((x / 2.0).sqrt()));
        }
        // In the lower tail what is left is x^(k/2) / (2^(k/2) Γ(k/2 + 1)).
        close(chi_squared(4, 1e-6) * 1e12, 0.125);
        assert_eq!((chi_squared(3, 0.0), chi_squared(3, 1e9)), (0.0, 1.0));
        // The median of many degrees is close to their number less two thirds.
        assert!((chi_squared(2000, 2000.0 - 2.0 / 3.0) - 0.5).abs() < 1e-4);
    }

    #[test]
    fn student_is_that_of_the_tables() {
        for (freedom, t) in [
            (1, 12.706_205),
            (2, 4.302_653),
            (3, 3.182_446),
            (4, 2.776_445),
            (7, 2.364_624),
            (20, 2.085_963),
            (59, 2.000_995),
        ] {
            close(student(freedom, t), 0.025);
            close(student(freedom, -t), 0.975);
        }
        close(student(1, 1.0), 0.25);
        close(student(2, f64::MAX.sqrt()), 0.0);
        assert_eq!(student(5, 0.0), 0.5);
    }
}
