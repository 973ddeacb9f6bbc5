//! What several differences say together.

use percept_image::Better;
use serde::Serialize;

use super::Effect;

/// What a corrected p-value must stay below.
pub const LEVEL: f64 = 0.05;

/// What a difference says, once it is known how many were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Better.
    Better,
    /// Worse.
    Worse,
    /// No difference that these photos and seeds can show.
    None,
}

/// Holm's correction of the p-values of several questions, in their order: each is as large as it must be for the
/// chance of a single wrong answer among all to stay below it (Holm, "A simple sequentially rejective multiple test
/// procedure", 1979).
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let (mut adjusted, mut largest) = (vec![1.0; p.len()], 0.0f64);
    for (before, at) in order.into_iter().enumerate() {
        largest = largest.max(p[at] * (p.len() - before) as f64);
        adjusted[at] = largest.min(1.0);
    }
    adjusted
}

/// What all differences of a page say together: the p-value of each after Holm's correction, and what that means.
pub fn outcomes(found: &[(Better, Effect)]) -> Vec<(f64, Outcome)> {
    let corrected = holm(&found.iter().map(|(_, effect)| effect.p).collect::<Vec<_>>());
    let outcome = |((better, effect), p): (&(Better, Effect), f64)| {
        let outcome = match (p < LEVEL, is_gain(*better, effect.mean)) {
            (false, _) => Outcome::None,
            (true, true) => Outcome::Better,
            (true, false) => Outcome::Worse,
        };
        (p, outcome)
    };
    found.iter().zip(corrected).map(outcome).collect()
}

/// Whether a difference of that sign is an improvement.
pub fn is_gain(better: Better, difference: f64) -> bool {
    match better {
        Better::Higher => difference > 0.0,
        Better::Lower => difference < 0.0,
    }
}
