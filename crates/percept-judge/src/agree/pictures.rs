//! Every picture of a table is scored once, several at a time.

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::Table;
use crate::picture::{self, Picture};
use crate::{Kept, Panel};

/// Most pictures in the works at a time: a learned score of a large one needs hundreds of megabytes.
const MOST: usize = 8;

/// The scores of a picture in the order of the panel, or what is wrong with it.
pub(super) type Scored = Result<Vec<f64>, String>;

/// A reference, if there is one, and a picture that is judged against it.
type Judgement<'a> = (Option<&'a Path>, &'a Path);

/// The scores of all pictures of a table, sorted.
#[derive(Debug)]
pub(super) struct Pictures<'a> {
    scored: Vec<(Judgement<'a>, Scored)>,
}

impl<'a> Pictures<'a> {
    /// Scores them; `progress` hears how many of how many are done, and says whether to go on. How many were done where
    /// it did not.
    ///
    /// Pictures of one reference follow each other, so that it is read once by every thread and no more. Threads are
    /// the system's: those of the scores themselves would begin another picture while they wait for one, and so on.
    pub(super) fn score(
        table: &'a Table,
        panel: &Panel,
        kept: Option<&Kept>,
        progress: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> Result<Self, (usize, usize)> {
        let pairs = pairs(table);
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let scored = Mutex::new(Vec::with_capacity(pairs.len()));
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST).min(pairs.len());
        progress(0, pairs.len());
        let work = || {
            let mut last: Option<Picture<'_>> = None;
            while let Some(pair) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                last = pair.0.map(|path| match last.take() {
                    Some(reference) if reference.path == path => reference,
                    _ => Picture::new(path, kept),
                });
                let scores = one(panel, kept, last.as_mut(), &mut Picture::new(pair.1, kept));
                scored.lock().unwrap_or_else(PoisonError::into_inner).push((*pair, scores));
                if !progress(done.fetch_add(1, Ordering::Relaxed) + 1, pairs.len()) {
                    next.store(pairs.len(), Ordering::Relaxed);
                }
            }
        };
        thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        let mut scored = scored.into_inner().unwrap_or_else(PoisonError::into_inner);
        scored.sort_unstable_by_key(|(pair, _)| *pair);
        match scored.len() == pairs.len() {
            true => Ok(Self { scored }),
            false => Err((scored.len(), pairs.len())),
        }
    }

    /// The scores of a picture; what is wrong with it otherwise.
    pub(super) fn of<'s>(&'s self, reference: Option<&Path>, picture: &Path) -> Result<&'s [f64], &'s str> {
        let at = self.scored.binary_search_by(|((a, b), _)| (*a, *b).cmp(&(reference, picture)));
        match at.ok().and_then(|at| self.scored.get(at)) {
            Some((_, Ok(scores))) => Ok(scores),
            Some((_, Err(problem))) => Err(problem),
            None => Err("it was not scored"),
        }
    }
}

/// Every pair once, those of one reference together.
fn pairs(table: &Table) -> Vec<Judgement<'_>> {
    let rows = table.pictures().into_iter();
    let mut pairs: Vec<Judgement<'_>> = rows
        .flat_map(|(reference, pictures)| pictures.into_iter().map(move |picture| (reference, picture)))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn one(
    panel: &Panel,
    kept: Option<&Kept>,
    mut reference: Option<&mut Picture<'_>>,
    picture: &mut Picture<'_>,
) -> Scored {
    let mut new = Vec::new();
    let mut score = |metric: &dyn percept_image::Metric| {
        let score = picture::score(metric, reference.as_deref_mut(), picture, kept, &mut new);
        let score = score.map_err(|error| error.to_string())?;
        score.map_err(|error| format!("{}: {error}", picture.path.display()))
    };
    let scores = panel.metrics().map(&mut score).collect();
    if let Some(kept) = kept.filter(|_| !new.is_empty()) {
        kept.add(&new);
    }
    scores
}
