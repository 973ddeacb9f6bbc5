//! Every channel by itself: sums over the taps, and over the pixels.

use rayon::prelude::*;

use super::lanes::Lanes;
use super::level::Kernel;
use super::simd::Simd;
use super::{Level, filled};
use crate::geometry::Axis;

/// Most private sums of the gradient to the weights, so that the result does not depend on the number of threads.
const PARTS: usize = 16;

/// What is read: `x` (`[batch, rows.source, columns.source, channels]`) along both axes.
#[derive(Clone, Copy)]
pub(crate) struct Depthwise<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) batch: usize,
    pub(crate) rows: &'a Axis,
    pub(crate) columns: &'a Axis,
    pub(crate) channels: usize,
}

impl<'a> Depthwise<'a> {
    /// `bias` and what each tap reads, times `weight` (`[tap][channels]`): `[batch, rows.len(), columns.len(),
    /// channels]`.
    pub(crate) fn convolved(self, level: Level, weight: &[f32], bias: &[f32]) -> Vec<f32> {
        self.check(weight);
        assert!(bias.len() == self.channels, "wrong bias");
        let line = self.columns.len() * self.channels;
        filled(self.batch * self.rows.len() * line, line, |index, out| {
            // SAFETY: a level exists only where it is available; the sizes were checked.
            unsafe { level.run(Convolved { line: self.line(index), weight, bias, out }) }
        })
    }

    /// By tap and channel, the sum of what is read times `gradient`, which has a pixel for every position.
    pub(crate) fn products(self, level: Level, gradient: &[f32]) -> Vec<f32> {
        let lines = self.batch * self.rows.len();
        let line = self.columns.len() * self.channels;
        assert!(gradient.len() == lines * line, "wrong gradient");
        let parts = lines.clamp(1, PARTS);
        let part = |part: usize| {
            let mut sums = vec![0.0; self.rows.taps * self.columns.taps * self.channels];
            self.check(&sums);
            for index in part * lines / parts..(part + 1) * lines / parts {
                let gradient = &gradient[index * line..][..line];
                // SAFETY: a level exists only where it is available; the sizes were checked.
                unsafe { level.run(Products { line: self.line(index), gradient, sums: &mut sums }) }
            }
            sums
        };
        let sums: Vec<Vec<f32>> = (0..parts).into_par_iter().map(part).collect();
        let mut total = vec![0.0; self.rows.taps * self.columns.taps * self.channels];
        for part in sums {
            total.iter_mut().zip(part).for_each(|(total, sum)| *total += sum);
        }
        total
    }

    fn check(self, by_tap: &[f32]) {
        assert!(by_tap.len() == self.rows.taps * self.columns.taps * self.channels, "wrong weights");
    }

    /// What the positions of one line read.
    fn line(self, index: usize) -> Line<'a> {
        let (first, line) = (index / self.rows.len() * self.rows.source, self.columns.source * self.channels);
        let reads = self.rows.reads(index % self.rows.len()).iter().enumerate();
        let sources = reads.filter_map(|(tap, y)| Some((tap, &self.x[(first + (*y)?) * line..][..line])));
        Line { sources: sources.collect(), columns: self.columns, channels: self.channels }
    }
}

/// Source lines, each with the line of taps that reads it.
struct Line<'a> {
    sources: Vec<(usize, &'a [f32])>,
    columns: &'a Axis,
    channels: usize,
}

impl Line<'_> {
    /// The taps that read anything at the position `at`: each pixel, and where the tap's channels start.
    #[inline(always)]
    fn taps(&self, at: usize, taps: &mut Vec<(*const f32, usize)>) {
        taps.clear();
        for (down, source) in &self.sources {
            for (along, x) in self.columns.reads(at).iter().enumerate() {
                let Some(x) = x else { continue };
                let pixel = &source[x * self.channels..][..self.channels];
                taps.push((pixel.as_ptr(), (down * self.columns.taps + along) * self.channels));
            }
        }
    }
}

/// `weight` has `channels` numbers for each tap; `out` has as many pixels as the line has positions.
struct Convolved<'a> {
    line: Line<'a>,
    weight: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Convolved<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (weight, bias) = (self.weight.as_ptr(), self.bias.as_ptr());
        let mut taps = Vec::new();
        // SAFETY: every pixel, the bias and the weights of each tap have `channels` numbers.
        unsafe {
            let lanes = Lanes::<S>::new(self.line.channels);
            for (at, out) in self.out.chunks_exact_mut(self.line.channels).enumerate() {
                self.line.taps(at, &mut taps);
                for channel in lanes.starts() {
                    let mut sum = lanes.load(bias, channel);
                    for (pixel, tap) in &taps {
                        let (x, w) = (lanes.load(*pixel, channel), lanes.load(weight.add(*tap), channel));
                        sum = S::mul_add(x, w, sum);
                    }
                    lanes.store(out.as_mut_ptr(), channel, sum);
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
        let sums = self.sums.as_mut_ptr();
        let mut taps = Vec::new();
        // SAFETY: every pixel and the sums of each tap have `channels` numbers.
        unsafe {
            let lanes = Lanes::<S>::new(self.line.channels);
            for (at, gradient) in self.gradient.chunks_exact(self.line.channels).enumerate() {
                self.line.taps(at, &mut taps);
                for channel in lanes.starts() {
                    let gradient = lanes.load(gradient.as_ptr(), channel);
                    for (pixel, tap) in &taps {
                        let to = sums.add(*tap);
                        let sum = S::mul_add(gradient, lanes.load(*pixel, channel), lanes.load(to, channel));
                        lanes.store(to, channel, sum);
                    }
                }
            }
        }
    }
}
