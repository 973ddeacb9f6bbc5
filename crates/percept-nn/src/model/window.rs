//! The rows of an image that a band of tiles reads.

use std::collections::VecDeque;

use burn::tensor::{Device, Tensor, TensorData};

use super::rows::Rows;
use super::tiling::{Span, Tile};
use crate::network::{Edges, mirrored};

/// Rows that have been read and are still needed. Beyond its right and lower edge the image is continued by what it shows:
/// zeros would be an edge that the network sharpens.
pub(super) struct Window {
    size: (usize, usize),
    channels: usize,
    /// Sides are continued to a multiple of it.
    multiple: usize,
    edges: Edges,
    /// The row of the image that is the first one here.
    first: usize,
    rows: VecDeque<Vec<f32>>,
}

impl Window {
    pub(super) fn new(size: (usize, usize), channels: usize, multiple: usize, edges: Edges) -> Self {
        Self { size, channels, multiple, edges, first: 0, rows: VecDeque::new() }
    }

    /// Reads on until all rows are there that a band of this span reads, and forgets those that no later band needs.
    pub(super) fn read<R: Rows>(&mut self, band: Span, source: &mut R) -> Result<(), R::Error> {
        let (width, height) = self.size;
        // What is mirrored below the edge lies within the last few rows.
        let needed = band.reads[0].min(height.saturating_sub(self.multiple));
        while self.first + self.rows.len() < band.reads[1].min(height) {
            let spare = if self.first < needed { self.rows.pop_front() } else { None };
            self.first += usize::from(spare.is_some());
            let mut row = spare.unwrap_or_else(|| vec![0.0; width * self.channels]);
            source.read(&mut row)?;
            self.rows.push_back(row);
        }
        let unneeded = needed.saturating_sub(self.first).min(self.rows.len());
        self.rows.drain(..unneeded);
        self.first += unneeded;
        Ok(())
    }

    /// `[1, h, w, C]`, what the tile reads; its rows have been read.
    pub(super) fn tile(&self, tile: Tile, device: &Device) -> Tensor<4> {
        let (width, height) = self.size;
        let Tile { x, y } = tile;
        let mut values = Vec::with_capacity(x.length() * y.length() * self.channels);
        for row in y.reads[0]..y.reads[1] {
            let Some(row) = self.rows.get(continued(row, height, self.edges).wrapping_sub(self.first)) else {
                continue;
            };
            let inside = x.reads[0].min(width)..x.reads[1].min(width);
            values.extend_from_slice(&row[inside.start * self.channels..inside.end * self.channels]);
            for column in x.reads[0].max(width)..x.reads[1] {
                let at = continued(column, width, self.edges) * self.channels;
                values.extend_from_slice(&row[at..at + self.channels]);
            }
        }
        Tensor::from_data(TensorData::new(values, [1, y.length(), x.length(), self.channels]), device)
    }
}

/// The position that `at` shows of `length` pixels that are continued beyond the last one.
fn continued(at: usize, length: usize, edges: Edges) -> usize {
    match edges {
        Edges::Mirrored => mirrored(at, length),
        Edges::Repeated => at.min(length.saturating_sub(1)),
    }
}

#[cfg(test)]
mod tests {
    use percept_image::{Image, Srgb};

    use super::super::rows::ImageRows;
    use super::*;

    #[test]
    fn an_image_is_mirrored_without_its_edge() {
        let row: Vec<_> = (0..9).map(|at| mirrored(at, 4)).collect();
        assert_eq!(row, [0, 1, 2, 3, 2, 1, 0, 1, 2]);
    }

    #[test]
    fn tiles_of_bands_see_what_they_see_of_the_whole_and_few_rows_are_kept() {
        for (width, height, multiple) in [(1, 1, 4), (5, 3, 8), (10, 41, 4), (9, 200, 2)] {
            let image = Image::<Srgb>::from_fn(width, height, |x, y, c| (100 * y + 10 * x + c) as f32);
            let (wide, high) = (width.next_multiple_of(multiple), height.next_multiple_of(multiple));
            let mut window = Window::new((width, height), 3, multiple, Edges::Mirrored);
            let mut source = ImageRows::new(&image);
            let x = Span { from: 0, to: wide, reads: [0, wide] };
            let step = 2 * multiple;
            for from in (0..high).step_by(step) {
                let to = (from + step).min(high);
                let y = Span { from, to, reads: [from.saturating_sub(multiple), (to + multiple).min(high)] };
                window.read(y, &mut source).unwrap();
                assert!(window.rows.len() <= step + 4 * multiple, "{} rows", window.rows.len());
                let got =
                    window.tile(Tile { x, y }, &Device::flex()).into_data().try_into_vec_as::<f32>().unwrap();
                let right: Vec<f32> = (y.reads[0]..y.reads[1])
                    .flat_map(|y| (0..wide).map(move |x| (mirrored(x, width), mirrored(y, height))))
                    .flat_map(|(x, y)| image.pixel(x, y).to_vec())
                    .collect();
                assert_eq!(got, right, "{width}x{height} {from}");
            }
        }
    }
}
