//! Pixels in slots of two channels, for products of bf16.

use rayon::prelude::*;

use super::Level;
use super::level::Kernel;
use super::simd::{MOST_LANES, Simd};
use super::slot::{Pair, Slot};
use super::span::{span, span_mut};

/// Pixels of one task.
const PIXELS: usize = 256;

/// Writes pixels of `channels` numbers to `out`, each in as many slots as it needs; all of it that was there is lost.
pub(super) fn pair_pixels(level: Level, x: &[f32], channels: usize, out: &mut Vec<f32>) {
    let length = x.len() / channels.max(1) * channels.div_ceil(Pair::CHANNELS);
    // What is longer stays as it is: filling it costs as much as writing it.
    if out.len() < length {
        out.resize(length, 0.0);
    }
    out.truncate(length);
    write(level, x, channels, out);
}

/// The same of many pixels, in parallel.
pub(super) fn paired_pixels(level: Level, x: &[f32], channels: usize) -> Vec<f32> {
    let (read, written) = (PIXELS * channels.max(1), PIXELS * channels.div_ceil(Pair::CHANNELS).max(1));
    let mut out = vec![0.0; x.len() / channels.max(1) * channels.div_ceil(Pair::CHANNELS)];
    let tasks = out.par_chunks_mut(written).zip(x.par_chunks(read));
    tasks.for_each(|(out, x)| write(level, x, channels, out));
    out
}

fn write(level: Level, x: &[f32], channels: usize, out: &mut [f32]) {
    // Pairs of an even number of channels do not care where a pixel ends.
    let line = if channels.is_multiple_of(Pair::CHANNELS) { x.len() } else { channels };
    let lines = x.chunks_exact(line.max(1)).zip(out.chunks_exact_mut(line.div_ceil(Pair::CHANNELS).max(1)));
    // SAFETY: a level exists only where it is available; a line has as many slots as it needs.
    unsafe { level.run(Lines { lines }) }
}

/// Lines of numbers and of their slots.
struct Lines<I> {
    lines: I,
}

impl<'a, 'b, I: Iterator<Item = (&'a [f32], &'b mut [f32])>> Kernel for Lines<I> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for (x, out) in self.lines {
            let whole = x.len() - x.len() % S::LANES;
            // SAFETY: the lanes are in the line, and so are their slots; `last` has room for a vector.
            unsafe {
                for at in (0..whole).step_by(S::LANES) {
                    let to = span_mut(out, at / Pair::CHANNELS, S::LANES / Pair::CHANNELS);
                    Pair::store::<S>(to, S::load(span(x, at, S::LANES)));
                }
                let rest = x.len() - whole;
                if rest > 0 {
                    let mut last = [0.0; MOST_LANES];
                    let values = S::load_masked(span(x, whole, rest), S::mask(rest));
                    Pair::store::<S>(last.as_mut_ptr(), values);
                    let to = &mut out[whole / Pair::CHANNELS..];
                    to.copy_from_slice(&last[..to.len()]);
                }
            }
        }
    }
}
