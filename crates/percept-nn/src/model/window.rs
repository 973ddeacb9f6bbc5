//! The rows of an image that a band of tiles reads.

use std::collections::VecDeque;

use burn::tensor::{Device, Tensor, TensorData};

use super::rows::Rows;
use super::tiling::{Span, Tile};
use crate::network::Border;

/// Rows that have been read and are still needed. Beyond its right and lower edge the image is continued.
pub(super) struct Window {
    size: (usize, usize),
    channels: usize,
    border: Border,
    /// The row of the image that is the first one here.
    first: usize,
    rows: VecDeque<Vec<f32>>,
}

impl Window {
    pub(super) fn new(size: (usize, usize), channels: usize, border: Border) -> Self {
        Self { size, channels, border, first: 0, rows: VecDeque::new() }
    }

    /// Reads on until all rows are there that a band of this span reads, and forgets those that no later band needs.
    pub(super) fn read<R: Rows>(&mut self, band: Span, source: &mut R) -> Result<(), R::Error> {
        let (width, height) = self.size;
        // What is seen again below the edge lies within the last few rows.
        let needed = band.reads[0].min(height.saturating_sub(self.border.reach()));
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
            let seen = self.border.pixel(row, height);
            let Some(row) = seen.and_then(|row| self.rows.get(row.wrapping_sub(self.first))) else {
                values.resize(values.len() + x.length() * self.channels, 0.0);
                continue;
            };
            let inside = x.reads[0].min(width)..x.reads[1].min(width);
            values.extend_from_slice(&row[inside.start * self.channels..inside.end * self.channels]);
            for column in x.reads[0].max(width)..x.reads[1] {
                match self.border.pixel(column, width).map(|column| column * self.channels) {
                    Some(at) => values.extend_from_slice(&row[at..at + self.channels]),
                    None => values.resize(values.len() + self.channels, 0.0),
                }
            }
        }
        Tensor::from_data(TensorData::new(values, [1, y.length(), x.length(), self.channels]), device)
    }
}

#[cfg(test)]
mod tests {
    use percept_image::{Image, Srgb};

    use super::super::rows::ImageRows;
    use super::*;
    use crate::network::Edges;

    #[test]
    fn tiles_of_bands_see_what_they_see_of_the_whole_and_few_rows_are_kept() {
        let sizes =
            [(1, 1, 4, 0), (5, 3, 8, 0), (10, 41, 4, 0), (9, 200, 2, 0), (11, 6, 4, 10), (30, 70, 4, 20)];
        let edges = [Edges::Mirrored, Edges::Repeated, Edges::Black];
        let cases = sizes.into_iter().flat_map(|size| edges.map(|edges| (size, edges)));
        for ((width, height, multiple, least), edges) in cases {
            let border = Border { least, multiple, edges };
            let image = Image::<Srgb>::from_fn(width, height, |x, y, c| (100 * y + 10 * x + c) as f32);
            let (wide, high) = (border.continued(width), border.continued(height));
            let mut window = Window::new((width, height), 3, border);
            let mut source = ImageRows::new(&image);
            let x = Span { from: 0, to: wide, reads: [0, wide] };
            let step = 2 * multiple;
            for from in (0..high).step_by(step) {
                let to = (from + step).min(high);
                let y = Span { from, to, reads: [from.saturating_sub(multiple), (to + multiple).min(high)] };
                window.read(y, &mut source).unwrap();
                assert!(window.rows.len() <= step + 4 * multiple + least, "{} rows", window.rows.len());
                let got =
                    window.tile(Tile { x, y }, &Device::flex()).into_data().try_into_vec_as::<f32>().unwrap();
                let right: Vec<f32> = (y.reads[0]..y.reads[1])
                    .flat_map(|y| (0..wide).map(move |x| (border.pixel(x, width), border.pixel(y, height))))
                    .flat_map(|seen| match seen {
                        (Some(x), Some(y)) => image.pixel(x, y).to_vec(),
                        _ => vec![0.0; 3],
                    })
                    .collect();
                assert_eq!(got, right, "{width}x{height} {from}");
            }
        }
    }
}
