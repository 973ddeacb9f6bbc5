//! Pixels at mean 0 and deviation 1.

use std::mem::MaybeUninit;

use super::Level;
use super::fill::{added, filled_by};
use super::lanes::Lanes;
use super::level::Kernel;
use super::simd::Simd;

/// Pixels of one task.
const PIXELS: usize = 256;

/// What is normalised pixel by pixel, and what it is multiplied with then; `x` has whole pixels of `weight.len()`
/// channels, at least one.
#[derive(Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) weight: &'a [f32],
    /// Added to the variance.
    pub(crate) epsilon: f32,
}

impl Norm<'_> {
    /// `x̂ · weight + bias` of the normalised pixels `x̂`.
    pub(crate) fn forward(self, level: Level, bias: &[f32]) -> Vec<f32> {
        let chunk = PIXELS * self.weight.len();
        assert!(bias.len() == self.weight.len(), "wrong bias");
        self.check();
        let task =
            |(index, out): (usize, &mut [_])| self.part(index * chunk, out.len()).pixels_to(level, bias, out);
        // SAFETY: chunks are whole pixels, and all of each is written.
        unsafe { filled_by(Vec::new(), self.x.len(), chunk, task).0 }
    }

    /// The same of a few pixels, all of them in `out`.
    pub(super) fn pixels_to(self, level: Level, bias: &[f32], out: &mut [MaybeUninit<f32>]) {
        assert!(bias.len() == self.weight.len() && out.len() == self.x.len(), "wrong size");
        self.check();
        // SAFETY: a level exists only where it is available; the sizes were checked.
        unsafe { level.run(Forward { norm: self, bias, out }) }
    }

    /// The gradients to `x`, to the weight and to the bias.
    pub(crate) fn gradient(self, level: Level, gradient: &[f32]) -> [Vec<f32>; 3] {
        let channels = self.weight.len();
        let chunk = PIXELS * channels;
        assert!(gradient.len() == self.x.len(), "wrong gradient");
        self.check();
        let task = |(index, out): (usize, &mut [_])| {
            // To the weight, then to the bias.
            let mut sums = vec![0.0; 2 * channels];
            let norm = self.part(index * chunk, out.len());
            let gradient = &gradient[index * chunk..][..out.len()];
            // SAFETY: a level exists only where it is available; the sizes were checked.
            unsafe { level.run(Gradient { norm, gradient, out, sums: &mut sums }) }
            sums
        };
        // SAFETY: chunks are whole pixels, and all of each is written.
        let (to_x, sums) = unsafe { filled_by(Vec::new(), self.x.len(), chunk, task) };
        let mut to_weight = added(2 * channels, sums);
        let to_bias = to_weight.split_off(channels);
        [to_x, to_weight, to_bias]
    }

    fn check(self) {
        assert!(self.x.len().is_multiple_of(self.weight.len().max(1)), "parts of pixels");
    }

    fn part(self, at: usize, length: usize) -> Self {
        Self { x: &self.x[at..][..length], ..self }
    }

    /// Mean and `1 / √(variance + ε)` of the pixel `x`.
    ///
    /// # Safety
    /// `S` must be available, and the pixel readable.
    #[inline(always)]
    unsafe fn moments<S: Simd>(self, lanes: Lanes<S>, x: *const f32) -> [f32; 2] {
        let share = 1.0 / self.weight.len() as f32;
        // SAFETY: passed on from the caller.
        unsafe {
            let mut sum = S::splat(0.0);
            for at in lanes.starts() {
                sum = S::add(sum, lanes.load(x, at));
            }
            let mean = S::sum(sum) * share;
            let mut squares = S::splat(0.0);
            for at in lanes.starts() {
                let centred = lanes.only(at, S::sub(lanes.load(x, at), S::splat(mean)));
                squares = S::mul_add(centred, centred, squares);
            }
            [mean, 1.0 / (S::sum(squares) * share + self.epsilon).sqrt()]
        }
    }
}

/// `out` is as long as `norm.x`.
struct Forward<'a> {
    norm: Norm<'a>,
    bias: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { norm, bias, out } = self;
        let channels = norm.weight.len();
        let (weight, bias) = (norm.weight.as_ptr(), bias.as_ptr());
        // SAFETY: every pixel, the weight and the bias have `channels` numbers.
        unsafe {
            let lanes = Lanes::<S>::new(channels);
            for (out, x) in out.chunks_exact_mut(channels).zip(norm.x.chunks_exact(channels)) {
                let (out, x) = (out.as_mut_ptr().cast(), x.as_ptr());
                let [mean, inverse] = norm.moments(lanes, x).map(|value| S::splat(value));
                for at in lanes.starts() {
                    let unit = S::mul(S::sub(lanes.load(x, at), mean), inverse);
                    let value = S::mul_add(unit, lanes.load(weight, at), lanes.load(bias, at));
                    lanes.store(out, at, value);
                }
            }
        }
    }
}

/// `gradient` and `out` are as long as `norm.x`, `sums` twice as long as the weight.
struct Gradient<'a> {
    norm: Norm<'a>,
    gradient: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
    sums: &'a mut [f32],
}

impl Kernel for Gradient<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { norm, gradient, out, sums } = self;
        let channels = norm.weight.len();
        let share = 1.0 / channels as f32;
        let weight = norm.weight.as_ptr();
        let (to_weight, to_bias) = sums.split_at_mut(channels);
        let (to_weight, to_bias) = (to_weight.as_mut_ptr(), to_bias.as_mut_ptr());
        let pixels = norm.x.chunks_exact(channels).zip(gradient.chunks_exact(channels));
        // SAFETY: every pixel, the weight and both sums have `channels` numbers.
        unsafe {
            let lanes = Lanes::<S>::new(channels);
            for (out, (x, gradient)) in out.chunks_exact_mut(channels).zip(pixels) {
                let (out, x, gradient) = (out.as_mut_ptr().cast(), x.as_ptr(), gradient.as_ptr());
                let [mean, inverse] = norm.moments(lanes, x).map(|value| S::splat(value));
                // Σ g·w and Σ g·w·x̂.
                let mut along = [S::splat(0.0); 2];
                for at in lanes.starts() {
                    let unit = S::mul(S::sub(lanes.load(x, at), mean), inverse);
                    let g = lanes.load(gradient, at);
                    let weighted = S::mul(g, lanes.load(weight, at));
                    along = [S::add(along[0], weighted), S::mul_add(weighted, unit, along[1])];
                    lanes.store(to_weight, at, S::mul_add(g, unit, lanes.load(to_weight, at)));
                    lanes.store(to_bias, at, S::add(g, lanes.load(to_bias, at)));
                }
                let [level, slope] = along.map(|sum| S::splat(S::sum(sum) * share));
                for at in lanes.starts() {
                    let unit = S::mul(S::sub(lanes.load(x, at), mean), inverse);
                    let weighted = S::mul(lanes.load(gradient, at), lanes.load(weight, at));
                    let value = S::sub(S::sub(weighted, level), S::mul(unit, slope));
                    lanes.store(out, at, S::mul(value, inverse));
                }
            }
        }
    }
}
