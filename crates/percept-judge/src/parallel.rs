//! Several pieces of work at a time, heard of in their order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Does `work` for `0..count` on so many `workers`, until someone asks to `stop`: what is begun is finished then. `each`
/// hears of every result, in order, on the thread of the call. How many there were comes back.
///
/// No more than `workers` pieces are under way at any moment. They are threads of their own, so that a piece that computes
/// with all cores (by rayon) never takes up another one while it waits.
pub fn in_order<T: Send>(
    count: usize,
    workers: usize,
    stop: &AtomicBool,
    work: impl Fn(usize) -> T + Sync,
    mut each: impl FnMut(usize, T),
) -> usize {
    let next = AtomicUsize::new(0);
    let mut heard = 0;
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for _ in 0..workers.clamp(1, count.max(1)) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count || sender.send((at, work(at))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        // What is done before its turn.
        let mut early = BTreeMap::new();
        for (at, result) in results {
            early.insert(at, result);
            while let Some(result) = early.remove(&heard) {
                each(heard, result);
                heard += 1;
            }
        }
    });
    heard
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_order_and_few_are_under_way() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |at: usize| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // The first ones take longest.
            thread::sleep(Duration::from_millis(if at.is_multiple_of(4) { 20 } else { 1 }));
            now.fetch_sub(1, Ordering::SeqCst);
            at * at
        };
        let mut got = Vec::new();
        let heard = in_order(20, 3, &AtomicBool::new(false), work, |at, square| got.push((at, square)));
        assert_eq!(heard, 20);
        assert_eq!(got, (0..20).map(|at| (at, at * at)).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), 3);
        assert_eq!(in_order(0, 3, &AtomicBool::new(false), |at| at, |_, _| unreachable!()), 0);
    }

    #[test]
    fn what_is_begun_is_finished_and_nothing_else_begun() {
        let stop = AtomicBool::new(false);
        let begun = AtomicUsize::new(0);
        let work = |at: usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(5));
            at
        };
        let mut before = 0;
        let heard = in_order(1000, 2, &stop, work, |at, _| {
            if at == 4 {
                stop.store(true, Ordering::SeqCst);
                before = begun.load(Ordering::SeqCst);
            }
        });
        assert_eq!(heard, begun.load(Ordering::SeqCst));
        // Each worker may just have looked whether it should stop.
        assert!((before..=before + 2).contains(&heard), "{before} {heard}");
        assert!(heard < 1000);
    }
}
