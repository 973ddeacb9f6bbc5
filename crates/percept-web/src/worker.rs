//! Who restores: one photo at a time, with all of the machine.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use percept_nn::model::Model;

use crate::desk::Desk;
use crate::photo::{Photo, State};
use crate::restore::{rate, restore};
use crate::site::Open;

/// The network that was opened last, and what it was asked for by.
struct Opened {
    name: String,
    strength: f64,
    model: Model,
}

/// Works until `stop` says so.
pub(crate) fn work(desk: &Desk, open: &Open, stop: &AtomicBool) {
    let mut last: Option<Opened> = None;
    while !stop.load(Ordering::SeqCst) {
        let Some(photo) = desk.next() else { continue };
        let Some(bytes) = photo.begin() else { continue };
        // A fault of ours ends one photo and not the page.
        let done = catch_unwind(AssertUnwindSafe(|| one(desk, open, &mut last, &photo, &bytes)));
        photo.end(done.unwrap_or_else(|_| {
            last = None;
            State::Failed(
                "percept has a fault that this photo brings out; please report it with the photo".into(),
            )
        }));
    }
}

fn one(desk: &Desk, open: &Open, last: &mut Option<Opened>, photo: &Photo, bytes: &[u8]) -> State {
    let wish = &photo.wish;
    let fits = |opened: &Opened| opened.name == wish.model && opened.strength == wish.strength;
    if !last.as_ref().is_some_and(fits) {
        // Two at a time would be two in memory.
        *last = None;
        match open(&wish.model, wish.strength) {
            Ok(model) => *last = Some(Opened { name: wish.model.clone(), strength: wish.strength, model }),
            Err(why) => return State::Failed(why),
        }
    }
    let Some(Opened { model, .. }) = last else { return State::Cancelled };
    if desk.expected(photo).is_none()
        && let Some(rate) = rate(model)
    {
        desk.learn(&wish.model, rate);
    }
    let likely = desk.expected(photo).filter(|_| photo.pixels > 0);
    let likely = likely.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    photo.with(|state| {
        if let State::Working { since, expected, .. } = state {
            (*since, *expected) = (Instant::now(), likely);
        }
    });
    let step = |done: usize, of: usize| {
        photo.with(|state| {
            if let State::Working { rows, .. } = state {
                *rows = (done, of);
            }
        });
    };
    match restore(photo, model, bytes, step) {
        Ok(done) => {
            let pixels = (done.from.0 * done.from.1).max(1) as f64;
            desk.learn(&wish.model, done.took.as_secs_f64() / pixels);
            State::Done(Box::new(done))
        }
        Err(state) => state,
    }
}
