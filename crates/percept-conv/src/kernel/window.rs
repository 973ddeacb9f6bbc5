//! Attention between the pixels of windows.
//!
//! Scores stand transposed, `[key, query]`, so that vectors run along the queries and no sum crosses a vector.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::Level;
use super::exp::exp;
use super::fill::added;
use super::level::Kernel;
use super::matrix::{Product, WIDE};
use super::simd::Simd;
use crate::windows::Windows;

/// What is computed: `qkv` are the pixels of `image` (images, height, width), each with queries, keys and values of all
/// heads; `bias` is `[heads, pixels, pixels]`.
#[derive(Clone, Copy)]
pub(crate) struct Attention<'a> {
    pub(crate) qkv: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) image: [usize; 3],
    pub(crate) heads: usize,
    /// Channels of a head.
    pub(crate) depth: usize,
    pub(crate) windows: Windows,
}

impl Attention<'_> {
    /// `[N, H, W, heads · depth]`.
    pub(crate) fn forward(self, level: Level) -> Vec<f32> {
        let plan = Plan::new(self);
        let values = plan.banded(plan.channels, |band, rows| {
            let mut head = Head::new(&plan);
            for window in plan.windows(band) {
                for index in 0..self.heads {
                    head.load(&plan, &window, index);
                    head.score(level, &plan, &window, index);
                    head.mix(level, &plan);
                    for (pixel, (row, x)) in window.targets().enumerate() {
                        let out = &mut rows[row].1[x * plan.channels + index * self.depth..][..self.depth];
                        let inverse = head.inverse[pixel];
                        for (c, out) in out.iter_mut().enumerate() {
                            out.write(head.mixed[c * plan.wide + pixel] * inverse);
                        }
                    }
                }
            }
        });
        values.0
    }

    /// The gradients to `qkv` and to the bias.
    pub(crate) fn gradient(self, level: Level, gradient: &[f32]) -> [Vec<f32>; 2] {
        let plan = Plan::new(self);
        let (pixels, wide, channels, depth) = (plan.pixels, plan.wide, plan.channels, self.depth);
        assert!(gradient.len() * 3 == self.qkv.len(), "wrong gradient");
        let (to_qkv, sums) = plan.banded(3 * channels, |band, rows| {
            let mut head = Head::new(&plan);
            let mut slope = Slope::new(&plan);
            let mut to_bias = vec![0.0; self.heads * pixels * wide];
            for window in plan.windows(band) {
                for index in 0..self.heads {
                    head.load(&plan, &window, index);
                    head.score(level, &plan, &window, index);
                    let to_bias = &mut to_bias[index * pixels * wide..][..pixels * wide];
                    slope.compute(level, &plan, &mut head, (&window, index), gradient, to_bias);
                    for (pixel, (row, x)) in window.targets().enumerate() {
                        let row = &mut rows[row].1;
                        let place = 3 * x * channels + index * depth;
                        for c in 0..depth {
                            row[place + c].write(head.mixed[c * wide + pixel] * plan.scale);
                            row[place + channels + c].write(slope.key[pixel * plan.padded + c]);
                            row[place + 2 * channels + c].write(slope.value[pixel * plan.padded + c]);
                        }
                    }
                }
            }
            to_bias
        });
        let sums = added(self.heads * pixels * wide, sums);
        let at = |index: usize| {
            let (query, key) = (index / pixels % pixels, index % pixels);
            sums[(index / (pixels * pixels) * pixels + key) * wide + query]
        };
        [to_qkv, (0..self.heads * pixels * pixels).map(at).collect()]
    }
}

/// What all windows have in common.
struct Plan<'a> {
    attention: Attention<'a>,
    /// Of a window.
    pixels: usize,
    /// So many with what fills up vectors, and likewise the channels of a head.
    wide: usize,
    padded: usize,
    /// Of all heads.
    channels: usize,
    /// Of queries.
    scale: f32,
    /// What is added to the scores, `[heads, key, query]`: for windows inside, at the lower edge, at the right one and at both.
    biases: [Vec<f32>; 4],
}

impl<'a> Plan<'a> {
    fn new(attention: Attention<'a>) -> Self {
        let Attention { qkv, bias, image: [n, height, width], heads, depth, windows } = attention;
        let (pixels, channels) = (windows.pixels(), heads * depth);
        assert!(qkv.len() == n * height * width * 3 * channels, "wrong image");
        assert!(bias.len() == heads * pixels * pixels, "wrong bias");
        assert!(
            height.is_multiple_of(windows.size[0]) && width.is_multiple_of(windows.size[1]),
            "parts of windows"
        );
        let wide = pixels.next_multiple_of(WIDE);
        let biases = [[false, false], [true, false], [false, true], [true, true]].map(|[lower, right]| {
            let joins = windows.joins(lower, right);
            if [lower, right] != joins {
                return Vec::new();
            }
            let sides = windows.sides(joins);
            let mut turned = vec![0.0; heads * pixels * wide];
            for (index, bias) in bias.chunks_exact(pixels).enumerate() {
                let (head, query) = (index / pixels, index % pixels);
                for (key, value) in bias.iter().enumerate() {
                    let apart = if sides[query] == sides[key] { 0.0 } else { windows.apart as f32 };
                    turned[(head * pixels + key) * wide + query] = value + apart;
                }
            }
            turned
        });
        let scale = (depth.max(1) as f32).sqrt().recip();
        Self { attention, pixels, wide, padded: depth.next_multiple_of(WIDE), channels, scale, biases }
    }

    /// The image with `channels` channels, made by the rows of a row of windows; the rows come in the windows' order.
    fn banded<T: Send>(
        &self,
        channels: usize,
        make: impl Fn(usize, &mut [(usize, &mut [MaybeUninit<f32>])]) -> T + Sync,
    ) -> (Vec<f32>, Vec<T>) {
        let Attention { image: [n, height, width], windows, .. } = self.attention;
        let line = width * channels;
        let length = n * height * line;
        let mut values = Vec::with_capacity(length);
        let rows = values.spare_capacity_mut()[..length].chunks_exact_mut(line.max(1)).enumerate();
        let moved = |at: usize| at / height * height + (at % height + height - windows.shift[0]) % height;
        let mut rows: Vec<_> = rows.map(|(at, row)| (moved(at), row)).collect();
        rows.sort_unstable_by_key(|(at, _)| *at);
        let bands = rows.par_chunks_mut(windows.size[0]).enumerate();
        let results = bands.map(|(band, rows)| make(band, rows)).collect();
        // SAFETY: the capacity is there, and every pixel is in a window, which writes all its channels.
        unsafe { values.set_len(length) }
        (values, results)
    }

    /// The windows of a row of them.
    fn windows(&self, band: usize) -> impl Iterator<Item = Window> {
        let Attention { image: [_, height, width], windows: Windows { size, shift, .. }, .. } =
            self.attention;
        let [down, across] = [height / size[0], width / size[1]];
        let (image, y) = (band / down, band % down);
        (0..across).map(move |x| {
            let places = (0..size[0] * size[1]).map(|pixel| {
                let row = (y * size[0] + pixel / size[1] + shift[0]) % height;
                (image * height + row) * width + (x * size[1] + pixel % size[1] + shift[1]) % width
            });
            let edges = [shift[0] > 0 && y + 1 == down, shift[1] > 0 && x + 1 == across].map(usize::from);
            Window { places: places.collect(), line: width, across: size[1], bias: edges[0] + 2 * edges[1] }
        })
    }
}

struct Window {
    /// Where its pixels stand in all images.
    places: Vec<usize>,
    /// Pixels of a line of the image, and of the window.
    line: usize,
    across: usize,
    /// Which of the biases.
    bias: usize,
}

impl Window {
    /// For every pixel, the row of the window and the column of the image.
    fn targets(&self) -> impl Iterator<Item = (usize, usize)> {
        self.places.iter().enumerate().map(|(pixel, place)| (pixel / self.across, place % self.line))
    }
}

/// What one head of a window computes with.
struct Head {
    /// Queries, `[depth, query]`.
    queries: Vec<f32>,
    /// `[key, depth]`.
    keys: Vec<f32>,
    values: Vec<f32>,
    /// `[key, query]`: how much every query takes of every key, before it is multiplied with its `inverse`.
    scores: Vec<f32>,
    inverse: Vec<f32>,
    /// `[depth, query]`.
    mixed: Vec<f32>,
}

impl Head {
    fn new(plan: &Plan<'_>) -> Self {
        let (depth, wide) = (plan.attention.depth, plan.wide);
        let zeros = |length: usize| vec![0.0; length];
        Self {
            queries: zeros(depth * wide),
            keys: zeros(plan.pixels * depth),
            values: zeros(plan.pixels * depth),
            scores: zeros(plan.pixels * wide),
            inverse: zeros(wide),
            mixed: zeros(depth * wide),
        }
    }

    fn load(&mut self, plan: &Plan<'_>, window: &Window, index: usize) {
        let Attention { qkv, depth, .. } = plan.attention;
        for (pixel, place) in window.places.iter().enumerate() {
            let all = &qkv[place * 3 * plan.channels + index * depth..];
            for (c, value) in all[..depth].iter().enumerate() {
                self.queries[c * plan.wide + pixel] = value * plan.scale;
            }
            self.keys[pixel * depth..][..depth].copy_from_slice(&all[plan.channels..][..depth]);
            self.values[pixel * depth..][..depth].copy_from_slice(&all[2 * plan.channels..][..depth]);
        }
    }

    fn score(&mut self, level: Level, plan: &Plan<'_>, window: &Window, index: usize) {
        let (pixels, wide, depth) = (plan.pixels, plan.wide, plan.attention.depth);
        let product =
            Product { a: &self.keys, steps: [depth, 1], b: &self.queries, rows: pixels, depth, width: wide };
        let bias = &plan.biases[window.bias][index * pixels * wide..];
        product.write(level, Some(bias), &mut self.scores);
        let softmax = Softmax { scores: &mut self.scores, inverse: &mut self.inverse };
        // SAFETY: a level exists only where it is available.
        unsafe { level.run(softmax) }
    }

    /// The values by the scores.
    fn mix(&mut self, level: Level, plan: &Plan<'_>) {
        let (depth, width) = (plan.attention.depth, plan.wide);
        let steps = [1, depth];
        Product { a: &self.values, steps, b: &self.scores, rows: depth, depth: plan.pixels, width }.write(
            level,
            None,
            &mut self.mixed,
        );
    }
}

/// What the gradient needs beside it.
struct Slope {
    /// Queries and the gradient to the result, `[query, depth]` with rows as long as vectors.
    queries: Vec<f32>,
    gradient: Vec<f32>,
    /// The latter, `[depth, query]`.
    turned: Vec<f32>,
    /// To the scores, `[key, query]`.
    scores: Vec<f32>,
    /// To keys and values.
    key: Vec<f32>,
    value: Vec<f32>,
}

impl Slope {
    fn new(plan: &Plan<'_>) -> Self {
        let zeros = |length: usize| vec![0.0; length];
        let padded = || zeros(plan.pixels * plan.padded);
        Self {
            queries: padded(),
            gradient: padded(),
            turned: zeros(plan.attention.depth * plan.wide),
            scores: zeros(plan.pixels * plan.wide),
            key: padded(),
            value: padded(),
        }
    }

    /// Of a head that has been scored. The gradient to the queries is left in `mixed`.
    fn compute(
        &mut self,
        level: Level,
        plan: &Plan<'_>,
        head: &mut Head,
        (window, index): (&Window, usize),
        gradient: &[f32],
        to_bias: &mut [f32],
    ) {
        let (pixels, wide, padded, depth) = (plan.pixels, plan.wide, plan.padded, plan.attention.depth);
        for (pixel, place) in window.places.iter().enumerate() {
            let gradient = &gradient[place * plan.channels + index * depth..][..depth];
            self.gradient[pixel * padded..][..depth].copy_from_slice(gradient);
            for (c, value) in gradient.iter().enumerate() {
                self.turned[c * wide + pixel] = *value;
                self.queries[pixel * padded + c] = head.queries[c * wide + pixel];
            }
        }
        let (a, b) = (&head.values, &self.turned);
        Product { a, steps: [depth, 1], b, rows: pixels, depth, width: wide }.write(
            level,
            None,
            &mut self.scores,
        );
        let descend = Descend {
            shares: &mut head.scores,
            inverse: &head.inverse,
            slopes: &mut self.scores,
            sums: to_bias,
        };
        // SAFETY: a level exists only where it is available.
        unsafe { level.run(descend) }
        let (a, b) = (&head.keys, &self.scores);
        Product { a, steps: [1, depth], b, rows: depth, depth: pixels, width: wide }.write(
            level,
            None,
            &mut head.mixed,
        );
        let steps = [wide, 1];
        let (a, b) = (&head.scores, &self.gradient);
        Product { a, steps, b, rows: pixels, depth: pixels, width: padded }.write(
            level,
            None,
            &mut self.value,
        );
        let (a, b) = (&self.scores, &self.queries);
        Product { a, steps, b, rows: pixels, depth: pixels, width: padded }.write(level, None, &mut self.key);
    }
}

/// Scores become powers of e, largest 1, and the inverse of their sum: both by query. Plain loops, which are compiled with the
/// instructions of the level.
struct Softmax<'a> {
    scores: &'a mut [f32],
    inverse: &'a mut [f32],
}

impl Kernel for Softmax<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let width = self.inverse.len();
        for column in (0..width).step_by(WIDE) {
            let mut most = [f32::NEG_INFINITY; WIDE];
            for row in self.scores.chunks_exact(width) {
                for (most, value) in most.iter_mut().zip(&row[column..][..WIDE]) {
                    *most = if *value > *most { *value } else { *most };
                }
            }
            let mut sums = [0.0; WIDE];
            for row in self.scores.chunks_exact_mut(width) {
                for ((value, most), sum) in row[column..][..WIDE].iter_mut().zip(&most).zip(&mut sums) {
                    *value = exp(*value - most);
                    *sum += *value;
                }
            }
            for (inverse, sum) in self.inverse[column..][..WIDE].iter_mut().zip(sums) {
                *inverse = 1.0 / sum;
            }
        }
    }
}

/// From gradients to the shares to those to the scores, which are also added to `sums`; `shares` become what they are with
/// their inverse.
struct Descend<'a> {
    shares: &'a mut [f32],
    inverse: &'a [f32],
    slopes: &'a mut [f32],
    sums: &'a mut [f32],
}

impl Kernel for Descend<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let width = self.inverse.len();
        for column in (0..width).step_by(WIDE) {
            let inverse = &self.inverse[column..][..WIDE];
            let mut along = [0.0; WIDE];
            for (shares, slopes) in self.shares.chunks_exact_mut(width).zip(self.slopes.chunks_exact(width)) {
                let (shares, slopes) = (&mut shares[column..][..WIDE], &slopes[column..][..WIDE]);
                for lane in 0..WIDE {
                    shares[lane] *= inverse[lane];
                    along[lane] += shares[lane] * slopes[lane];
                }
            }
            let rows = self.shares.chunks_exact(width).zip(self.slopes.chunks_exact_mut(width));
            for ((shares, slopes), sums) in rows.zip(self.sums.chunks_exact_mut(width)) {
                let (shares, slopes) = (&shares[column..][..WIDE], &mut slopes[column..][..WIDE]);
                let sums = &mut sums[column..][..WIDE];
                for lane in 0..WIDE {
                    slopes[lane] = shares[lane] * (slopes[lane] - along[lane]);
                    sums[lane] += slopes[lane];
                }
            }
        }
    }
}
