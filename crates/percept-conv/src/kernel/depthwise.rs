//! Every channel by itself: sums over the taps, and over the pixels.

use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use super::Level;
use super::channels::Gated;
use super::fill::{added, filled_by};
use super::level::Kernel;
use super::simd::Simd;
use super::span::{span, span_mut};
use crate::geometry::{Axis, Geometry};

/// Most private sums of the gradient to the weights, so that the result does not depend on the number of threads.
const PARTS: usize = 16;
/// Where lines are made for their neighbours: tasks that there should be, and lines of one at least, as the first and the last
/// ones are made twice.
const TASKS: usize = 16;
const LINES: usize = 12;

/// What is read: `x` (`[batch, rows.source, columns.source, channels]`) along both axes.
pub(crate) struct Depthwise<'a> {
    x: &'a [f32],
    batch: usize,
    rows: Axis,
    columns: Axis,
    channels: usize,
}

impl<'a> Depthwise<'a> {
    /// `x` as the convolution reads it.
    pub(crate) fn of_source(x: &'a [f32], g: &Geometry) -> Self {
        let (rows, columns) = (g.forward(0), g.forward(1));
        Self { x, batch: g.batch, rows, columns, channels: g.output }
    }

    /// The gradient to its result as the gradient to `x` reads it.
    pub(crate) fn of_gradient(gradient: &'a [f32], g: &Geometry) -> Self {
        let (rows, columns) = (g.gradient(0), g.gradient(1));
        Self { x: gradient, batch: g.batch, rows, columns, channels: g.output }
    }

    /// `bias` and what each tap reads, times `weight` (`[tap][channels]`): `[batch, rows.len(), columns.len(),
    /// channels]`.
    pub(crate) fn convolved(&self, level: Level, weight: &[f32], bias: &[f32]) -> Vec<f32> {
        assert!(weight.len() == self.by_tap(), "wrong weights");
        assert!(bias.len() == self.channels, "wrong bias");
        let line = self.columns.len() * self.channels;
        let runs = self.runs();
        let task = |(index, out): (usize, &mut [_])| {
            // SAFETY: a level exists only where it is available; the sizes were checked.
            unsafe {
                level.run(Convolved { line: self.line(index, &runs, |at| self.row(at)), weight, bias, out })
            }
        };
        // SAFETY: the runs are all positions of a line, and all channels of each are written.
        unsafe { filled_by(Vec::new(), self.batch * self.rows.len() * line, line, task).0 }
    }

    /// The first half of the channels of [`convolved`](Self::convolved) times the second, without the whole of it in memory.
    pub(crate) fn gated(&self, level: Level, weight: &[f32], bias: &[f32]) -> Vec<f32> {
        let chunk = self.columns.len() * self.channels / 2;
        let runs = self.runs();
        let task = |(index, out): (usize, &mut [_])| {
            self.gate_line(level, self.line(index, &runs, |at| self.row(at)), weight, bias, out);
        };
        // SAFETY: a line has as many whole pixels as its half, and all of each is written.
        unsafe { filled_by(Vec::new(), self.batch * self.rows.len() * chunk, chunk, task).0 }
    }

    /// The same of source lines that `make` makes where they are needed, told which one of all images: never more of them are
    /// in memory than there are lines of taps. Neighbouring lines of taps must read neighbouring lines. `x` is empty.
    pub(crate) fn gated_of_lines(
        &self,
        level: Level,
        weight: &[f32],
        bias: &[f32],
        make: impl Fn(usize, &mut Vec<f32>) + Sync,
    ) -> Vec<f32> {
        let lines = self.batch * self.rows.len();
        let line = self.columns.len() * self.channels / 2;
        let each = lines.div_ceil(TASKS).max(LINES);
        let runs = self.runs();
        let task = |(index, out): (usize, &mut [MaybeUninit<f32>])| {
            let mut made: Vec<(Option<usize>, Vec<f32>)> = vec![(None, Vec::new()); self.rows.taps];
            for (i, out) in out.chunks_exact_mut(line.max(1)).enumerate() {
                let at = index * each + i;
                for source in self.sources(at) {
                    let (held, values) = &mut made[source % self.rows.taps];
                    if *held != Some(source) {
                        make(source, values);
                        *held = Some(source);
                    }
                }
                let sources = |source: usize| &made[source % self.rows.taps].1[..];
                self.gate_line(level, self.line(at, &runs, sources), weight, bias, out);
            }
        };
        // SAFETY: chunks are whole lines, and all of each is written.
        unsafe { filled_by(Vec::new(), lines * line, each * line, task).0 }
    }

    /// Writes the gated pixels of a line.
    fn gate_line(
        &self,
        level: Level,
        line: Line<'_>,
        weight: &[f32],
        bias: &[f32],
        out: &mut [MaybeUninit<f32>],
    ) {
        let count = self.columns.len() * self.channels;
        assert!(weight.len() == self.by_tap() && self.channels.is_multiple_of(2), "wrong weights");
        assert!(bias.len() == self.channels && out.len() * 2 == count, "wrong size");
        let mut convolved = Vec::with_capacity(count);
        let spare = &mut convolved.spare_capacity_mut()[..count];
        // SAFETY: a level exists only where it is available; the sizes were checked. The runs are all positions of a line, and
        // all channels of each are written.
        unsafe {
            level.run(Convolved { line, weight, bias, out: spare });
            convolved.set_len(count);
            level.run(Gated { x: &convolved, channels: self.channels / 2, out });
        }
    }

    /// By tap and channel, the sum of what is read times `gradient`, which has a pixel for every position.
    pub(crate) fn products(&self, level: Level, gradient: &[f32]) -> Vec<f32> {
        let lines = self.batch * self.rows.len();
        let line = self.columns.len() * self.channels;
        assert!(gradient.len() == lines * line, "wrong gradient");
        let parts = lines.clamp(1, PARTS);
        let runs = self.runs();
        let part = |part: usize| {
            let mut sums = vec![0.0; self.by_tap()];
            for index in part * lines / parts..(part + 1) * lines / parts {
                let gradient = &gradient[index * line..][..line];
                // SAFETY: a level exists only where it is available; the sizes were checked.
                unsafe {
                    level.run(Products {
                        line: self.line(index, &runs, |at| self.row(at)),
                        gradient,
                        sums: &mut sums,
                    })
                }
            }
            sums
        };
        let sums: Vec<Vec<f32>> = (0..parts).into_par_iter().map(part).collect();
        added(self.by_tap(), sums)
    }

    /// Numbers in one for every tap and channel.
    fn by_tap(&self) -> usize {
        self.rows.taps * self.columns.taps * self.channels
    }

    /// The source lines, of all images, that one line reads.
    fn sources(&self, index: usize) -> impl Iterator<Item = usize> {
        let first = index / self.rows.len() * self.rows.source;
        self.rows.reads(index % self.rows.len()).iter().flatten().map(move |y| first + y)
    }

    /// A source line of all images.
    fn row(&self, at: usize) -> &[f32] {
        let line = self.columns.source * self.channels;
        &self.x[at * line..][..line]
    }

    /// What the positions of one line read of the source lines that `row` has.
    fn line<'b>(
        &'b self,
        index: usize,
        runs: &'b [(Range<usize>, usize)],
        row: impl Fn(usize) -> &'b [f32],
    ) -> Line<'b> {
        let (first, line) = (index / self.rows.len() * self.rows.source, self.columns.source * self.channels);
        let reads = self.rows.reads(index % self.rows.len()).iter().enumerate();
        let sources = reads.filter_map(|(tap, y)| Some((tap, &row(first + (*y)?)[..line])));
        Line { sources: sources.collect(), columns: &self.columns, channels: self.channels, runs }
    }

    /// Positions of a line in runs: of those in one, all but the first read what the one before reads, so many numbers on.
    fn runs(&self) -> Vec<(Range<usize>, usize)> {
        let (steady, step) = self.columns.steady();
        let one = |at: usize| (at..at + 1, 0);
        let (before, after) = (0..steady.start, steady.end..self.columns.len());
        let steady = (steady, step * self.channels);
        let runs = before.map(one).chain([steady]).chain(after.map(one));
        runs.filter(|(run, _)| !run.is_empty()).collect()
    }
}

/// Source lines, each with the line of taps that reads it.
struct Line<'a> {
    sources: Vec<(usize, &'a [f32])>,
    columns: &'a Axis,
    channels: usize,
    /// See [`Depthwise::runs`].
    runs: &'a [(Range<usize>, usize)],
}

impl<'a> Line<'a> {
    /// The taps that read anything at the position `at`: from where on in a source line, and where the tap's channels
    /// start.
    fn taps(&self, at: usize) -> impl Iterator<Item = (&'a [f32], usize)> {
        let (columns, channels) = (self.columns, self.channels);
        self.sources.iter().flat_map(move |(down, source)| {
            let reads = columns.reads(at).iter().enumerate();
            reads.filter_map(move |(along, x)| {
                Some((&source[(*x)? * channels..], (down * columns.taps + along) * channels))
            })
        })
    }
}

/// A run of positions, for the channels of one vector: `count` pixels, `step` numbers apart where they are read and
/// `channels` where there is one for each position.
struct Run<S: Simd> {
    count: usize,
    step: usize,
    channels: usize,
    /// Of `mask`.
    lanes: usize,
    mask: S::M,
}

impl<S: Simd> Run<S> {
    /// # Safety
    /// `S` must be available.
    #[inline(always)]
    unsafe fn new(count: usize, step: usize, channels: usize, lanes: usize) -> Self {
        // SAFETY: passed on from the caller.
        Self { count, step, channels, lanes, mask: unsafe { S::mask(lanes) } }
    }

    /// # Safety
    /// `S` must be available, and the lanes readable.
    #[inline(always)]
    unsafe fn load<const WHOLE: bool>(&self, from: *const f32) -> S::V {
        // SAFETY: passed on from the caller.
        unsafe { if WHOLE { S::load(from) } else { S::load_masked(from, self.mask) } }
    }

    /// From the first pixel's lanes to the last one's in `source`.
    ///
    /// # Safety
    /// They must be inside.
    #[inline(always)]
    unsafe fn pixels(&self, source: &[f32], channel: usize) -> *const f32 {
        // SAFETY: passed on from the caller.
        unsafe { span(source, channel, (self.count - 1) * self.step + self.lanes) }
    }

    /// Writes `bias` and the sum of what `T` taps read, times their weights.
    ///
    /// # Safety
    /// `S` must be available, `WHOLE` say whether all lanes count, and `pixels` and `out` reach to the last pixel.
    #[inline(always)]
    unsafe fn convolve<const WHOLE: bool, const T: usize>(
        &self,
        pixels: [*const f32; T],
        weights: [S::V; T],
        bias: S::V,
        out: *mut f32,
    ) {
        // SAFETY: passed on from the caller.
        unsafe {
            for i in 0..self.count {
                let mut sum = bias;
                for (pixel, weight) in pixels.into_iter().zip(weights) {
                    sum = S::mul_add(self.load::<WHOLE>(pixel.add(i * self.step)), weight, sum);
                }
                let out = out.add(i * self.channels);
                if WHOLE { S::store(out, sum) } else { S::store_masked(out, sum, self.mask) }
            }
        }
    }

    /// Adds, tap by tap, what is read times the gradient.
    ///
    /// # Safety
    /// As [`convolve`](Self::convolve), with `gradient` for `out`.
    #[inline(always)]
    unsafe fn multiply<const WHOLE: bool, const T: usize>(
        &self,
        pixels: [*const f32; T],
        gradient: *const f32,
        sums: &mut [S::V; T],
    ) {
        // SAFETY: passed on from the caller.
        unsafe {
            for i in 0..self.count {
                let gradient = self.load::<WHOLE>(gradient.add(i * self.channels));
                for (pixel, sum) in pixels.into_iter().zip(sums.iter_mut()) {
                    *sum = S::mul_add(gradient, self.load::<WHOLE>(pixel.add(i * self.step)), *sum);
                }
            }
        }
    }
}

/// The taps of a kernel that are computed at once: 3×3, whose weights or sums stay in registers.
const TOGETHER: usize = 9;

/// `weight` has `channels` numbers for each tap; `out` has as many pixels as the line has positions.
struct Convolved<'a> {
    line: Line<'a>,
    weight: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Convolved<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { line, weight, bias, out } = self;
        let channels = line.channels;
        let mut taps = Vec::new();
        for (positions, step) in line.runs {
            taps.clear();
            taps.extend(line.taps(positions.start));
            let out = &mut out[positions.start * channels..positions.end * channels];
            for channel in (0..channels).step_by(S::LANES) {
                let lanes = S::LANES.min(channels - channel);
                // SAFETY: what is read and written is inside by `span`'s checks and the taps of `line`.
                unsafe {
                    let run = Run::<S>::new(positions.len(), *step, channels, lanes);
                    let bias = S::load_masked(span(bias, channel, lanes), run.mask);
                    let reach = (run.count - 1) * channels + lanes;
                    let to: *mut f32 = span_mut(out, channel, reach).cast();
                    let weight = |tap: usize| S::load_masked(span(weight, tap + channel, lanes), run.mask);
                    if let Ok(taps) = <&[_; TOGETHER]>::try_from(&taps[..]) {
                        let pixels = taps.map(|(source, _)| run.pixels(source, channel));
                        let weights = taps.map(|(_, tap)| weight(tap));
                        match lanes == S::LANES {
                            true => run.convolve::<true, TOGETHER>(pixels, weights, bias, to),
                            false => run.convolve::<false, TOGETHER>(pixels, weights, bias, to),
                        }
                        continue;
                    }
                    for i in 0..run.count {
                        let mut sum = bias;
                        for (source, tap) in &taps {
                            let pixel = span(source, channel + i * step, lanes);
                            sum = S::mul_add(S::load_masked(pixel, run.mask), weight(*tap), sum);
                        }
                        S::store_masked(to.add(i * channels), sum, run.mask);
                    }
                }
            }
        }
    }
}

/// `sums` has `channels` numbers for each tap; `gradient` has as many pixels as the line has positions.
struct Products<'a> {
    line: Line<'a>,
    gradient: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for Products<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { line, gradient, sums } = self;
        let channels = line.channels;
        let mut taps = Vec::new();
        for (positions, step) in line.runs {
            taps.clear();
            taps.extend(line.taps(positions.start));
            let gradient = &gradient[positions.start * channels..positions.end * channels];
            for channel in (0..channels).step_by(S::LANES) {
                let lanes = S::LANES.min(channels - channel);
                // SAFETY: what is read and written is inside by `span`'s checks and the taps of `line`.
                unsafe {
                    let run = Run::<S>::new(positions.len(), *step, channels, lanes);
                    let from = span(gradient, channel, (run.count - 1) * channels + lanes);
                    let mut add = |tap: usize, value: S::V| {
                        let to = span_mut(sums, tap + channel, lanes);
                        S::store_masked(to, S::add(S::load_masked(to, run.mask), value), run.mask);
                    };
                    if let Ok(taps) = <&[_; TOGETHER]>::try_from(&taps[..]) {
                        let pixels = taps.map(|(source, _)| run.pixels(source, channel));
                        let mut products = [S::splat(0.0); TOGETHER];
                        match lanes == S::LANES {
                            true => run.multiply::<true, TOGETHER>(pixels, from, &mut products),
                            false => run.multiply::<false, TOGETHER>(pixels, from, &mut products),
                        }
                        taps.iter().zip(products).for_each(|((_, tap), value)| add(*tap, value));
                        continue;
                    }
                    for (source, tap) in &taps {
                        let mut product = [S::splat(0.0)];
                        run.multiply::<false, 1>([run.pixels(source, channel)], from, &mut product);
                        add(*tap, product[0]);
                    }
                }
            }
        }
    }
}
