//! Whether a participant looked.

use serde::Serialize;

use crate::study::Design;
use crate::study::trial::{Ballot, Kind};

/// Fewer repeats than this say nothing.
const FEWEST: usize = 5;

/// What repeats and checks say about a participant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Participant {
    /// Their number, from 1.
    pub number: usize,
    /// Answers that count, neither repeats nor checks.
    pub votes: usize,
    /// Answers to repeats.
    pub repeats: usize,
    /// How many of them were the same again.
    pub agreed: usize,
    /// Answers to attention checks.
    pub checks: usize,
    /// How many of them were right.
    pub passed: usize,
    /// Median milliseconds of an answer.
    pub median_ms: u64,
    /// Why their answers are to be doubted; empty where they are not.
    pub doubts: Vec<String>,
}

impl Participant {
    /// What `ballots`, all of one participant, say.
    ///
    /// Doubted is who failed a check, and who repeated answers no more often than someone who does not look would, of
    /// at least five.
    pub(super) fn new(number: usize, ballots: &[Ballot], design: Design, ties: bool) -> Self {
        let (mut votes, mut repeats, mut agreed, mut checks, mut passed) = (0, 0, 0, 0, 0);
        let mut by_chance = 0.0;
        for ballot in ballots {
            match ballot.trial.kind {
                Kind::Main => votes += 1,
                Kind::Check => {
                    checks += 1;
                    passed += usize::from(ballot.passes(design));
                }
                Kind::Repeat(of) => {
                    if let Some(original) = ballots.iter().find(|original| original.trial.number == of) {
                        repeats += 1;
                        agreed += usize::from(ballot.agrees(original, design));
                        by_chance += design.chance(ballot.trial.shown.len(), ties);
                    }
                }
            }
        }
        let mut times: Vec<u64> = ballots.iter().map(|ballot| ballot.ms).collect();
        times.sort_unstable();
        let mut doubts = Vec::new();
        if passed < checks {
            doubts.push(format!("failed {} of {checks} attention checks", checks - passed));
        }
        if repeats >= FEWEST && agreed as f64 <= by_chance {
            doubts.push(format!("repeated {agreed} of {repeats} answers, no more than chance would"));
        }
        let median_ms = times.get(times.len() / 2).copied().unwrap_or(0);
        Self { number, votes, repeats, agreed, checks, passed, median_ms, doubts }
    }

    /// Whether their answers are to be doubted.
    pub fn flagged(&self) -> bool {
        !self.doubts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::trial::{Role, Trial};

    /// Six trials whose first picture is chosen; then their repeats, of which `agreed` choose it again; then a check.
    fn participant(agreed: usize, passes: bool) -> Participant {
        let ballot = |number: usize, kind, shown: [Role; 2], first: bool| {
            let trial = Trial { number, kind, photo: 0, shown: shown.to_vec() };
            Ballot { participant: 4, trial, choice: if first { 1 } else { 2 }, ms: number as u64 * 100 }
        };
        let (a, b) = (Role::Method(0), Role::Method(1));
        let mut ballots: Vec<_> = (1..=6).map(|number| ballot(number, Kind::Main, [a, b], true)).collect();
        // Swapped: choosing the second picture is the same choice.
        ballots.extend((7..=12).map(|n| ballot(n, Kind::Repeat(n - 6), [b, a], n > 6 + agreed)));
        ballots.push(ballot(13, Kind::Check, [Role::Reference, Role::Degraded], passes));
        Participant::new(4, &ballots, Design::Pairs, false)
    }

    #[test]
    fn who_does_not_look_is_doubted() {
        let good = participant(5, true);
        assert_eq!((good.votes, good.repeats, good.agreed, good.checks, good.passed), (6, 6, 5, 1, 1));
        assert_eq!(good.median_ms, 700);
        assert!(!good.flagged() && !participant(4, true).flagged());
        let careless = participant(3, true);
        assert_eq!(careless.doubts, ["repeated 3 of 6 answers, no more than chance would"]);
        assert_eq!(participant(6, false).doubts, ["failed 1 of 1 attention checks"]);
        assert_eq!(participant(2, false).doubts.len(), 2);
    }

    #[test]
    fn few_repeats_say_nothing() {
        let trial =
            |number, kind| Trial { number, kind, photo: 0, shown: vec![Role::Method(0), Role::Method(1)] };
        let ballot =
            |number, kind, choice| Ballot { participant: 1, trial: trial(number, kind), choice, ms: 1 };
        let ballots = [ballot(1, Kind::Main, 1), ballot(2, Kind::Repeat(1), 2)];
        assert!(!Participant::new(1, &ballots, Design::Pairs, false).flagged());
    }
}
