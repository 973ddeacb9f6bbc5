//! Formulas of challenges: several scores of a set of photos as one number.

use percept_nn::metric::NamedMetric;
use serde::Serialize;

use crate::Scores;

/// A formula by name: the sum of its parts, each made of the mean of a score over all photos.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// What it is, in a line, with its paper.
    pub about: &'static str,
    parts: &'static [Part],
}

/// A part of a formula.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// As the formula has it.
    label: &'static str,
    /// The score, by percept's name; not all of them are there.
    metric: &'static str,
    /// What is summed.
    of: fn(f64) -> f64,
}

/// What a formula gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PresetValue {
    /// The preset.
    pub name: &'static str,
    /// The parts that are there: the formula's words and what is summed.
    pub parts: Vec<(&'static str, f64)>,
    /// The parts that are not.
    pub missing: Vec<&'static str>,
    /// The sum of the parts that are there.
    pub sum: f64,
    /// The formula's value, if all of them are there.
    pub value: Option<f64>,
}

impl Preset {
    /// All of them.
    pub const ALL: &[Self] = &[Self {
        name: "ntire2025",
        about: "the perceptual track of NTIRE 2025's super-resolution challenge (Chen et al., arXiv 2504.14582)",
        parts: &[
            Part { label: "1 - LPIPS", metric: "lpips-alex", of: |v| 1.0 - v },
            Part { label: "1 - DISTS", metric: "dists", of: |v| 1.0 - v },
            Part { label: "CLIP-IQA", metric: "clip-iqa", of: |v| v },
            Part { label: "MANIQA", metric: "maniqa", of: |v| v },
            Part { label: "MUSIQ / 100", metric: "musiq", of: |v| v / 100.0 },
            Part { label: "max(0, (10 - NIQE) / 10)", metric: "niqe", of: |v| (1.0 - v / 10.0).max(0.0) },
        ],
    }];

    /// The preset of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|preset| preset.name == name)
    }

    /// The scores that it takes, as far as they are there.
    pub fn metrics(&self) -> Vec<String> {
        let there = self.parts.iter().filter(|part| NamedMetric::find(part.metric).is_some());
        there.map(|part| part.metric.to_string()).collect()
    }

    /// What it makes of the means of `scores`.
    pub fn of(&self, scores: &Scores) -> PresetValue {
        let (mut parts, mut missing) = (Vec::new(), Vec::new());
        for part in self.parts {
            match scores.mean.get(part.metric) {
                Some(mean) => parts.push((part.label, (part.of)(*mean))),
                None => missing.push(part.label),
            }
        }
        let sum = parts.iter().map(|(_, value)| value).sum();
        PresetValue { name: self.name, parts, value: missing.is_empty().then_some(sum), missing, sum }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn scores(mean: &[(&str, f64)]) -> Scores {
        let mean = mean.iter().map(|(name, value)| (name.to_string(), *value)).collect();
        Scores { metrics: BTreeMap::new(), images: Vec::new(), mean, sets: BTreeMap::new(), preset: None }
    }

    #[test]
    fn the_challenge_s_formula_is_a_sum_where_all_of_it_is_there() {
        let preset = Preset::find("ntire2025").unwrap();
        let all = [
            ("lpips-alex", 0.2),
            ("dists", 0.1),
            ("clip-iqa", 0.7),
            ("maniqa", 0.4),
            ("musiq", 65.0),
            ("niqe", 4.0),
        ];
        let whole = preset.of(&scores(&all));
        assert!((whole.value.unwrap() - (0.8 + 0.9 + 0.7 + 0.4 + 0.65 + 0.6)).abs() < 1e-12);
        assert!(whole.missing.is_empty() && whole.parts.len() == 6);
        let some = preset.of(&scores(&[("lpips-alex", 0.2), ("niqe", 12.0)]));
        assert_eq!(some.parts, [("1 - LPIPS", 0.8), ("max(0, (10 - NIQE) / 10)", 0.0)]);
        assert_eq!((some.value, some.sum, some.missing.len()), (None, 0.8, 4));
        assert_eq!(preset.metrics(), ["lpips-alex", "dists", "niqe"]);
        assert!(Preset::find("ntire2024").is_none());
    }
}
