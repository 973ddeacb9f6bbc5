//! Everyone's photos, in memory and nowhere else.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use percept_serve::Id;
use serde_json::{Value, json};

use crate::photo::Photo;
use crate::refusal::Refusal;

/// A visit that is not heard of for so long is over. Browsers let pages in the background speak once a minute.
const FORGET: Duration = Duration::from_secs(200);
/// Visits at a time.
const VISITS: usize = 64;
/// Photos of a visit.
const PHOTOS: usize = 500;

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a photo's file.
    pub photo: u64,
    /// Bytes of all files and results that are held at once.
    pub held: u64,
}

/// Visits and their photos, and whose turn it is.
pub(crate) struct Desk {
    pub limits: Limits,
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    visits: HashMap<Id, Visit>,
    queue: VecDeque<Arc<Photo>>,
    /// Bytes of uploads that are under way.
    coming: u64,
    /// Seconds that a model takes for a pixel, as far as it has been seen at work.
    rates: HashMap<String, f64>,
}

struct Visit {
    heard: Instant,
    photos: Vec<Arc<Photo>>,
}

/// Bytes that are kept free for an upload, until it is dropped.
pub(crate) struct Room<'a> {
    desk: &'a Desk,
    bytes: u64,
}

impl Desk {
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::default(), news: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new visit. Where there are too many, the one that was quiet for longest is over.
    pub fn enter(&self) -> Result<Id, Refusal> {
        let id = Id::random().map_err(|error| Refusal::Broken(error.to_string()))?;
        let mut state = self.state();
        if state.visits.len() >= VISITS {
            let oldest = state.visits.iter().min_by_key(|(_, visit)| visit.heard).map(|(id, _)| *id);
            oldest.into_iter().for_each(|id| state.end(id));
        }
        state.visits.insert(id, Visit { heard: Instant::now(), photos: Vec::new() });
        Ok(id)
    }

    /// A visit is over, and its photos are gone.
    pub fn leave(&self, visit: Id) {
        self.state().end(visit);
    }

    /// Ends visits that nobody has heard of for a while.
    pub fn sweep(&self, now: Instant) {
        let mut state = self.state();
        let quiet = |visit: &Visit| now.saturating_duration_since(visit.heard) > FORGET;
        let over: Vec<_> = state.visits.iter().filter(|(_, visit)| quiet(visit)).map(|(id, _)| *id).collect();
        over.into_iter().for_each(|id| state.end(id));
    }

    /// All visits are over.
    pub fn close(&self) {
        let mut state = self.state();
        let all: Vec<_> = state.visits.keys().copied().collect();
        all.into_iter().for_each(|id| state.end(id));
    }

    /// Room for a photo of so many bytes, before any of them is read.
    pub fn room(&self, visit: Id, bytes: u64) -> Result<Room<'_>, Refusal> {
        let Limits { photo, held } = self.limits;
        if bytes > photo {
            return Err(Refusal::TooLarge { has: size(bytes), most: size(photo) });
        }
        let mut state = self.state();
        let full = Refusal::Full { most: size(held) };
        if state.visit(visit)?.photos.len() >= PHOTOS || state.held().saturating_add(bytes) > held {
            return Err(full);
        }
        state.coming += bytes;
        Ok(Room { desk: self, bytes })
    }

    /// A photo waits for its turn.
    pub fn add(&self, visit: Id, photo: Photo) -> Result<Id, Refusal> {
        let (id, photo) = (photo.id, Arc::new(photo));
        let mut state = self.state();
        state.visit(visit)?.photos.push(photo.clone());
        state.queue.push_back(photo);
        self.news.notify_all();
        Ok(id)
    }

    /// A photo of a visit.
    pub fn photo(&self, visit: Id, id: Id) -> Result<Arc<Photo>, Refusal> {
        let mut state = self.state();
        state.visit(visit)?.photos.iter().find(|photo| photo.id == id).cloned().ok_or(Refusal::NotFound)
    }

    /// A photo is no longer wanted, nor what became of it.
    pub fn remove(&self, visit: Id, id: Id) -> Result<(), Refusal> {
        let mut state = self.state();
        let photos = &mut state.visit(visit)?.photos;
        let at = photos.iter().position(|photo| photo.id == id).ok_or(Refusal::NotFound)?;
        photos.remove(at).cancel();
        state.queue.retain(|photo| photo.id != id);
        Ok(())
    }

    /// Whose turn it is; waits for a moment where it is nobody's.
    pub fn next(&self) -> Option<Arc<Photo>> {
        let state = self.state();
        let waited =
            self.news.wait_timeout_while(state, Duration::from_millis(200), |state| state.queue.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.queue.pop_front()
    }

    /// Seconds that a photo may take.
    pub fn expected(&self, photo: &Photo) -> Option<f64> {
        self.state().rates.get(&photo.wish.model).map(|rate| rate * photo.pixels as f64)
    }

    /// A model took so many seconds for a pixel.
    pub fn learn(&self, model: &str, rate: f64) {
        self.state().rates.insert(model.to_string(), rate);
    }

    /// How far the photos of a visit are.
    pub fn told(&self, visit: Id) -> Result<Value, Refusal> {
        let mut state = self.state();
        let held = state.held();
        // Whoever is at work is before all others.
        let working = state.visits.values().flat_map(|visit| &visit.photos);
        let working = working.filter_map(|photo| photo.told(None, None)["left"].as_f64()).fold(0.0, f64::max);
        let mut wait = Some(working);
        let mut places = HashMap::new();
        for (place, photo) in state.queue.iter().enumerate() {
            let own = state.rates.get(&photo.wish.model).map(|rate| rate * photo.pixels as f64);
            wait = wait.zip(own).map(|(before, own)| before + own);
            places.insert(photo.id, (place, wait));
        }
        let photos = &state.visit(visit)?.photos;
        let told: Vec<_> = photos
            .iter()
            .map(|photo| {
                let place = places.get(&photo.id);
                photo.told(place.map(|(place, _)| *place), place.and_then(|(_, wait)| *wait))
            })
            .collect();
        Ok(json!({"photos": told, "held": held}))
    }

    /// Whether a visit goes on; it is heard of by that.
    pub fn hear(&self, visit: Id) -> Result<(), Refusal> {
        self.state().visit(visit).map(|_| ())
    }
}

impl State {
    /// A visit, which is heard of.
    fn visit(&mut self, id: Id) -> Result<&mut Visit, Refusal> {
        let visit = self.visits.get_mut(&id).ok_or(Refusal::NoVisit)?;
        visit.heard = Instant::now();
        Ok(visit)
    }

    fn end(&mut self, id: Id) {
        for photo in self.visits.remove(&id).into_iter().flat_map(|visit| visit.photos) {
            photo.cancel();
            self.queue.retain(|waiting| waiting.id != photo.id);
        }
    }

    fn held(&self) -> u64 {
        let photos = self.visits.values().flat_map(|visit| &visit.photos);
        self.coming + photos.map(|photo| photo.held()).sum::<u64>()
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let mut state = self.desk.state();
        state.coming = state.coming.saturating_sub(self.bytes);
    }
}

/// `12 MB`, `3.4 GB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        1_000_000_000.. => format!("{:.1} GB", bytes as f64 / 1e9),
        1_000_000.. => format!("{} MB", bytes / 1_000_000),
        1000.. => format!("{} kB", bytes / 1000),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::Wish;

    fn photo(bytes: usize) -> Photo {
        let wish = Wish { model: "a".into(), strength: 1.0, times: None, format: None, strip: false };
        Photo::new("a.png".into(), wish, vec![0; bytes]).unwrap()
    }

    #[test]
    fn room_is_kept_and_given_back() {
        let desk = Desk::new(Limits { photo: 60, held: 100 });
        let visit = desk.enter().unwrap();
        assert!(matches!(desk.room(visit, 61), Err(Refusal::TooLarge { .. })));
        let room = desk.room(visit, 60).unwrap();
        assert!(matches!(desk.room(visit, 50), Err(Refusal::Full { .. })));
        drop(room);
        desk.add(visit, photo(50)).unwrap();
        assert!(desk.room(visit, 50).is_ok());
        assert!(matches!(desk.room(visit, 51), Err(Refusal::Full { .. })));
    }

    #[test]
    fn who_leaves_or_is_quiet_leaves_nothing() {
        let desk = Desk::new(Limits { photo: 60, held: 100 });
        let [one, other] = [desk.enter().unwrap(), desk.enter().unwrap()];
        let left = desk.add(one, photo(10)).unwrap();
        let kept = desk.add(other, photo(10)).unwrap();
        desk.leave(one);
        assert!(matches!(desk.photo(one, left), Err(Refusal::NoVisit)));
        assert_eq!(desk.next().map(|photo| photo.id), Some(kept), "nobody works for who has left");
        assert!(desk.next().is_none());
        desk.sweep(Instant::now() + FORGET / 2);
        assert!(desk.photo(other, kept).is_ok());
        desk.sweep(Instant::now() + 2 * FORGET);
        assert!(matches!(desk.photo(other, kept), Err(Refusal::NoVisit)));
        assert_eq!(desk.state().held(), 0);
    }

    #[test]
    fn removed_photos_are_nobodys_turn() {
        let desk = Desk::new(Limits { photo: 60, held: 100 });
        let visit = desk.enter().unwrap();
        let [first, second] = [10, 20].map(|bytes| desk.add(visit, photo(bytes)).unwrap());
        desk.remove(visit, first).unwrap();
        assert!(matches!(desk.remove(visit, first), Err(Refusal::NotFound)));
        assert_eq!(desk.next().map(|photo| photo.id), Some(second));
        assert_eq!(desk.told(visit).unwrap()["photos"].as_array().map(Vec::len), Some(1));
    }
}
