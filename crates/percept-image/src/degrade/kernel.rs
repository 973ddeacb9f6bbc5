//! Blur kernels, and images convolved with them.

use rayon::prelude::*;

use crate::{Image, Space};

/// A kernel of `width × height` taps, both odd, rows from the top.
pub(super) struct Kernel {
    width: usize,
    height: usize,
    weights: Vec<f32>,
}

/// What is beyond the border.
#[derive(Clone, Copy)]
pub(super) enum Border {
    /// The nearest pixel.
    Nearest,
    /// The picture mirrored at the centre of its edge pixel, as OpenCV's default and PyTorch's `reflect`.
    Reflect,
}

/// Taps that together weigh less than this are left out: two hundred of them are not half of an 8-bit level.
const NOTHING: f64 = 1e-5;
/// Registers of sums: enough that no sum waits for the one before it.
const REGISTERS: usize = 6;
/// Products from which a picture is worth all cores. A crop of a training is not: others are made at the same time.
const MANY: usize = 1 << 28;

impl Kernel {
    /// A square of `side` taps from its weight at (x, y) from the centre, x to the right and y downwards; sum 1.
    pub fn square(side: usize, weight: impl Fn(f64, f64) -> f64) -> Self {
        let radius = (side / 2) as f64;
        let weights: Vec<f64> = (0..side * side)
            .map(|i| weight((i % side) as f64 - radius, (i / side) as f64 - radius))
            .collect();
        Self::normalised(side, side, &weights)
    }

    /// A row of taps from its weight at x from the centre; sum 1.
    pub fn row(side: usize, weight: impl Fn(f64) -> f64) -> Self {
        let radius = (side / 2) as f64;
        let weights: Vec<f64> = (0..side).map(|x| weight(x as f64 - radius)).collect();
        Self::normalised(side, 1, &weights)
    }

    fn normalised(width: usize, height: usize, weights: &[f64]) -> Self {
        let sum: f64 = weights.iter().sum();
        Self { width, height, weights: weights.iter().map(|w| (w / sum) as f32).collect() }
    }

    /// Without the outer rings of a square that weigh nothing.
    pub fn trimmed(self) -> Self {
        let side = self.width;
        let ring = |ring: usize| -> f64 {
            let outer = |i: &usize| (i % side).abs_diff(side / 2).max((i / side).abs_diff(side / 2)) == ring;
            (0..side * side).filter(outer).map(|i| f64::from(self.weights[i].abs())).sum()
        };
        let (mut radius, mut left_out) = (side / 2, 0.0);
        while radius > 0 && left_out + ring(radius) < NOTHING {
            left_out += ring(radius);
            radius -= 1;
        }
        let skip = side / 2 - radius;
        let rows = self.weights.chunks_exact(side).skip(skip).take(2 * radius + 1);
        let weights: Vec<f64> =
            rows.flat_map(|row| &row[skip..side - skip]).map(|weight| f64::from(*weight)).collect();
        Self::normalised(2 * radius + 1, 2 * radius + 1, &weights)
    }

    /// The same as a column.
    pub fn turned(&self) -> Self {
        Self { width: self.height, height: self.width, weights: self.weights.clone() }
    }

    /// The weight at tap (x, y), counted from the upper left.
    #[cfg(test)]
    fn at(&self, x: usize, y: usize) -> f32 {
        self.weights[y * self.width + x]
    }
}

/// `image` convolved with a point-symmetric kernel, each channel by itself. Nothing is clamped.
pub(super) fn convolved<S: Space>(image: &Image<S>, kernel: &Kernel, border: Border) -> Image<S> {
    let (width, height) = image.size();
    if width * height == 0 {
        return image.clone();
    }
    let (left, above) = (kernel.width / 2, kernel.height / 2);
    // Rows padded left and right once, so that every tap of a block is a plain stretch of a row.
    let pitch = (width + 2 * left) * S::CHANNELS;
    let row_len = width * S::CHANNELS;
    let mut padded = Vec::with_capacity(pitch * height);
    for y in 0..height {
        for x in 0..left {
            padded.extend_from_slice(image.pixel(border.place(x as i64 - left as i64, width), y));
        }
        padded.extend_from_slice(&image.data()[y * row_len..(y + 1) * row_len]);
        for x in 0..left {
            padded.extend_from_slice(image.pixel(border.place((width + x) as i64, width), y));
        }
    }
    let mut data = vec![0.0_f32; row_len * height];
    let convolve = |(y, row): (usize, &mut [f32])| {
        let sources: Vec<&[f32]> = (0..kernel.height)
            .map(|dy| {
                let from = border.place((y + dy) as i64 - above as i64, height);
                &padded[from * pitch..(from + 1) * pitch]
            })
            .collect();
        pulp::Arch::new().dispatch(Row { row, sources: &sources, kernel, channels: S::CHANNELS });
    };
    if data.len() * kernel.weights.len() < MANY {
        data.chunks_exact_mut(row_len).enumerate().for_each(convolve);
    } else {
        data.par_chunks_exact_mut(row_len).enumerate().for_each(convolve);
    }
    Image::from_parts(width, height, data)
}

/// A row of the result, and the padded rows that it is made of.
struct Row<'a> {
    row: &'a mut [f32],
    sources: &'a [&'a [f32]],
    kernel: &'a Kernel,
    channels: usize,
}

impl pulp::WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<T: pulp::Simd>(self, simd: T) {
        let Self { row, sources, kernel, channels } = self;
        let lanes = size_of::<T::f32s>() / size_of::<f32>();
        let mut blocks = row.chunks_exact_mut(lanes * REGISTERS);
        let mut at = 0;
        let taps = |at: usize| {
            let rows = sources.iter().zip(kernel.weights.chunks_exact(kernel.width));
            rows.flat_map(move |(source, weights)| {
                weights.iter().enumerate().map(move |(dx, weight)| (&source[at + dx * channels..], *weight))
            })
        };
        for block in blocks.by_ref() {
            let mut sums = [simd.splat_f32s(0.0); REGISTERS];
            for (values, weight) in taps(at) {
                let weight = simd.splat_f32s(weight);
                let (values, _) = T::as_simd_f32s(&values[..lanes * REGISTERS]);
                for (sum, values) in sums.iter_mut().zip(values) {
                    *sum = simd.mul_add_e_f32s(weight, *values, *sum);
                }
            }
            at += block.len();
            T::as_mut_simd_f32s(block).0.copy_from_slice(&sums);
        }
        for part in blocks.into_remainder().chunks_mut(lanes) {
            let mut sum = simd.splat_f32s(0.0);
            for (values, weight) in taps(at) {
                let values = simd.partial_load_f32s(&values[..part.len()]);
                sum = simd.mul_add_e_f32s(simd.splat_f32s(weight), values, sum);
            }
            simd.partial_store_f32s(part, sum);
            at += part.len();
        }
    }
}

impl Border {
    /// The pixel among `len` that position `at` shows.
    fn place(self, at: i64, len: usize) -> usize {
        let last = len as i64 - 1;
        let at = match self {
            Self::Reflect if last > 0 => {
                let at = at.rem_euclid(2 * last);
                at.min(2 * last - at)
            }
            _ => at,
        };
        at.clamp(0, last) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Luma, Srgb};

    #[test]
    fn borders_are_those_of_opencv() {
        let places = |border: Border| (-4..8).map(|at| border.place(at, 4)).collect::<Vec<_>>();
        assert_eq!(places(Border::Reflect), [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(places(Border::Nearest), [0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3]);
        assert_eq!(Border::Reflect.place(-3, 1), 0);
    }

    #[test]
    fn every_size_of_kernel_and_picture_gives_the_plain_sum() {
        fn check<S: Space>(width: usize, height: usize) {
            let image = Image::<S>::from_fn(width, height, |x, y, c| ((x * 7 + y * 13 + c * 5) % 11) as f32);
            for (kernel, border) in [
                (Kernel::square(5, |x, y| 1.0 / (1.0 + (x + 0.5 * y).abs())), Border::Reflect),
                (Kernel::row(7, |x| 1.0 / (1.0 + x.abs())), Border::Nearest),
                (Kernel::row(3, |x| 2.0 - x.abs()).turned(), Border::Reflect),
            ] {
                let out = convolved(&image, &kernel, border);
                for y in 0..height {
                    for x in 0..width {
                        for c in 0..S::CHANNELS {
                            let mut sum = 0.0;
                            for dy in 0..kernel.height {
                                for dx in 0..kernel.width {
                                    let place = |at: usize, by: usize, side: usize, len: usize| {
                                        border.place((at + by) as i64 - (side / 2) as i64, len)
                                    };
                                    let from = image.pixel(
                                        place(x, dx, kernel.width, width),
                                        place(y, dy, kernel.height, height),
                                    );
                                    sum += kernel.at(dx, dy) * from[c];
                                }
                            }
                            assert!((out.pixel(x, y)[c] - sum).abs() < 1e-4);
                        }
                    }
                }
            }
        }
        for (width, height) in [(1, 1), (3, 9), (8, 4), (9, 2), (25, 3)] {
            check::<Srgb>(width, height);
            check::<Luma>(width, height);
        }
    }

    #[test]
    fn trimming_leaves_out_what_weighs_nothing() {
        let gaussian =
            |sigma: f64| Kernel::square(21, move |x, y| (-(x * x + y * y) / (2.0 * sigma * sigma)).exp());
        assert_eq!(gaussian(0.3).trimmed().width, 3);
        assert_eq!(gaussian(1.0).trimmed().width, 9);
        assert_eq!(gaussian(3.0).trimmed().width, 21);
    }
}
