//! Passes over pixels that compute little: each reads and writes its numbers once.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::Level;
use super::epilogue::leaky;
use super::fill::{added, filled_by};
use super::lanes::Lanes;
use super::level::Kernel;
use super::simd::Simd;

/// Pixels of one task.
const PIXELS: usize = 256;
/// Most sums, each over a part of the pixels, that are added up at the end.
const PARTS: usize = 64;

/// Pixel by pixel, the first half of the `2 · channels` channels times the second.
pub(crate) fn gated(level: Level, x: &[f32], channels: usize) -> Vec<f32> {
    assert!(x.len().is_multiple_of((2 * channels).max(1)), "parts of pixels");
    let task = |(index, out): (usize, &mut [_])| {
        let x = &x[index * PIXELS * channels * 2..][..out.len() * 2];
        // SAFETY: a level exists only where it is available; `x` is twice as long as `out`.
        unsafe { level.run(Gated { x, channels, out }) }
    };
    // SAFETY: chunks are whole pixels, and all of each is written.
    unsafe { filled_by(Vec::new(), x.len() / 2, PIXELS * channels, task).0 }
}

/// The gradient of [`gated`] to `x`.
pub(crate) fn gated_gradient(level: Level, x: &[f32], gradient: &[f32], channels: usize) -> Vec<f32> {
    assert!(x.len() == gradient.len() * 2, "wrong gradient");
    assert!(gradient.len().is_multiple_of(channels.max(1)), "parts of pixels");
    let task = |(index, out): (usize, &mut [_])| {
        let x = &x[index * PIXELS * channels * 2..][..out.len()];
        let gradient = &gradient[index * PIXELS * channels..][..out.len() / 2];
        // SAFETY: a level exists only where it is available; `x` and `out` are twice as long as `gradient`.
        unsafe { level.run(GatedGradient { x, gradient, channels, out }) }
    };
    // SAFETY: chunks are whole pixels, and all of each is written.
    unsafe { filled_by(Vec::new(), x.len(), PIXELS * channels * 2, task).0 }
}

/// Pixel by pixel, the channels of `a` and then those of `b`; how many they have is `channels`.
pub(crate) fn joined(a: &[f32], b: &[f32], [of_a, of_b]: [usize; 2]) -> Vec<f32> {
    let pixels = a.len().checked_div(of_a).or(b.len().checked_div(of_b)).unwrap_or(0);
    assert!(a.len() == pixels * of_a && b.len() == pixels * of_b, "images of different sizes");
    let both = (of_a + of_b).max(1);
    let task = |(index, out): (usize, &mut [MaybeUninit<f32>])| {
        for (i, out) in out.chunks_exact_mut(both).enumerate() {
            let pixel = index * PIXELS + i;
            let (to_a, to_b) = out.split_at_mut(of_a);
            to_a.write_copy_of_slice(&a[pixel * of_a..][..of_a]);
            to_b.write_copy_of_slice(&b[pixel * of_b..][..of_b]);
        }
    };
    // SAFETY: chunks are whole pixels, and all of each is written.
    unsafe { filled_by(Vec::new(), pixels * (of_a + of_b), PIXELS * both, task).0 }
}

/// Pixel by pixel, the channels of `range` of the `channels` of `x`.
pub(crate) fn part(x: &[f32], channels: usize, range: std::ops::Range<usize>) -> Vec<f32> {
    let pixels = x.len().checked_div(channels).unwrap_or(0);
    let kept = range.len();
    assert!(x.len() == pixels * channels && range.end <= channels, "parts of pixels");
    let task = |(index, out): (usize, &mut [MaybeUninit<f32>])| {
        for (i, out) in out.chunks_exact_mut(kept.max(1)).enumerate() {
            let pixel = &x[(index * PIXELS + i) * channels..][..channels];
            out.write_copy_of_slice(&pixel[range.clone()]);
        }
    };
    // SAFETY: chunks are whole pixels, and all of each is written.
    unsafe { filled_by(Vec::new(), pixels * kept, PIXELS * kept.max(1), task).0 }
}

/// `x · factor + shift`, each with a number for every channel of every image; an image has `lines` lines of `line`
/// numbers.
pub(crate) fn scaled(
    level: Level,
    x: &[f32],
    [lines, line, channels]: [usize; 3],
    factor: &[f32],
    shift: &[f32],
) -> Vec<f32> {
    assert!(line.is_multiple_of(channels.max(1)), "lines of parts of pixels");
    assert!(x.len().is_multiple_of(line.max(1)), "parts of lines");
    let task = |(index, out): (usize, &mut [_])| {
        let x = &x[index * line..][..out.len()];
        let [factor, shift] = [factor, shift].map(|all| &all[index / lines * channels..][..channels]);
        // SAFETY: a level exists only where it is available; the slices have the sizes that they need.
        unsafe { level.run(Scaled { x, factor, shift, out }) }
    };
    // SAFETY: chunks are whole lines, and all of each is written.
    unsafe { filled_by(Vec::new(), x.len(), line, task).0 }
}

/// `x · factor + onto`, with a factor for every channel.
pub(crate) fn scaled_onto(level: Level, x: &[f32], factor: &[f32], onto: &[f32]) -> Vec<f32> {
    let chunk = PIXELS * factor.len();
    assert!(onto.len() == x.len(), "images of different sizes");
    assert!(x.len().is_multiple_of(factor.len().max(1)), "parts of pixels");
    let task = |(index, out): (usize, &mut [_])| {
        let [x, onto] = [x, onto].map(|all| &all[index * chunk..][..out.len()]);
        // SAFETY: a level exists only where it is available; the slices were cut to the same length.
        unsafe { level.run(ScaledOnto { x, factor, onto, out }) }
    };
    // SAFETY: chunks are whole pixels, and all of each is written.
    unsafe { filled_by(Vec::new(), x.len(), chunk, task).0 }
}

/// `x` where positive, `slope · x` elsewhere; pixels have `slope.len()` channels, at least one.
pub(crate) fn prelu(level: Level, x: &[f32], slope: &[f32]) -> Vec<f32> {
    let chunk = PIXELS * slope.len();
    assert!(x.len().is_multiple_of(slope.len().max(1)), "parts of pixels");
    let task = |(index, out): (usize, &mut [_])| {
        let x = &x[index * chunk..][..out.len()];
        // SAFETY: a level exists only where it is available; `x` is as long as `out`.
        unsafe { level.run(Prelu { x, slope, out }) }
    };
    // SAFETY: chunks are whole pixels, and all of each is written.
    unsafe { filled_by(Vec::new(), x.len(), chunk, task).0 }
}

/// The gradients of [`prelu`] to `x` and to the slopes.
pub(crate) fn prelu_gradient(level: Level, x: &[f32], gradient: &[f32], slope: &[f32]) -> [Vec<f32>; 2] {
    let chunk = PIXELS * slope.len();
    assert!(gradient.len() == x.len(), "wrong gradient");
    assert!(x.len().is_multiple_of(slope.len().max(1)), "parts of pixels");
    let task = |(index, out): (usize, &mut [_])| {
        let mut sums = vec![0.0; slope.len()];
        let [x, gradient] = [x, gradient].map(|all| &all[index * chunk..][..out.len()]);
        // SAFETY: a level exists only where it is available; the slices were cut to the same length.
        unsafe { level.run(PreluGradient { x, gradient, slope, out, sums: &mut sums }) }
        sums
    };
    // SAFETY: chunks are whole pixels, and all of each is written.
    let (to_x, parts) = unsafe { filled_by(Vec::new(), x.len(), chunk, task) };
    [to_x, added(slope.len(), parts)]
}

/// By channel, the sum of all pixels of `a`, each number times that of `b` where there is one: fixed parts first, then
/// the parts in order.
pub(crate) fn channel_sums(level: Level, a: &[f32], b: Option<&[f32]>, channels: usize) -> Vec<f32> {
    assert!(b.is_none_or(|b| b.len() == a.len()), "factors of different sizes");
    if channels == 0 {
        return Vec::new();
    }
    let part = (a.len() / channels).div_ceil(PARTS).max(1) * channels;
    let sums: Vec<Vec<f32>> = a
        .par_chunks(part)
        .enumerate()
        .map(|(index, a)| {
            let mut sums = vec![0.0; channels];
            let b = b.map(|b| &b[index * part..][..a.len()]);
            // SAFETY: a level exists only where it is available; `a` and `b` are equally long.
            unsafe { level.run(Sums { a, b, sums: &mut sums }) }
            sums
        })
        .collect();
    added(channels, sums)
}

/// `x` has twice as many numbers as `out`, whose pixels have `channels`.
pub(super) struct Gated<'a> {
    pub(super) x: &'a [f32],
    pub(super) channels: usize,
    pub(super) out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Gated<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.channels;
        // SAFETY: the pixels of `x` have twice as many numbers as those of `out`, `channels`.
        unsafe {
            let lanes = Lanes::<S>::new(channels);
            let pixels = self.x.chunks_exact(2 * channels);
            for (out, x) in self.out.chunks_exact_mut(channels).zip(pixels) {
                let (one, other) = (x.as_ptr(), x[channels..].as_ptr());
                for at in lanes.starts() {
                    lanes.store(
                        out.as_mut_ptr().cast(),
                        at,
                        S::mul(lanes.load(one, at), lanes.load(other, at)),
                    );
                }
            }
        }
    }
}

struct GatedGradient<'a> {
    x: &'a [f32],
    gradient: &'a [f32],
    channels: usize,
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for GatedGradient<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.channels;
        let pixels = self.x.chunks_exact(2 * channels).zip(self.gradient.chunks_exact(channels));
        // SAFETY: the pixels of `x` and `out` have twice as many numbers as those of `gradient`, `channels`.
        unsafe {
            let lanes = Lanes::<S>::new(channels);
            for (out, (x, gradient)) in self.out.chunks_exact_mut(2 * channels).zip(pixels) {
                let (one, other) = (x.as_ptr(), x[channels..].as_ptr());
                let (to_one, to_other) = out.split_at_mut(channels);
                for at in lanes.starts() {
                    let gradient = lanes.load(gradient.as_ptr(), at);
                    lanes.store(to_one.as_mut_ptr().cast(), at, S::mul(gradient, lanes.load(other, at)));
                    lanes.store(to_other.as_mut_ptr().cast(), at, S::mul(gradient, lanes.load(one, at)));
                }
            }
        }
    }
}

struct Scaled<'a> {
    x: &'a [f32],
    factor: &'a [f32],
    shift: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Scaled<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.factor.len();
        let (factor, shift) = (self.factor.as_ptr(), self.shift.as_ptr());
        // SAFETY: every pixel, the factor and the shift have `channels` numbers.
        unsafe {
            let lanes = Lanes::<S>::new(channels);
            for (out, x) in self.out.chunks_exact_mut(channels).zip(self.x.chunks_exact(channels)) {
                for at in lanes.starts() {
                    let x = lanes.load(x.as_ptr(), at);
                    let value = S::mul_add(x, lanes.load(factor, at), lanes.load(shift, at));
                    lanes.store(out.as_mut_ptr().cast(), at, value);
                }
            }
        }
    }
}

/// `x` and `onto` are as long as `out`.
struct ScaledOnto<'a> {
    x: &'a [f32],
    factor: &'a [f32],
    onto: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for ScaledOnto<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.factor.len();
        let pixels = self.x.chunks_exact(channels).zip(self.onto.chunks_exact(channels));
        // SAFETY: every pixel and the factor have `channels` numbers.
        unsafe {
            let lanes = Lanes::<S>::new(channels);
            for (out, (x, onto)) in self.out.chunks_exact_mut(channels).zip(pixels) {
                for at in lanes.starts() {
                    let (x, onto) = (lanes.load(x.as_ptr(), at), lanes.load(onto.as_ptr(), at));
                    let value = S::mul_add(x, lanes.load(self.factor.as_ptr(), at), onto);
                    lanes.store(out.as_mut_ptr().cast(), at, value);
                }
            }
        }
    }
}

struct Prelu<'a> {
    x: &'a [f32],
    slope: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Prelu<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.slope.len();
        // SAFETY: every pixel and the slopes have `channels` numbers.
        unsafe {
            let lanes = Lanes::<S>::new(channels);
            for (out, x) in self.out.chunks_exact_mut(channels).zip(self.x.chunks_exact(channels)) {
                for at in lanes.starts() {
                    let value = leaky::<S>(lanes.load(x.as_ptr(), at), lanes.load(self.slope.as_ptr(), at));
                    lanes.store(out.as_mut_ptr().cast(), at, value);
                }
            }
        }
    }
}

/// `gradient` and `out` are as long as `x`, `sums` as long as `slope`.
struct PreluGradient<'a> {
    x: &'a [f32],
    gradient: &'a [f32],
    slope: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
    sums: &'a mut [f32],
}

impl Kernel for PreluGradient<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.slope.len();
        let (slope, sums) = (self.slope.as_ptr(), self.sums.as_mut_ptr());
        let pixels = self.x.chunks_exact(channels).zip(self.gradient.chunks_exact(channels));
        // SAFETY: every pixel, the slopes and the sums have `channels` numbers.
        unsafe {
            let lanes = Lanes::<S>::new(channels);
            let zero = S::splat(0.0);
            for (out, (x, gradient)) in self.out.chunks_exact_mut(channels).zip(pixels) {
                for at in lanes.starts() {
                    let (x, gradient) = (lanes.load(x.as_ptr(), at), lanes.load(gradient.as_ptr(), at));
                    let off = S::mul(gradient, lanes.load(slope, at));
                    lanes.store(out.as_mut_ptr().cast(), at, S::where_positive(x, gradient, off));
                    let sum = S::mul_add(gradient, S::min(zero, x), lanes.load(sums, at));
                    lanes.store(sums, at, sum);
                }
            }
        }
    }
}

/// `sums` is overwritten.
struct Sums<'a> {
    a: &'a [f32],
    b: Option<&'a [f32]>,
    sums: &'a mut [f32],
}

impl Kernel for Sums<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.sums.len();
        // SAFETY: every pixel and the sums have `channels` numbers.
        unsafe {
            let lanes = Lanes::<S>::new(channels);
            // A vector of sums stays in its register while all pixels pass.
            for at in lanes.starts() {
                let mut sum = S::splat(0.0);
                match self.b {
                    Some(b) => {
                        for (a, b) in self.a.chunks_exact(channels).zip(b.chunks_exact(channels)) {
                            sum = S::mul_add(lanes.load(a.as_ptr(), at), lanes.load(b.as_ptr(), at), sum);
                        }
                    }
                    None => {
                        for a in self.a.chunks_exact(channels) {
                            sum = S::add(lanes.load(a.as_ptr(), at), sum);
                        }
                    }
                }
                lanes.store(self.sums.as_mut_ptr(), at, sum);
            }
        }
    }
}
