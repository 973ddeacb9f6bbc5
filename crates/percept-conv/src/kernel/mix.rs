//! Images of another size, whose pixels are mixed of those of the source.

use super::Level;
use super::fill::filled;
use super::level::Kernel;
use super::simd::Simd;

/// What every place along one axis is mixed of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mix {
    /// Places of the source.
    from: usize,
    /// For every place of the result, the source places with their weights.
    parts: Vec<Vec<(usize, f32)>>,
}

impl Mix {
    /// The nearest place, as in PyTorch.
    pub(crate) fn nearest(from: usize, to: usize) -> Self {
        Self { from, parts: (0..to).map(|at| vec![(at * from / to, 1.0)]).collect() }
    }

    /// The two places around, those at the ends for what lies beyond: PyTorch's `bilinear` with `align_corners = false`.
    pub(crate) fn bilinear(from: usize, to: usize) -> Self {
        let last = from.saturating_sub(1);
        let parts = |at: usize| {
            let middle = ((at as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
            let first = (middle as usize).min(last);
            let share = (middle - first as f64) as f32;
            match first == last {
                true => vec![(first, 1.0)],
                false => vec![(first, 1.0 - share), (first + 1, share)],
            }
        };
        Self { from, parts: (0..to).map(parts).collect() }
    }

    /// What the gradient of every source place is mixed of.
    pub(crate) fn transposed(&self) -> Self {
        let mut parts = vec![Vec::new(); self.from];
        for (at, sources) in self.parts.iter().enumerate() {
            sources.iter().for_each(|(source, weight)| parts[*source].push((at, *weight)));
        }
        Self { from: self.parts.len(), parts }
    }

    /// Places of the result.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// As a matrix, `[len, from]`.
    pub(crate) fn matrix(&self) -> Vec<f32> {
        let mut matrix = vec![0.0; self.len() * self.from];
        for (at, sources) in self.parts.iter().enumerate() {
            sources.iter().for_each(|(source, weight)| matrix[at * self.from + source] += weight);
        }
        matrix
    }
}

/// `[rows.from, columns.from, channels]` → `[rows.len(), columns.len(), channels]` of every image of `x`.
pub(crate) fn mixed(level: Level, x: &[f32], channels: usize, rows: &Mix, columns: &Mix) -> Vec<f32> {
    let (source, line) = (columns.from * channels, columns.len() * channels);
    let image = rows.from * source;
    let batch = x.len().checked_div(image).unwrap_or(0);
    assert!(x.len() == batch * image, "parts of images");
    filled(batch * rows.len() * line, line, |at, out| {
        let image = &x[at / rows.len() * image..][..image];
        let mut buffer = vec![0.0; source];
        let rows = &rows.parts[at % rows.len()];
        // SAFETY: a level exists only where it is available.
        unsafe { level.run(Line { image, rows, columns, channels, buffer: &mut buffer, out }) }
    })
}

/// A line of the result, in plain loops, which are compiled with the instructions of the level; `out` is 0.
struct Line<'a> {
    image: &'a [f32],
    rows: &'a [(usize, f32)],
    columns: &'a Mix,
    channels: usize,
    /// A line of the source, 0.
    buffer: &'a mut [f32],
    out: &'a mut [f32],
}

impl Kernel for Line<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { image, rows, columns, channels, buffer, out } = self;
        let source = buffer.len();
        let line = match rows {
            // One line as it is needs no copy.
            [(row, 1.0)] => &image[row * source..][..source],
            rows => {
                for (row, weight) in rows {
                    add(buffer, &image[row * source..][..source], *weight);
                }
                buffer
            }
        };
        for (pixel, parts) in out.chunks_exact_mut(channels).zip(&columns.parts) {
            for (column, weight) in parts {
                add(pixel, &line[column * channels..][..channels], *weight);
            }
        }
    }
}

#[inline(always)]
fn add(to: &mut [f32], from: &[f32], weight: f32) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_pytorch() {
        assert_eq!(
            Mix::nearest(3, 7).parts.iter().map(|part| part[0].0).collect::<Vec<_>>(),
            [0, 0, 0, 1, 1, 2, 2]
        );
        let twice = Mix::bilinear(2, 4);
        assert_eq!(
            twice.parts,
            [
                vec![(0, 1.0), (1, 0.0)],
                vec![(0, 0.75), (1, 0.25)],
                vec![(0, 0.25), (1, 0.75)],
                vec![(1, 1.0)]
            ]
        );
        assert_eq!(Mix::bilinear(1, 3).parts, vec![vec![(0, 1.0)]; 3]);
    }

    /// The product of the transpose with a gradient is the gradient of the product.
    #[test]
    fn a_line_after_the_other_is_the_product_of_the_matrices_at_all_levels() {
        let number = |i: usize| ((i * 37 + 11) % 23) as f32 / 7.0 - 1.5;
        for (from, to, c) in [([3, 5], [6, 10], 4), ([4, 3], [7, 2], 19), ([1, 6], [3, 6], 1)] {
            let (rows, columns) = (Mix::bilinear(from[0], to[0]), Mix::nearest(from[1], to[1]));
            for (rows, columns) in [(rows.transposed(), columns.transposed()), (rows, columns)] {
                let x: Vec<f32> = (0..2 * rows.from * columns.from * c).map(number).collect();
                let (down, along) = (rows.matrix(), columns.matrix());
                for level in Level::available() {
                    let values = mixed(level, &x, c, &rows, &columns);
                    assert_eq!(values.len(), 2 * rows.len() * columns.len() * c);
                    for (i, value) in values.iter().enumerate() {
                        let (pixel, channel) = (i / c, i % c);
                        let (line, column) = (pixel / columns.len(), pixel % columns.len());
                        let (image, line) = (line / rows.len(), line % rows.len());
                        let sum: f32 = (0..rows.from * columns.from)
                            .map(|at| {
                                let (y, x_at) = (at / columns.from, at % columns.from);
                                down[line * rows.from + y]
                                    * along[column * columns.from + x_at]
                                    * x[((image * rows.from + y) * columns.from + x_at) * c + channel]
                            })
                            .sum();
                        assert!((value - sum).abs() < 1e-5, "{level:?} {i}: {value} for {sum}");
                    }
                }
            }
        }
    }
}
