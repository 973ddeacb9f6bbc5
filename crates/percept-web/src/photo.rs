//! One photo on its way.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use percept_serve::Id;
use serde_json::{Value, json};

use crate::views::Views;

/// What someone wants of a photo.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wish {
    pub model: String,
    /// How much noise is taken away, of models that have a mild form.
    pub strength: f64,
    /// How many times as large, where not as the network makes it.
    pub times: Option<f64>,
    /// The ending of the result's name, where not the photo's.
    pub format: Option<String>,
    /// Without what the file says of the photo.
    pub strip: bool,
}

/// A photo, what is wanted of it, and how far that is.
pub(crate) struct Photo {
    pub id: Id,
    pub name: PathBuf,
    pub wish: Wish,
    /// Pixels, by what the file states.
    pub pixels: u64,
    stop: AtomicBool,
    state: Mutex<State>,
}

/// How far a photo is.
pub(crate) enum State {
    Waiting {
        bytes: Vec<u8>,
    },
    Working {
        since: Instant,
        /// How long it may take; `None` until something is known of it.
        expected: Option<Duration>,
        /// Rows of the result that are done, of how many.
        rows: (usize, usize),
    },
    Done(Box<Done>),
    Failed(String),
    Cancelled,
}

/// A result.
pub(crate) struct Done {
    pub name: PathBuf,
    pub bytes: Bytes,
    pub from: (usize, usize),
    pub to: (usize, usize),
    pub took: Duration,
    /// What a person should know of it.
    pub notes: Vec<String>,
    pub views: Views,
}

impl Photo {
    pub fn new(name: PathBuf, wish: Wish, bytes: Vec<u8>) -> Result<Self, getrandom::Error> {
        let size = percept_image::upright_size(Cursor::new(&bytes));
        let pixels = size.map_or(0, |(width, height)| (width as u64).saturating_mul(height as u64));
        Ok(Self {
            id: Id::random()?,
            name,
            wish,
            pixels,
            stop: AtomicBool::new(false),
            state: Mutex::new(State::Waiting { bytes }),
        })
    }

    /// Looks at how far it is, and perhaps changes it.
    pub fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the file to work on it; `None` where nobody waits for it any more.
    pub fn begin(&self) -> Option<Vec<u8>> {
        self.with(|state| {
            let State::Waiting { bytes } = state else { return None };
            let bytes = std::mem::take(bytes);
            *state = State::Working { since: Instant::now(), expected: None, rows: (0, 1) };
            Some(bytes)
        })
    }

    /// Ends it with what came of it, unless it was cancelled.
    pub fn end(&self, with: State) {
        self.with(|state| {
            if matches!(state, State::Working { .. }) {
                *state = with;
            }
        });
    }

    /// Nobody waits for it any more. What is done stays.
    pub fn cancel(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.with(|state| {
            if matches!(state, State::Waiting { .. } | State::Working { .. }) {
                *state = State::Cancelled;
            }
        });
    }

    pub fn is_cancelled(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Bytes that it holds in memory.
    pub fn held(&self) -> u64 {
        self.with(|state| match state {
            State::Waiting { bytes } => bytes.len() as u64,
            State::Done(done) => done.bytes.len() as u64 + done.views.bytes(),
            _ => 0,
        })
    }

    /// For the page. `place` is how many are before it, `wait` about how many seconds they and it take.
    pub fn told(&self, place: Option<usize>, wait: Option<f64>) -> Value {
        let mut told =
            json!({"id": self.id.to_string(), "name": shown(&self.name), "model": self.wish.model});
        let more = self.with(|state| match state {
            State::Waiting { .. } => json!({"state": "waiting", "place": place, "left": wait}),
            State::Working { since, expected, rows } => {
                let (share, left) = progress(since.elapsed(), *expected, *rows);
                json!({"state": "working", "share": share, "left": left})
            }
            State::Done(done) => json!({
                "state": "done", "result": shown(&done.name), "bytes": done.bytes.len(),
                "from": [done.from.0, done.from.1], "to": [done.to.0, done.to.1],
                "seconds": done.took.as_secs_f64(), "notes": done.notes, "views": done.views.told(),
            }),
            State::Failed(why) => json!({"state": "failed", "why": why}),
            State::Cancelled => json!({"state": "cancelled"}),
        });
        if let (Some(told), Value::Object(more)) = (told.as_object_mut(), more) {
            told.extend(more);
        }
        told
    }
}

/// The share that is done, and about how many seconds are left. Rows come in bands, and a small photo is one band: between
/// them time is what tells.
fn progress(elapsed: Duration, expected: Option<Duration>, (rows, of): (usize, usize)) -> (f64, Option<f64>) {
    let (elapsed, done) = (elapsed.as_secs_f64(), rows as f64 / of.max(1) as f64);
    // Once rows are there they tell more than what was expected.
    let expected = match expected.map(|expected| expected.as_secs_f64()) {
        Some(expected) if done < 0.05 => Some(expected),
        expected if done > 0.0 => {
            Some((elapsed / done).min(expected.map_or(f64::MAX, |e| e.max(elapsed) * 4.0)))
        }
        expected => expected,
    };
    let share = expected.map_or(0.0, |expected| (elapsed / expected.max(1e-3)).min(0.97)).max(done.min(1.0));
    (share, expected.map(|expected| (expected - elapsed).max(0.0)))
}

/// A file's name as text.
pub(crate) fn shown(name: &Path) -> String {
    name.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_tells_until_rows_do() {
        let s = Duration::from_secs_f64;
        assert_eq!(progress(s(1.0), None, (0, 100)), (0.0, None));
        assert_eq!(progress(s(2.0), Some(s(8.0)), (0, 100)), (0.25, Some(6.0)));
        // Longer than it was thought to take: never done before it is.
        assert_eq!(progress(s(20.0), Some(s(8.0)), (0, 100)), (0.97, Some(0.0)));
        assert_eq!(progress(s(2.0), Some(s(8.0)), (50, 100)), (0.5, Some(2.0)));
    }

    #[test]
    fn what_is_cancelled_stays_so() {
        let wish = Wish { model: "a".into(), strength: 1.0, times: None, format: None, strip: false };
        let photo = Photo::new("a.png".into(), wish, vec![0; 9]).unwrap();
        assert_eq!(photo.held(), 9);
        assert_eq!(photo.begin().map(|bytes| bytes.len()), Some(9));
        photo.cancel();
        photo.end(State::Failed("late".into()));
        assert!(photo.is_cancelled() && photo.with(|state| matches!(state, State::Cancelled)));
        assert!(photo.begin().is_none());
    }
}
