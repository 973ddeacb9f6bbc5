//! Changing the size of an image whose rows come one after the other.

use std::collections::VecDeque;

use super::imresize::taps;
use super::taps::Taps;
use crate::Space;

/// [`imresize`](super::imresize) of rows: those that are pushed, from the top, become rows of another size, of which no more
/// than the filter's height is kept. The results are equal up to rounding.
pub struct RowResizer {
    channels: usize,
    old: (usize, usize),
    /// `None` where the width stays.
    across: Option<Taps>,
    down: Taps,
    /// The lowest row that each row of the result, or any after it, is made of.
    first: Vec<usize>,
    /// Rows in the new width that are still needed, the first one's place, and how many results there were.
    kept: VecDeque<Vec<f32>>,
    at: usize,
    done: usize,
    row: Vec<f32>,
}

impl RowResizer {
    /// From `old` width and height to `new` ones, all above 0.
    pub fn new<S: Space>(old: (usize, usize), new: (usize, usize)) -> Self {
        let scale = |new: usize, old: usize| new as f64 / old.max(1) as f64;
        let down = taps(old.1.max(1), new.1, scale(new.1, old.1));
        let mut first: Vec<usize> =
            (0..new.1).map(|row| down.of(row).map(|(from, _)| from).min().unwrap_or(0)).collect();
        (1..first.len()).rev().for_each(|row| first[row - 1] = first[row - 1].min(first[row]));
        Self {
            channels: S::CHANNELS,
            old,
            across: (old.0 != new.0).then(|| taps(old.0.max(1), new.0, scale(new.0, old.0))),
            down,
            first,
            kept: VecDeque::new(),
            at: 0,
            done: 0,
            row: Vec::new(),
        }
    }

    /// The next row; `take` gets every row of the result that can be made now. Values may overshoot the range a little.
    ///
    /// # Errors
    /// What `take` returns.
    pub fn push<E>(&mut self, row: &[f32], mut take: impl FnMut(&[f32]) -> Result<(), E>) -> Result<(), E> {
        self.kept.push_back(match &self.across {
            Some(taps) => taps.columns(row, self.old.0, self.channels),
            None => row.to_vec(),
        });
        let read = self.at + self.kept.len();
        while self.done < self.first.len() && self.down.of(self.done).all(|(from, _)| from < read) {
            self.row.clear();
            self.row.resize(self.kept.front().map_or(0, Vec::len), 0.0);
            for (from, weight) in self.down.of(self.done) {
                if let Some(source) = self.kept.get(from - self.at) {
                    self.row.iter_mut().zip(source).for_each(|(sum, value)| *sum += weight * value);
                }
            }
            take(&self.row)?;
            self.done += 1;
        }
        let needed = self.first.get(self.done).copied().unwrap_or(read);
        let unneeded = needed.saturating_sub(self.at).min(self.kept.len());
        self.kept.drain(..unneeded);
        self.at += unneeded;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::super::imresize;
    use super::*;
    use crate::{Image, Luma, Srgb};

    fn check<S: Space>(old: (usize, usize), new: (usize, usize)) {
        let image =
            Image::<S>::from_fn(old.0, old.1, |x, y, c| ((x * 7 + y * 13 + c * 5) % 17) as f32 / 17.0);
        let right = imresize(&image, new.0, new.1);
        let mut resizer = RowResizer::new::<S>(old, new);
        let (mut got, mut most) = (Vec::new(), 0);
        for row in image.data().chunks_exact(old.0 * S::CHANNELS) {
            let taken = resizer.push(row, |row| {
                got.extend_from_slice(row);
                Ok::<_, Infallible>(())
            });
            taken.unwrap();
            most = most.max(resizer.kept.len());
        }
        assert_eq!(got.len(), right.data().len(), "{old:?} {new:?}");
        let far = got.iter().zip(right.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-5, "{old:?} {new:?}: {far}");
        assert!(most <= 8 + 5 * old.1.div_ceil(new.1), "{most} rows are kept for {old:?} {new:?}");
    }

    #[test]
    fn rows_become_what_the_whole_becomes() {
        for (old, new) in [
            ((9, 40), (36, 160)),
            ((13, 61), (10, 46)),
            ((30, 90), (7, 11)),
            ((5, 2), (15, 6)),
            ((1, 1), (3, 4)),
            ((4, 1), (4, 9)),
            ((8, 50), (8, 50)),
            ((8, 50), (20, 50)),
        ] {
            check::<Srgb>(old, new);
            check::<Luma>(old, new);
        }
    }
}
