//! Shrinking by means of blocks, as the scores that imitate a viewing distance do.

use rayon::prelude::*;

use super::plane::{Outside, Plane};
use crate::{Image, Srgb};

/// Means of `side × side` blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    /// Pixels of a block a side.
    pub side: usize,
    /// Pixels outside the image, on the left and the top, that the first blocks take in.
    pub before: usize,
    /// As many of them on the right and the bottom may fill up a last block; what fills none is left out.
    pub after: usize,
    /// What those pixels are.
    pub outside: Outside,
}

impl Pool {
    /// Means of 2×2 blocks; an odd last row or column has zeros beside it.
    pub const HALF: Self = Self { side: 2, before: 0, after: 1, outside: Outside::Zero };

    /// Size of the blocks that bring the shorter side near to 256 pixels, which FSIM, VSI and MDSI do. Halves are
    /// rounded to the even number.
    pub fn side_for((width, height): (usize, usize)) -> usize {
        (width.min(height) as f64 / 256.0).round_ties_even().max(1.0) as usize
    }

    /// Red, green and blue, shrunk.
    pub fn planes(self, image: &Image<Srgb>) -> [Plane; 3] {
        let (width, height) = self.shrunk(image.size());
        let blocks: Vec<[f64; 3]> = self.blocks(image.data(), image.size());
        std::array::from_fn(|c| Plane { width, height, data: blocks.iter().map(|means| means[c]).collect() })
    }

    /// A plane, shrunk.
    pub fn plane(self, plane: &Plane) -> Plane {
        let size = (plane.width, plane.height);
        let (width, height) = self.shrunk(size);
        let blocks: Vec<[f64; 1]> = self.blocks(&plane.data, size);
        Plane { width, height, data: blocks.into_flattened() }
    }

    fn shrunk(self, (width, height): (usize, usize)) -> (usize, usize) {
        let side = |old: usize| (self.before + old + self.after) / self.side;
        (side(width), side(height))
    }

    /// The means, row by row.
    fn blocks<const C: usize, T: Copy + Into<f64> + Sync>(
        self,
        data: &[T],
        size: (usize, usize),
    ) -> Vec<[f64; C]> {
        let (width, height) = self.shrunk(size);
        let mut means = vec![[0.0; C]; width * height];
        let scale = 1.0 / (self.side * self.side) as f64;
        means.par_chunks_exact_mut(width.max(1)).enumerate().for_each(|(y, row)| {
            let sums: Vec<[f64; C]> = self.column_sums(data, size, y);
            for (mean, block) in row.iter_mut().zip(sums.chunks_exact(self.side)) {
                let sum: [f64; C] =
                    block.iter().fold([0.0; C], |sum, column| std::array::from_fn(|c| sum[c] + column[c]));
                *mean = sum.map(|sum| sum * scale);
            }
        });
        means
    }

    /// The rows of a row of blocks, summed; with the pixels outside on the left and the right.
    fn column_sums<const C: usize, T: Copy + Into<f64>>(
        self,
        data: &[T],
        (width, height): (usize, usize),
        row: usize,
    ) -> Vec<[f64; C]> {
        let mut sums = vec![[0.0; C]; self.before + width + self.after];
        for y in row * self.side..(row + 1) * self.side {
            let y = match self.outside {
                Outside::Edge => y.saturating_sub(self.before).min(height - 1),
                Outside::Zero if y < self.before || y - self.before >= height => continue,
                Outside::Zero => y - self.before,
            };
            let inside = sums[self.before..self.before + width].as_flattened_mut().iter_mut();
            inside.zip(&data[C * y * width..]).for_each(|(sum, v)| *sum += (*v).into());
        }
        if self.outside == Outside::Edge {
            let (first, last) = (sums[self.before], sums[self.before + width - 1]);
            sums[..self.before].fill(first);
            sums[self.before + width..].fill(last);
        }
        sums
    }
}
