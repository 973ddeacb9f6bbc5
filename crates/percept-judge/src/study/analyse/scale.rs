//! From who was preferred to whom, to one number for each method.

/// How often each method was preferred to each other one; a tie is half a preference each way.
#[derive(Clone, Debug, PartialEq)]
pub struct Wins {
    methods: usize,
    counts: Vec<f64>,
}

impl Wins {
    /// None yet.
    pub fn new(methods: usize) -> Self {
        Self { methods, counts: vec![0.0; methods * methods] }
    }

    /// Adds `weight` preferences of `winner` to `loser`.
    pub fn add(&mut self, winner: usize, loser: usize, weight: f64) {
        let inside = winner < self.methods && loser < self.methods && winner != loser;
        if let (true, Some(count)) = (inside, self.counts.get_mut(winner * self.methods + loser)) {
            *count += weight;
        }
    }

    fn get(&self, winner: usize, loser: usize) -> f64 {
        self.counts.get(winner * self.methods + loser).copied().unwrap_or(0.0)
    }

    /// Every pair of different methods with its count.
    fn iter(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        let pairs = (0..self.methods).flat_map(|i| (0..self.methods).map(move |j| (i, j)));
        pairs.filter(|(i, j)| i != j).map(|(i, j)| (i, j, self.get(i, j)))
    }
}

/// How a difference of strengths `d` becomes the probability of being preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// `1 / (1 + e^−d)`: strengths are log odds (Bradley, Terry: Rank Analysis of Incomplete Block Designs I, 1952).
    BradleyTerry,
    /// `Φ(d)`: the unit is the standard deviation of a difference of two impressions (Thurstone: A Law of Comparative
    /// Judgment, 1927, case V).
    Thurstone,
}

/// Weight of the penalty for Bradley–Terry: a normal prior with a standard deviation of √10 ≈ 3.2 logits. It keeps a
/// method that always won finite, and moves others little.
const PENALTY: f64 = 0.1;
/// The logistic distribution is close to a normal one that is this much narrower.
const LOGITS: f64 = 1.702;

const STEPS: usize = 100;

impl Model {
    /// Weight of the penalty `½ λ Σ s²`, the same in both models.
    pub fn penalty(self) -> f64 {
        match self {
            Self::BradleyTerry => PENALTY,
            Self::Thurstone => PENALTY * LOGITS * LOGITS,
        }
    }

    /// The logarithm of the probability at a difference of `d`, its slope, and its curvature downwards.
    fn log_probability(self, d: f64) -> (f64, f64, f64) {
        match self {
            Self::BradleyTerry => {
                let log = if d < 0.0 { d - d.exp().ln_1p() } else { -(-d).exp().ln_1p() };
                let lose = 1.0 / (1.0 + d.exp());
                (log, lose, lose * (1.0 - lose))
            }
            // Beyond 30 standard deviations the probability leaves the range of f64; its series does not.
            Self::Thurstone if d < -30.0 => {
                let x = -d;
                let slope = x + 1.0 / x - 2.0 / (x * x * x);
                (-0.5 * x * x - (x * (2.0 * std::f64::consts::PI).sqrt()).ln(), slope, slope * (slope - x))
            }
            Self::Thurstone => {
                let probability = 0.5 * libm::erfc(-d / std::f64::consts::SQRT_2);
                let density = (-0.5 * d * d).exp() / (2.0 * std::f64::consts::PI).sqrt();
                let slope = density / probability;
                (probability.ln(), slope, slope * (d + slope))
            }
        }
    }

    /// Strengths of sum 0 that make `wins` most probable, less `½ penalty Σ s²`: Newton's method on a concave
    /// function, so there is one answer. `penalty` must be above 0.
    pub fn fit(self, wins: &Wins, penalty: f64) -> Vec<f64> {
        let n = wins.methods;
        let mut strengths = vec![0.0; n];
        let mut value = self.value(wins, penalty, &strengths);
        for _ in 0..STEPS {
            let step = self.newton(wins, penalty, &strengths);
            let largest = step.iter().fold(0.0, |most: f64, s| most.max(s.abs()));
            if largest < 1e-12 {
                break;
            }
            // A full step almost always; half of it where that would overshoot.
            let mut share = 1.0;
            loop {
                let moved: Vec<f64> = strengths.iter().zip(&step).map(|(s, d)| s + share * d).collect();
                let there = self.value(wins, penalty, &moved);
                if there >= value - 1e-12 * value.abs() {
                    (strengths, value) = (moved, there);
                    break;
                }
                share *= 0.5;
                if share < 1e-9 {
                    return centred(strengths);
                }
            }
        }
        centred(strengths)
    }

    fn value(self, wins: &Wins, penalty: f64, strengths: &[f64]) -> f64 {
        let strength = |i: usize| strengths.get(i).copied().unwrap_or(0.0);
        let fit: f64 = wins
            .iter()
            .filter(|(_, _, count)| *count > 0.0)
            .map(|(i, j, count)| count * self.log_probability(strength(i) - strength(j)).0)
            .sum();
        fit - 0.5 * penalty * strengths.iter().map(|s| s * s).sum::<f64>()
    }

    /// Where the gradient would be 0 if the function were a parabola.
    fn newton(self, wins: &Wins, penalty: f64, strengths: &[f64]) -> Vec<f64> {
        let n = strengths.len();
        let mut gradient: Vec<f64> = strengths.iter().map(|s| -penalty * s).collect();
        let mut curvature = vec![0.0; n * n];
        (0..n).for_each(|i| curvature[i * n + i] = penalty);
        for (i, j, count) in wins.iter().filter(|(_, _, count)| *count > 0.0) {
            let (_, slope, curve) = self.log_probability(strengths[i] - strengths[j]);
            gradient[i] += count * slope;
            gradient[j] -= count * slope;
            curvature[i * n + i] += count * curve;
            curvature[j * n + j] += count * curve;
            curvature[i * n + j] -= count * curve;
            curvature[j * n + i] -= count * curve;
        }
        solve(curvature, gradient)
    }
}

fn centred(strengths: Vec<f64>) -> Vec<f64> {
    let mean = strengths.iter().sum::<f64>() / strengths.len().max(1) as f64;
    strengths.into_iter().map(|s| s - mean).collect()
}

/// The `x` of `matrix x = right` for a symmetric, positive definite matrix (Cholesky).
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| matrix[i * n + k] * matrix[j * n + k]).sum();
            let rest = matrix[i * n + j] - sum;
            matrix[i * n + j] =
                if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / matrix[j * n + j] };
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| matrix[i * n + k] * right[k]).sum();
        right[i] = (right[i] - sum) / matrix[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| matrix[k * n + i] * right[k]).sum();
        right[i] = (right[i] - sum) / matrix[i * n + i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(a: f64, b: f64) -> Wins {
        let mut wins = Wins::new(2);
        wins.add(0, 1, a);
        wins.add(1, 0, b);
        wins
    }

    /// Of two methods, Bradley and Terry's strengths differ by the log odds, Thurstone's by the normal quantile.
    #[test]
    fn two_methods_have_closed_forms() {
        let s = Model::BradleyTerry.fit(&two(30.0, 10.0), 1e-9);
        assert!((s[0] - s[1] - 3.0f64.ln()).abs() < 1e-8 && (s[0] + s[1]).abs() < 1e-12, "{s:?}");
        // Φ(1) = 0.841344746068543.
        let share = 0.841_344_746_068_543;
        let s = Model::Thurstone.fit(&two(1000.0 * share, 1000.0 * (1.0 - share)), 1e-9);
        assert!((s[0] - s[1] - 1.0).abs() < 1e-8, "{s:?}");
    }

    /// With a penalty, the difference d solves a − (a + b) P(d) = λ d / 2 for Bradley–Terry.
    #[test]
    fn the_penalty_keeps_a_method_that_always_won_finite() {
        for (a, b, penalty) in [(20.0, 0.0, 0.1), (7.0, 3.0, 2.0), (0.0, 5.0, 0.5)] {
            let s = Model::BradleyTerry.fit(&two(a, b), penalty);
            let d = s[0] - s[1];
            let off = a - (a + b) / (1.0 + (-d).exp()) - penalty * d / 2.0;
            assert!(off.abs() < 1e-9, "{a}:{b}: {off}");
            assert!(Model::Thurstone.fit(&two(a, b), penalty)[0].is_finite());
        }
        assert_eq!(Model::BradleyTerry.fit(&Wins::new(3), PENALTY), [0.0; 3]);
    }

    /// Bradley and Terry's equations of the maximum: what a method won is what it was expected to win.
    #[test]
    fn expected_wins_are_the_wins() {
        let mut wins = Wins::new(4);
        for (i, j, count) in [
            (0, 1, 9.0),
            (1, 0, 4.0),
            (0, 2, 8.0),
            (2, 3, 5.0),
            (3, 2, 6.0),
            (1, 3, 7.5),
            (3, 1, 2.5),
            (2, 0, 1.0),
        ] {
            wins.add(i, j, count);
        }
        let s = Model::BradleyTerry.fit(&wins, 1e-9);
        for i in 0..4 {
            let won: f64 = (0..4).filter(|j| *j != i).map(|j| wins.get(i, j)).sum();
            let expected: f64 = (0..4)
                .filter(|j| *j != i)
                .map(|j| (wins.get(i, j) + wins.get(j, i)) / (1.0 + (s[j] - s[i]).exp()))
                .sum();
            assert!((won - expected).abs() < 1e-7, "{i}: {won} {expected}");
        }
    }

    #[test]
    fn slopes_and_curvatures_are_those_of_differences() {
        for model in [Model::BradleyTerry, Model::Thurstone] {
            for d in [-34.0, -30.001, -29.999, -8.0, -1.0, 0.0, 0.7, 4.0] {
                let h = 1e-5;
                let (_, slope, curve) = model.log_probability(d);
                let at = |d| model.log_probability(d);
                let (up, down) = (at(d + h), at(d - h));
                let close = |a: f64, b: f64| (a - b).abs() < 1e-5 * (1.0 + a.abs());
                // Series and function meet at −30; differences are taken on either side of it.
                if (d + 30.0_f64).abs() > 0.01 {
                    assert!(close(slope, (up.0 - down.0) / (2.0 * h)), "{model:?} {d}");
                    assert!(close(curve, (down.1 - up.1) / (2.0 * h)), "{model:?} {d}");
                }
            }
            let (before, after) = (model.log_probability(-30.000_001), model.log_probability(-29.999_999));
            assert!((before.0 - after.0).abs() < 2e-3 && (before.1 - after.1).abs() < 1e-4, "{model:?}");
        }
    }
}
