//! How a large image is cut, so that memory stays bounded.

/// The grid that tiles begin on: networks that shrink their input must see it from the same place.
const GRID: usize = 16;

/// Tiles of the network's input, each restored with some of its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Side of a tile in pixels of the input, rounded up to a multiple of 16; 0 restores the image in one piece.
    pub size: usize,
    /// Pixels around a tile that the network sees too, rounded up to a multiple of 16. From the network's
    /// receptive field on, the result is that of one piece. `None` takes the receptive field, at most 64.
    pub overlap: Option<usize>,
}

impl Default for Tiling {
    fn default() -> Self {
        Self { size: 192, overlap: None }
    }
}

/// One tile: what is kept of it, and what the network sees; `[start, end)` in pixels of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) kept: [Span; 2],
    pub(super) seen: [Span; 2],
}

/// Pixels from `start` up to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn len(self) -> usize {
        self.end - self.start
    }
}

impl Tiling {
    /// The tiles of an image of `width × height`; `radius` is as far as the network sees.
    pub(super) fn tiles(self, width: usize, height: usize, radius: usize) -> Vec<Tile> {
        const LARGEST: usize = 64;
        let overlap = self.overlap.unwrap_or(radius.min(LARGEST)).next_multiple_of(GRID);
        let (columns, rows) = (self.spans(width, overlap), self.spans(height, overlap));
        let row = |(kept_y, seen_y): &(Span, Span)| {
            let tile =
                |(kept_x, seen_x): &(Span, Span)| Tile { kept: [*kept_x, *kept_y], seen: [*seen_x, *seen_y] };
            columns.iter().map(tile).collect::<Vec<_>>()
        };
        rows.iter().flat_map(row).collect()
    }

    /// What is kept and what is seen along one side.
    fn spans(self, side: usize, overlap: usize) -> Vec<(Span, Span)> {
        let size = if self.size == 0 { side } else { self.size.next_multiple_of(GRID) }.max(1);
        let starts = (0..side).step_by(size);
        let span = |start: usize| {
            let end = (start + size).min(side);
            let seen = Span { start: start.saturating_sub(overlap), end: (end + overlap).min(side) };
            (Span { start, end }, seen)
        };
        starts.map(span).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_pixel_once_and_see_their_surroundings() {
        let tiling = Tiling { size: 30, overlap: Some(9) };
        let tiles = tiling.tiles(70, 33, 5);
        let mut covered = vec![0; 70 * 33];
        for Tile { kept: [x, y], seen: [sx, sy] } in &tiles {
            for at in (y.start..y.end).flat_map(|y| (x.start..x.end).map(move |x| y * 70 + x)) {
                covered[at] += 1;
            }
            assert!(sx.start.is_multiple_of(GRID) && sy.start.is_multiple_of(GRID));
            assert!(sx.start == x.start.saturating_sub(16) && sx.end == (x.end + 16).min(70));
            assert!(sy.start == y.start.saturating_sub(16) && sy.end == (y.end + 16).min(33));
        }
        assert!(covered.iter().all(|count| *count == 1));
        assert_eq!(tiles.len(), 3 * 2);
        assert_eq!(Tiling { size: 0, overlap: None }.tiles(70, 33, 5).len(), 1);
        assert_eq!(Tiling::default().tiles(1, 1, 400).len(), 1);
    }
}
