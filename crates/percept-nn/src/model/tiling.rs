//! Cutting an image into tiles that overlap.

use crate::network::Extent;

/// Bytes that a tile may take, unless its size is given.
const MEMORY: usize = 1 << 30;
/// Tiles are not made smaller than this to save memory: what they overlap would cost more than they hold.
const LEAST: usize = 64;
/// Bytes that the result of a row of tiles may take, unless their size is given.
const BAND: usize = 256 << 20;

/// How an image is cut, in pixels of the network's input. `default()` leaves both to the model: tiles as large as
/// 1 GiB of memory allows, and an overlap that makes the result equal to that of the whole image within a level of
/// 8 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tiling {
    /// Side of what a tile contributes to the result; 0 for the whole image at once, whatever memory that takes.
    pub size: Option<usize>,
    /// What a tile reads beyond that on every side.
    pub overlap: Option<usize>,
}

impl Tiling {
    /// The whole image at once.
    pub fn whole() -> Self {
        Self { size: Some(0), overlap: None }
    }

    /// The tiles of an image of these sides, which are multiples of `extent.multiple`, row by row; the network enlarges
    /// `scale` times.
    pub(super) fn cut(self, width: usize, height: usize, extent: Extent, scale: usize) -> Vec<Tile> {
        let up = |length: usize| length.next_multiple_of(extent.multiple);
        let overlap = self.overlap.unwrap_or(extent.overlap);
        let overlap = up(overlap.min(width.max(height)));
        let affordable = MEMORY / (size_of::<f32>() * extent.floats.max(1));
        let size = match self.size {
            None if width * height <= affordable => 0,
            None => {
                let side = affordable.isqrt().saturating_sub(2 * overlap);
                up((side / extent.multiple * extent.multiple).max(LEAST))
            }
            Some(size) => size,
        };
        let line = size_of::<f32>() * 3 * scale * scale * width;
        let rows = match self.size {
            None if size > 0 => {
                size.min(up((BAND / line.max(1) / extent.multiple * extent.multiple).max(LEAST)))
            }
            _ => size,
        };
        // Tiles of equal sides, so that none is a sliver.
        let spans = |side: usize, size: usize| -> Vec<Span> {
            let parts = if size == 0 { 1 } else { side.div_ceil(size).max(1) };
            let step = up(side.div_ceil(parts)).max(1);
            let span = |from: usize| {
                let to = (from + step).min(side);
                Span { from, to, reads: [from.saturating_sub(overlap), (to + overlap).min(side)] }
            };
            (0..side).step_by(step).map(span).collect()
        };
        let (columns, rows) = (spans(width, size), spans(height, rows));
        rows.iter().flat_map(|y| columns.iter().map(|x| Tile { x: *x, y: *y })).collect()
    }
}

/// A tile along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where its share of the image starts …
    pub from: usize,
    /// … and ends.
    pub to: usize,
    /// What it reads.
    pub reads: [usize; 2],
}

impl Span {
    /// Length of what is read.
    pub fn length(self) -> usize {
        self.reads[1] - self.reads[0]
    }

    /// Its share within what it reads.
    pub fn share(self) -> std::ops::Range<usize> {
        self.from - self.reads[0]..self.to - self.reads[0]
    }
}

/// A rectangle of the image, and the larger one that is read for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub x: Span,
    pub y: Span,
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { multiple: 4, overlap: 7, floats: 1000 };

    #[test]
    fn every_pixel_is_in_one_share_and_shares_are_read_with_their_overlap() {
        for (width, height, size, overlap) in
            [(4, 4, 1, 0), (100, 36, 30, 5), (64, 8, 64, 8), (40, 200, 7, 100)]
        {
            let tiles = Tiling { size: Some(size), overlap: Some(overlap) }.cut(width, height, EXTENT, 4);
            let mut covered = vec![0; width * height];
            for Tile { x, y } in tiles {
                (y.from..y.to).for_each(|y| (x.from..x.to).for_each(|x| covered[y * width + x] += 1));
                for (span, side) in [(x, width), (y, height)] {
                    assert!(span.reads[0] == 0 || span.reads[0] + overlap <= span.from);
                    assert!(span.reads[1] == side || span.to + overlap <= span.reads[1]);
                    assert!(span.to - span.from <= size.next_multiple_of(4));
                    assert!([span.from, span.to, span.reads[0], span.reads[1]].iter().all(|at| at % 4 == 0));
                    assert_eq!(span.share().len(), span.to - span.from);
                }
            }
            assert!(covered.iter().all(|count| *count == 1));
        }
    }

    #[test]
    fn memory_is_bounded_unless_the_whole_is_asked_for() {
        let largest = |tiles: Vec<Tile>| tiles.iter().map(|t| t.x.length() * t.y.length()).max().unwrap();
        let tiles = Tiling::default().cut(4000, 3000, EXTENT, 4);
        assert!(tiles.len() > 1);
        assert!(largest(tiles) * 1000 * 4 <= MEMORY);
        // A wide result is made in lower bands.
        let tiles = Tiling::default().cut(16_000, 3000, Extent { floats: 10, ..EXTENT }, 4);
        let highest = tiles.iter().map(|tile| tile.y.to - tile.y.from).max().unwrap();
        assert!(highest * 16_000 * 16 * 3 * 4 <= BAND, "{highest}");
        assert_eq!(Tiling::whole().cut(4000, 3000, EXTENT, 4).len(), 1);
        assert_eq!(Tiling::default().cut(400, 300, EXTENT, 4).len(), 1);
    }
}
