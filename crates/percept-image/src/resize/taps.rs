//! Weighted sums along one dimension: what every resize is made of.

use rayon::prelude::*;

/// Which inputs make an output along one dimension: `count` pairs of index and weight for each output.
pub(super) struct Taps {
    count: usize,
    pairs: Vec<(usize, f32)>,
}

impl Taps {
    /// For every output the index and weight of each of its inputs; all have as many.
    pub fn new(outputs: impl Iterator<Item = Vec<(usize, f64)>>) -> Self {
        let mut count = 0;
        let mut pairs = Vec::new();
        for taps in outputs {
            count = taps.len();
            pairs.extend(taps.into_iter().map(|(from, weight)| (from, weight as f32)));
        }
        Self { count, pairs }.trimmed()
    }

    /// Without the columns whose weight is zero for every output, as most kernels leave one or two.
    fn trimmed(self) -> Self {
        let new = self.pairs.len().checked_div(self.count).unwrap_or(0);
        let used: Vec<usize> = (0..self.count)
            .filter(|k| (0..new).any(|out| self.pairs[out * self.count + k].1 != 0.0))
            .collect();
        let pairs =
            self.pairs.chunks_exact(self.count).flat_map(|taps| used.iter().map(|&k| taps[k])).collect();
        Self { count: used.len(), pairs }
    }

    /// Weighted sums of whole rows; `pitch` values a row.
    pub fn rows(&self, data: &[f32], pitch: usize) -> Vec<f32> {
        let mut out = vec![0.0; self.pairs.len() / self.count * pitch];
        out.par_chunks_exact_mut(pitch).zip(self.pairs.par_chunks_exact(self.count)).for_each(
            |(row, taps)| {
                for &(from, weight) in taps {
                    let source = &data[from * pitch..(from + 1) * pitch];
                    row.iter_mut().zip(source).for_each(|(o, v)| *o += weight * v);
                }
            },
        );
        out
    }

    /// Inputs and weights of one output.
    pub fn of(&self, out: usize) -> impl Iterator<Item = (usize, f32)> {
        self.pairs[out * self.count..(out + 1) * self.count].iter().copied()
    }

    /// Weighted sums of pixels, of so many channels, within each row of `old` pixels.
    pub fn columns(&self, data: &[f32], old: usize, channels: usize) -> Vec<f32> {
        let new = self.pairs.len() / self.count;
        let mut out = vec![0.0; data.len() / old * new];
        let rows = data.par_chunks_exact(old * channels);
        out.par_chunks_exact_mut(new * channels).zip(rows).for_each(|(row, source)| {
            for (pixel, taps) in row.chunks_exact_mut(channels).zip(self.pairs.chunks_exact(self.count)) {
                for &(from, weight) in taps {
                    let values = &source[from * channels..(from + 1) * channels];
                    pixel.iter_mut().zip(values).for_each(|(o, v)| *o += weight * v);
                }
            }
        });
        out
    }
}
