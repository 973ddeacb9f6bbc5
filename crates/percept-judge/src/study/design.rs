//! What is asked of a participant, and what may be answered.

use serde::{Deserialize, Serialize};

/// What one trial asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// The better one of two methods' results of a photo.
    Pairs,
    /// The best of all methods' results of a photo.
    BestOf,
    /// A mark from 1 (bad) to 5 (excellent) for a single result: absolute category rating (ITU-T P.910).
    Mos,
}

impl Design {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pairs, Self::BestOf, Self::Mos];

    /// The name in settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pairs => "pairs",
            Self::BestOf => "best-of",
            Self::Mos => "mos",
        }
    }

    /// The design of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|design| design.name() == name)
    }

    /// How many methods it takes at least.
    pub fn fewest(self) -> usize {
        if self == Self::Mos { 1 } else { 2 }
    }

    /// The methods that are shown together, by number.
    pub(super) fn groups(self, methods: usize) -> Vec<Vec<usize>> {
        match self {
            Self::Pairs => (0..methods).flat_map(|a| (a + 1..methods).map(move |b| vec![a, b])).collect(),
            Self::BestOf => vec![(0..methods).collect()],
            Self::Mos => (0..methods).map(|method| vec![method]).collect(),
        }
    }

    /// What is asked where the settings say nothing else.
    pub(super) fn question(self) -> &'static str {
        match self {
            Self::Pairs => "Which of the two pictures looks better?",
            Self::BestOf => "Which picture looks best?",
            Self::Mos => "How good is this picture?",
        }
    }

    /// Whether `choice` answers a trial of `shown` pictures: 1 for the first picture and so on, 0 for a tie, or a
    /// mark from 1 to 5.
    pub(super) fn accepts(self, choice: u8, shown: usize, ties: bool) -> bool {
        match self {
            Self::Pairs if choice == 0 => ties,
            Self::Pairs | Self::BestOf => (1..=shown).contains(&usize::from(choice)),
            Self::Mos => (1..=5).contains(&choice),
        }
    }

    /// How often someone who does not look gives the same answer again.
    pub(super) fn chance(self, shown: usize, ties: bool) -> f64 {
        match self {
            Self::Pairs if ties => 1.0 / 3.0,
            Self::Pairs | Self::BestOf => 1.0 / shown.max(1) as f64,
            // Of 25 pairs of marks, 13 are at most one apart.
            Self::Mos => 13.0 / 25.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_and_are_those_of_the_settings() {
        for design in Design::ALL {
            assert_eq!(Design::from_name(design.name()), Some(design));
            assert_eq!(serde_json::to_value(design).unwrap(), design.name());
        }
        assert_eq!(Design::from_name("2afc"), None);
    }

    #[test]
    fn only_answers_to_the_question_are_accepted() {
        let accepted = |design: Design, shown, ties| {
            (0..=u8::MAX).filter(|choice| design.accepts(*choice, shown, ties)).collect::<Vec<_>>()
        };
        assert_eq!(accepted(Design::Pairs, 2, false), [1, 2]);
        assert_eq!(accepted(Design::Pairs, 2, true), [0, 1, 2]);
        assert_eq!(accepted(Design::BestOf, 4, true), [1, 2, 3, 4]);
        assert_eq!(accepted(Design::Mos, 1, true), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn marks_agree_by_chance_as_often_as_counted() {
        let marks = (1..=5i32).flat_map(|a| (1..=5i32).map(move |b| (a - b).abs() <= 1));
        assert_eq!(Design::Mos.chance(1, false), marks.filter(|agrees| *agrees).count() as f64 / 25.0);
    }
}
