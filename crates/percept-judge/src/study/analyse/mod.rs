//! From answers to a scale of methods, and how sure it is.

mod evidence;
mod page;
mod reliability;
mod resample;
mod scale;

use serde::Serialize;

pub use reliability::Participant;

use self::evidence::Evidence;
use self::resample::Resampled;
use self::scale::Model;
use super::trial::Ballot;
use super::{Design, Study, StudyError};
use crate::stats::{Estimate, LEVEL, holm};

/// Resamples of the bootstrap, and more where many pairs of methods are compared: the smallest share that they can
/// show must stay small after Holm's correction.
const RESAMPLES: usize = 2000;
const RESAMPLES_A_PAIR: usize = 400;

/// What a study found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// The study's title.
    pub title: String,
    /// What one trial asked.
    pub design: Design,
    /// The answers of all participants.
    #[serde(flatten)]
    pub all: Ranking,
    /// Everyone who answered.
    pub participants: Vec<Participant>,
    /// The same without the participants whose answers are to be doubted; `None` where there are none, or no others.
    pub without_flagged: Option<Ranking>,
}

/// Methods on a scale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// How many participants answered.
    pub voters: usize,
    /// How many answers count: neither repeats nor checks.
    pub votes: usize,
    /// How many photos they are about.
    pub photos: usize,
    /// How often participants and photos were drawn again.
    pub resamples: usize,
    /// The methods in the order of the study.
    pub methods: Vec<Method>,
    /// Every pair of them.
    pub significance: Vec<Difference>,
}

/// A method on the scales.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// Strength in log odds, sum 0 over the methods; of `pairs` and `best-of`.
    pub bradley_terry: Option<Estimate>,
    /// Strength in standard deviations of a difference of impressions, sum 0; of `pairs` and `best-of`.
    pub thurstone: Option<Estimate>,
    /// Mean mark, 1 to 5; of `mos`.
    pub opinion: Option<Estimate>,
    /// How often it was preferred; a tie is half.
    pub wins: f64,
    /// Comparisons with another method, or marks.
    pub trials: f64,
}

/// How two methods differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// One of them.
    pub a: String,
    /// The other one.
    pub b: String,
    /// By how much `a` lies above `b`: in log odds, or in marks.
    pub difference: Estimate,
    /// How often chance alone would show as much, from the resamples, two-sided; `None` of a single participant or photo,
    /// who says nothing about others.
    pub p: Option<f64>,
    /// The same after Holm's correction over all pairs.
    pub p_holm: Option<f64>,
    /// Whether that is below 0.05.
    pub significant: bool,
}

impl Study {
    /// What the answers so far say; a function of them alone.
    ///
    /// # Errors
    /// [`StudyError::NoVotes`] when nobody has answered a trial that counts, and when the database cannot be read.
    pub fn analyse(&self) -> Result<Analysis, StudyError> {
        let ballots = self.ballots()?;
        let settings = self.settings();
        let participants: Vec<Participant> = ballots
            .chunk_by(|a, b| a.participant == b.participant)
            .filter_map(|own| {
                let number = own.first()?.participant;
                Some(Participant::new(number, own, settings.design, settings.ties))
            })
            .collect();
        let all = Ranking::new(ballots.iter(), settings.design, self.methods());
        let all = all.ok_or_else(|| StudyError::NoVotes { folder: self.folder().to_path_buf() })?;
        let trusted = |ballot: &&Ballot| {
            !participants.iter().any(|one| one.number == ballot.participant && one.flagged())
        };
        let doubts = participants.iter().any(Participant::flagged);
        let without = || Ranking::new(ballots.iter().filter(trusted), settings.design, self.methods());
        let without_flagged = doubts.then(without).flatten();
        Ok(Analysis {
            title: settings.title.clone(),
            design: settings.design,
            all,
            participants,
            without_flagged,
        })
    }
}

impl Analysis {
    /// What to keep in mind while reading the numbers.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for one in self.participants.iter().filter(|one| one.flagged()) {
            notes.push(format!("Participant {} is flagged: {}.", one.number, one.doubts.join(", and ")));
        }
        let flagged = self.participants.iter().any(Participant::flagged);
        if flagged && self.without_flagged.is_none() {
            notes.push("Nobody else has answered, so there is no analysis without them.".to_string());
        }
        for (count, one, others) in
            [(self.all.voters, "participant", "people"), (self.all.photos, "photo", "photos")]
        {
            if count == 1 {
                notes.push(format!(
                    "There is one {one}, which says nothing about other {others}: there are no intervals, and nothing is significant."
                ));
            }
        }
        notes
    }
}

impl Ranking {
    /// Where nobody has answered there is none.
    fn new<'a>(ballots: impl Iterator<Item = &'a Ballot>, design: Design, names: &[String]) -> Option<Self> {
        let pairs = names.len() * names.len().saturating_sub(1) / 2;
        let evidence = Evidence::new(ballots, design, names.len());
        (evidence.votes > 0)
            .then(|| Self::of(&evidence, design, names, RESAMPLES.max(RESAMPLES_A_PAIR * pairs)))
    }

    fn of(evidence: &Evidence, design: Design, names: &[String], resamples: usize) -> Self {
        let by = |model| Resampled::new(evidence, resamples, 0, |w| evidence.strengths(w, model));
        let marks = design == Design::Mos;
        let (bradley_terry, thurstone, opinion) = match marks {
            true => (None, None, Some(Resampled::new(evidence, resamples, 0, |w| evidence.opinions(w)))),
            false => (Some(by(Model::BradleyTerry)), Some(by(Model::Thurstone)), None),
        };
        let estimate = |scale: &Option<Resampled>, method| scale.as_ref()?.estimate(method);
        let counts = evidence.counts();
        let methods = names.iter().zip(counts).enumerate().map(|(at, (name, (wins, trials)))| Method {
            name: name.clone(),
            bradley_terry: estimate(&bradley_terry, at),
            thurstone: estimate(&thurstone, at),
            opinion: estimate(&opinion, at),
            wins,
            trials,
        });
        let significance = bradley_terry
            .as_ref()
            .or(opinion.as_ref())
            .map_or_else(Vec::new, |scale| differences(scale, names));
        Self {
            voters: evidence.participants,
            votes: evidence.votes,
            photos: evidence.photos,
            resamples,
            methods: methods.collect(),
            significance,
        }
    }

    /// The difference of two methods, seen from `a`.
    pub fn difference(&self, a: &str, b: &str) -> Option<Difference> {
        let found = self.significance.iter().find(|d| (d.a == a && d.b == b) || (d.a == b && d.b == a))?;
        if found.a == a {
            return Some(found.clone());
        }
        let difference = found.difference.negated();
        Some(Difference { a: a.to_string(), b: b.to_string(), difference, ..found.clone() })
    }
}

fn differences(scale: &Resampled, names: &[String]) -> Vec<Difference> {
    let pairs = (0..names.len()).flat_map(|a| (a + 1..names.len()).map(move |b| (a, b)));
    let found: Vec<_> = pairs.filter_map(|(a, b)| Some((a, b, scale.difference(a, b)?))).collect();
    let shares: Vec<f64> = found.iter().filter_map(|(_, _, (_, p))| *p).collect();
    let mut corrected = holm(&shares).into_iter();
    let name = |at: usize| names.get(at).cloned().unwrap_or_default();
    found
        .into_iter()
        .map(|(a, b, (difference, p))| {
            let p_holm = p.and_then(|_| corrected.next());
            let significant = p_holm.is_some_and(|p| p < LEVEL);
            Difference { a: name(a), b: name(b), difference, p, p_holm, significant }
        })
        .collect()
}

#[cfg(test)]
mod tests;
