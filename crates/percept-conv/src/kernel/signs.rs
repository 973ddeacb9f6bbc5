//! Where an activation's result is positive: all that its gradient needs to know.

use rayon::prelude::*;

use super::Level;
use super::fill::filled_in;
use super::level::Kernel;
use super::simd::Simd;
use super::span::span;

/// Bits behind the last one, so that four bytes can be read from the byte of every bit.
const MARGIN: usize = 32;

/// Numbers that one task looks at.
const CHUNK: usize = 1 << 15;

/// One bit for each number: whether it is positive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signs {
    bits: Vec<u8>,
    length: usize,
}

impl Signs {
    /// For `length` numbers, none of them positive.
    pub(crate) fn new(length: usize) -> Self {
        Self { bits: vec![0; (length + MARGIN).div_ceil(8)], length }
    }

    /// Those of `values`.
    pub(crate) fn of(level: Level, values: &[f32]) -> Self {
        let mut signs = Self::new(values.len());
        let chunks = signs.bits_mut().par_chunks_mut(CHUNK / 8).zip(values.par_chunks(CHUNK));
        chunks.for_each(|(bits, values)| mark(level, values, bits));
        signs
    }

    /// The bytes that hold the bits of the numbers.
    pub(crate) fn bits_mut(&mut self) -> &mut [u8] {
        &mut self.bits[..self.length.div_ceil(8)]
    }

    /// The bits of the numbers from `at` on, sixteen or as many as there are.
    ///
    /// # Safety
    /// There must be a number at `at`.
    #[inline(always)]
    unsafe fn at(&self, at: usize) -> u16 {
        debug_assert!(at < self.length, "the sign at {at} of {}", self.length);
        // SAFETY: behind the byte of every bit there are three more.
        let word = unsafe { span(&self.bits, at / 8, 4).cast::<u32>().read_unaligned() };
        (u32::from_le(word) >> (at % 8)) as u16
    }
}

/// The derivative of an activation: 1 where its result was positive, its slope elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Derivative<'a> {
    /// From the results of the activation, and its slope.
    Results(&'a [f32], f32),
    /// From their signs, likewise.
    Signs(&'a Signs, f32),
}

impl Derivative<'_> {
    /// Whether it is one for `length` numbers.
    pub(super) fn fits(&self, length: usize) -> bool {
        match self {
            Self::Results(results, _) => results.len() == length,
            Self::Signs(signs, _) => signs.length == length,
        }
    }

    /// The `lanes` numbers of `mask` that stand at `at`, times the derivative there.
    ///
    /// # Safety
    /// `S` must be available, and `lanes` numbers from `at` on inside.
    #[inline(always)]
    pub(super) unsafe fn times<S: Simd>(&self, value: S::V, at: usize, lanes: usize, mask: S::M) -> S::V {
        // SAFETY: passed on from the caller.
        unsafe {
            match *self {
                Self::Results(results, slope) => {
                    let result = S::load_masked(span(results, at, lanes), mask);
                    S::where_positive(result, value, S::mul(value, S::splat(slope)))
                }
                Self::Signs(signs, slope) => S::choose(signs.at(at), value, S::mul(value, S::splat(slope))),
            }
        }
    }

    /// `gradient` times the derivative.
    pub(crate) fn apply(&self, gradient: &[f32], spare: Vec<f32>) -> Vec<f32> {
        assert!(self.fits(gradient.len()), "wrong derivative");
        filled_in(spare, gradient.len(), CHUNK, |chunk, out| {
            let first = chunk * CHUNK;
            let pairs = out.iter_mut().zip(&gradient[first..]);
            match *self {
                Self::Results(results, slope) => pairs.zip(&results[first..]).for_each(|((out, g), y)| {
                    *out = if *y > 0.0 { *g } else { slope * *g };
                }),
                Self::Signs(signs, slope) => pairs.enumerate().for_each(|(i, (out, g))| {
                    let positive = signs.bits[(first + i) / 8] >> (i % 8) & 1 == 1;
                    *out = if positive { *g } else { slope * *g };
                }),
            }
        })
    }
}

/// Writes the signs of `values` to `bits`.
pub(super) fn mark(level: Level, values: &[f32], bits: &mut [u8]) {
    assert!(bits.len() == values.len().div_ceil(8), "wrong signs");
    // SAFETY: a level exists only where it is available.
    unsafe { level.run(Mark { values, bits }) }
}

struct Mark<'a> {
    values: &'a [f32],
    bits: &'a mut [u8],
}

impl Kernel for Mark<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let words = self.values.chunks_exact(16);
        let rest = words.remainder();
        let (whole, last) = self.bits.split_at_mut(words.len() * 2);
        for (bits, values) in whole.chunks_exact_mut(2).zip(words) {
            let mut word = 0;
            for lane in (0..16).step_by(S::LANES) {
                // SAFETY: the instruction set is the caller's; a word has sixteen numbers.
                word |= unsafe { S::positive(S::load(span(values, lane, S::LANES))) } << lane;
            }
            bits.copy_from_slice(&u16::to_le_bytes(word));
        }
        last.fill(0);
        for (i, value) in rest.iter().enumerate() {
            last[i / 8] |= u8::from(*value > 0.0) << (i % 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_any_number_of_values_at_all_levels() {
        for length in [0, 1, 7, 16, 33, CHUNK + 21] {
            let values: Vec<f32> = (0..length).map(|i| ((i * 37 % 11) as f32 - 5.0) * 0.5).collect();
            for level in Level::available() {
                let signs = Signs::of(level, &values);
                let derivative = Derivative::Signs(&signs, 0.25);
                let passed = derivative.apply(&vec![1.0; length], Vec::new());
                let expected: Vec<f32> = values.iter().map(|v| if *v > 0.0 { 1.0 } else { 0.25 }).collect();
                assert_eq!(passed, expected, "{level:?} {length}");
                assert_eq!(
                    Derivative::Results(&values, 0.25).apply(&vec![1.0; length], Vec::new()),
                    expected
                );
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_not_positive() {
        let mut values = vec![1.0; 16];
        values[5] = f32::NAN;
        for level in Level::available() {
            assert_eq!(Signs::of(level, &values).bits_mut(), [!(1 << 5), !0]);
        }
    }
}
