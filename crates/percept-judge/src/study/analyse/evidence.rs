//! What the answers of some participants say about the methods.

use std::collections::BTreeMap;

use super::scale::{Model, Wins};
use crate::study::Design;
use crate::study::trial::{Ballot, Kind, Role};

/// One method preferred to another, or one mark.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Finding {
    /// `weight` of a preference.
    Preferred { winner: usize, loser: usize, weight: f64 },
    /// A mark from 1 to 5.
    Marked { method: usize, mark: f64 },
}

/// Findings with who made them, on which photo: numbers from 0 without gaps.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    findings: Vec<(usize, usize, Finding)>,
    /// Participants among them.
    pub participants: usize,
    /// Photos among them.
    pub photos: usize,
    /// Answers they come from.
    pub votes: usize,
    methods: usize,
}

/// How often participants and photos were drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weights {
    pub participants: Vec<u32>,
    pub photos: Vec<u32>,
}

impl Evidence {
    /// That of the answers that count: neither repeats nor checks.
    ///
    /// The best of several was preferred to each of the others; a tie is half a preference each way.
    pub fn new<'a>(ballots: impl Iterator<Item = &'a Ballot>, design: Design, methods: usize) -> Self {
        let (mut participants, mut photos) = (BTreeMap::new(), BTreeMap::new());
        let mut evidence = Self { findings: Vec::new(), participants: 0, photos: 0, votes: 0, methods };
        for ballot in ballots.filter(|ballot| ballot.trial.kind == Kind::Main) {
            let next = participants.len();
            let participant = *participants.entry(ballot.participant).or_insert(next);
            let next = photos.len();
            let photo = *photos.entry(ballot.trial.photo).or_insert(next);
            evidence.votes += 1;
            evidence.findings.extend(findings(ballot, design).into_iter().map(|f| (participant, photo, f)));
        }
        Self { participants: participants.len(), photos: photos.len(), ..evidence }
    }

    /// Every participant and photo once.
    pub fn once(&self) -> Weights {
        Weights { participants: vec![1; self.participants], photos: vec![1; self.photos] }
    }

    fn weighted<'a>(&'a self, weights: &'a Weights) -> impl Iterator<Item = (f64, Finding)> + 'a {
        let drawn = |counts: &[u32], at: usize| f64::from(counts.get(at).copied().unwrap_or(0));
        self.findings.iter().map(move |(participant, photo, finding)| {
            (drawn(&weights.participants, *participant) * drawn(&weights.photos, *photo), *finding)
        })
    }

    /// Strengths of all methods by a model of preferences.
    pub fn strengths(&self, weights: &Weights, model: Model) -> Vec<f64> {
        let mut wins = Wins::new(self.methods);
        for (weight, finding) in self.weighted(weights) {
            if let Finding::Preferred { winner, loser, weight: share } = finding {
                wins.add(winner, loser, weight * share);
            }
        }
        model.fit(&wins, model.penalty())
    }

    /// The mean mark of all methods; NaN without marks.
    pub fn opinions(&self, weights: &Weights) -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0); self.methods];
        for (weight, finding) in self.weighted(weights) {
            if let Finding::Marked { method, mark } = finding
                && let Some((sum, count)) = sums.get_mut(method)
            {
                *sum += weight * mark;
                *count += weight;
            }
        }
        sums.into_iter().map(|(sum, count)| sum / count).collect()
    }

    /// Of each method: how often it was preferred, of how many comparisons; marks count as comparisons.
    pub fn counts(&self) -> Vec<(f64, f64)> {
        let mut counts = vec![(0.0, 0.0); self.methods];
        let mut count = |method: usize, won: f64, of: f64| {
            if let Some(count) = counts.get_mut(method) {
                *count = (count.0 + won, count.1 + of);
            }
        };
        for (_, _, finding) in &self.findings {
            match *finding {
                Finding::Preferred { winner, loser, weight } => {
                    count(winner, weight, weight);
                    count(loser, 0.0, weight);
                }
                Finding::Marked { method, .. } => count(method, 0.0, 1.0),
            }
        }
        counts
    }
}

fn findings(ballot: &Ballot, design: Design) -> Vec<Finding> {
    let method = |role: &Role| if let Role::Method(number) = role { Some(*number) } else { None };
    let shown: Vec<usize> = ballot.trial.shown.iter().filter_map(method).collect();
    let preferred = |winner, loser, weight| Finding::Preferred { winner, loser, weight };
    match (design, shown.as_slice()) {
        (Design::Mos, [method]) => vec![Finding::Marked { method: *method, mark: f64::from(ballot.choice) }],
        (Design::Pairs, [a, b]) if ballot.choice == 0 => vec![preferred(*a, *b, 0.5), preferred(*b, *a, 0.5)],
        (Design::Pairs | Design::BestOf, shown) => {
            let chosen = ballot.chosen().as_ref().and_then(method);
            let Some(winner) = chosen else { return Vec::new() };
            let losers = shown.iter().filter(|method| **method != winner);
            losers.map(|loser| preferred(winner, *loser, 1.0)).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::trial::Trial;

    fn ballot(participant: usize, photo: usize, kind: Kind, shown: &[usize], choice: u8) -> Ballot {
        let shown = shown.iter().copied().map(Role::Method).collect();
        Ballot { participant, trial: Trial { number: 1, kind, photo, shown }, choice, ms: 1 }
    }

    #[test]
    fn repeats_and_checks_are_no_evidence() {
        let ballots = [
            ballot(3, 5, Kind::Main, &[1, 0], 2),
            ballot(3, 5, Kind::Repeat(1), &[0, 1], 1),
            ballot(9, 5, Kind::Main, &[0, 1], 0),
        ];
        let evidence = Evidence::new(ballots.iter(), Design::Pairs, 2);
        assert_eq!((evidence.participants, evidence.photos, evidence.votes), (2, 1, 2));
        assert_eq!(evidence.counts(), [(1.5, 2.0), (0.5, 2.0)]);
    }

    #[test]
    fn the_best_was_preferred_to_each_of_the_others() {
        let ballots = [ballot(1, 0, Kind::Main, &[2, 0, 1], 1)];
        let evidence = Evidence::new(ballots.iter(), Design::BestOf, 3);
        assert_eq!(evidence.counts(), [(0.0, 1.0), (0.0, 1.0), (2.0, 2.0)]);
        let s = evidence.strengths(&evidence.once(), Model::BradleyTerry);
        assert!(s[2] > 0.0 && (s[0] - s[1]).abs() < 1e-9, "{s:?}");
    }

    #[test]
    fn weights_multiply() {
        let marks = [(1, 0, 5), (1, 1, 1), (2, 0, 3)];
        let ballots =
            marks.map(|(participant, photo, mark)| ballot(participant, photo, Kind::Main, &[0], mark));
        let evidence = Evidence::new(ballots.iter(), Design::Mos, 1);
        assert_eq!(evidence.opinions(&evidence.once()), [3.0]);
        let weights = Weights { participants: vec![2, 1], photos: vec![1, 0] };
        assert_eq!(evidence.opinions(&weights), [(2.0 * 5.0 + 3.0) / 3.0]);
    }
}
