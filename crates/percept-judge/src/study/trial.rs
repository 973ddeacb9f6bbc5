//! One question to one participant.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::Design;

/// What a picture of a photo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The result of a method, by number.
    Method(usize),
    /// The photo as it should be.
    Reference,
    /// What the methods were given.
    Input,
    /// The reference, badly spoiled: whoever looks sees it.
    Degraded,
}

impl Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method(number) => write!(f, "{number}"),
            Self::Reference => f.write_str("reference"),
            Self::Input => f.write_str("input"),
            Self::Degraded => f.write_str("degraded"),
        }
    }
}

impl FromStr for Role {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "reference" => Ok(Self::Reference),
            "input" => Ok(Self::Input),
            "degraded" => Ok(Self::Degraded),
            number => number.parse().map(Self::Method),
        }
    }
}

/// Why a trial is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For its answer.
    Main,
    /// To see whether the answer to the trial of this number is given again.
    Repeat(usize),
    /// To see whether the participant looks.
    Check,
}

/// One question to one participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Its place in the participant's order, from 1.
    pub number: usize,
    /// Why it is asked.
    pub kind: Kind,
    /// The photo, by number.
    pub photo: usize,
    /// What is shown, from left to right.
    pub shown: Vec<Role>,
}

/// A trial and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// Who answered, from 1.
    pub participant: usize,
    /// What was asked.
    pub trial: Trial,
    /// 1 for the first picture shown and so on, 0 for a tie; or a mark from 1 to 5.
    pub choice: u8,
    /// Milliseconds between picture and answer.
    pub ms: u64,
}

impl Ballot {
    /// What was chosen; `None` for a tie.
    pub fn chosen(&self) -> Option<Role> {
        self.trial.shown.get(usize::from(self.choice).checked_sub(1)?).copied()
    }

    /// Whether a check was passed: the reference was chosen, or marked at least 3 and its spoiled version at most 2.
    pub(super) fn passes(&self, design: Design) -> bool {
        match (design, self.trial.shown.first()) {
            (Design::Mos, Some(Role::Reference)) => self.choice >= 3,
            (Design::Mos, _) => self.choice <= 2,
            _ => self.chosen() == Some(Role::Reference),
        }
    }

    /// Whether a repeat has the answer of its `original`: the same choice, or marks at most one apart.
    pub(super) fn agrees(&self, original: &Self, design: Design) -> bool {
        match design {
            Design::Mos => self.choice.abs_diff(original.choice) <= 1,
            _ => self.chosen() == original.chosen(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ballot(shown: &[Role], choice: u8) -> Ballot {
        let trial = Trial { number: 1, kind: Kind::Main, photo: 0, shown: shown.to_vec() };
        Ballot { participant: 1, trial, choice, ms: 900 }
    }

    #[test]
    fn roles_are_read_as_they_are_written() {
        for role in [Role::Method(0), Role::Method(17), Role::Reference, Role::Input, Role::Degraded] {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!("../reference".parse::<Role>().is_err());
    }

    #[test]
    fn a_repeat_agrees_whichever_side_the_choice_was_on() {
        use Role::Method as M;
        let first = ballot(&[M(0), M(1)], 1);
        assert!(ballot(&[M(1), M(0)], 2).agrees(&first, Design::Pairs));
        assert!(!ballot(&[M(1), M(0)], 1).agrees(&first, Design::Pairs));
        let tie = ballot(&[M(0), M(1)], 0);
        assert!(ballot(&[M(1), M(0)], 0).agrees(&tie, Design::Pairs) && !tie.agrees(&first, Design::Pairs));
        assert!(ballot(&[M(0)], 3).agrees(&ballot(&[M(0)], 4), Design::Mos));
        assert!(!ballot(&[M(0)], 2).agrees(&ballot(&[M(0)], 4), Design::Mos));
    }

    #[test]
    fn checks_are_passed_by_looking() {
        use Role::{Degraded, Reference};
        let pair = |choice| ballot(&[Degraded, Reference], choice).passes(Design::Pairs);
        assert!(pair(2) && !pair(1) && !pair(0));
        let mark = |role, choice| ballot(&[role], choice).passes(Design::Mos);
        assert!(mark(Reference, 3) && !mark(Reference, 2) && mark(Degraded, 2) && !mark(Degraded, 3));
    }
}
